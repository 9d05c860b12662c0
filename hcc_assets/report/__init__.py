"""The trial report and query letters: Jinja templates over tables and figures.

No statistics and no reading belong here.
"""
