"""Statistics over samples and subjects: plain functions over small tables.

No cell-level work and no Dagster belongs here.
"""
