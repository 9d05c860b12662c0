"""The Dagster code location ``hcc_assets``. Nothing heavy is imported here; how it is built is in ``defs.build``."""

from hcc_assets.defs.build import build_definitions

defs = build_definitions()
