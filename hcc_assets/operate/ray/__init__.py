"""Samples on a Ray cluster, for `operate.refresh` (`RayWorkers`) and for the UI
(`ray_definitions`). What is done to a sample does not belong here, nor is Ray imported before it is
asked for.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "RayUnfit": "site",
        "RayWorkers": "engine",
        "ray_definitions": "job",
        "require_ray": "site",
    },
)
