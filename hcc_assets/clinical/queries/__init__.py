"""Findings as queries that a person answers: what each is known by, since when it stands, what has
become of it, and whether it only echoes another one.

Here belong functions over findings and tables. The questions themselves are data
(``study.query_rules``); letters are in ``report``, decisions of people in operations.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "ExportFindings": "lifecycle",
        "export_findings": "past_exports",
        "known_queries": "natural_keys",
        "queries_of": "lifecycle",
        "to_send": "lifecycle",
    },
)
