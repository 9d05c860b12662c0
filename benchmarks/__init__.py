"""What claims of speed and accuracy rest on, runnable by anyone.

Tests of behaviour live in ``hcc_assets_tests``.
"""
