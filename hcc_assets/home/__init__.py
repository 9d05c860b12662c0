"""The data home: its paths, the files of versions, what is published.

Reading and writing on a disk or an object store, and who may replace what. What lands is in
``landing``, who is in the home in ``people``. Which asset is stale, and why, is in ``assets``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "Home": "paths",
        "Bundle": "manifests",
        "CheckRecord": "manifests",
        "Held": "manifests",
        "Manifest": "manifests",
        "Versions": "versions",
        "damaged": "published",
        "promote": "published",
        "put_back": "published",
        "Overtaken": "objects",
    },
)
