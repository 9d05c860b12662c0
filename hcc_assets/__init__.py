"""Dagster data assets for a single-arm oncology trial with single-cell read-outs.

Nothing is imported here: the pure rooms, the Dagster layer and the command line each load what they
need when it is needed.
"""

__version__ = "0.1.0"
