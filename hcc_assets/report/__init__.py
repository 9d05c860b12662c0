"""The trial report and query letters: Jinja templates over tables and figures.

Every number is copied from a published table. No statistics and no reading belong here.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "build_report": "trial",
        "site_letters": "query_letters",
    },
)
