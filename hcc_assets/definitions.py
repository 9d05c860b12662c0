"""The Dagster code location ``hcc_assets``. Nothing heavy is imported here; how it is built is in ``defs.build``."""

from hcc_assets.defs.build import build_definitions
from hcc_assets.defs.ray_job import with_ray_job

defs = with_ray_job(build_definitions())
