"""Thin definitions: recipes (what an asset reads, calls and says) and their Dagster form. Science belongs into the pure rooms."""
