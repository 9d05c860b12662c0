"""The Dagster code location ``hcc_assets``. Nothing heavy is imported here; how it is built is in ``defs.build``."""

from hcc_assets.operate.build import build_definitions
from hcc_assets.operate.ray.job import with_ray_job

defs = with_ray_job(build_definitions())
