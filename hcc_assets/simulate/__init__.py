"""The simulated trial and its truth: cells, biopsies, clinical tables.

A seed gives the same bytes. Nothing that analyses data belongs here.
"""
