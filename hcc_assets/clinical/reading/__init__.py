"""A delivered export to validated tables: files, characters, columns, types, joins.

Here belongs what must be known to read a file or one row of it. Rules that compare rows are in
``checks``; a finding made while reading is written with ``issues``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "endpoint_readers": "assessments",
        "parse_dates": "dates",
        "Export": "exports",
        "read_export": "exports",
        "validate_file": "exports",
        "DomainRefused": "refusal",
    },
)
