"""Response of every subject, reader and visit by RECIST 1.1, from raw lesion rows.

Here belong exact lesion sums and the response of one visit. Best response and anything over the
course of a subject is in ``endpoints``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "BLOCKED_REASON": "responses",
        "derive_responses": "responses",
    },
)
