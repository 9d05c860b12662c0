"""ADaM-style datasets for a statistician: built from the derived tables, written as files.

Here belong names, order and file formats. Nothing is derived here that another room derives.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "INPUTS": "datasets",
        "build_adam": "datasets",
        "write_adam": "files",
    },
)
