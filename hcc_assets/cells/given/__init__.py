"""Calls that are given to us: labels of others, calls of other tools, corrections by people.

Reads the files of ``landing/annotations/`` and puts what they say over our own calls of one
sample. Our own calls are made in ``calling``; nothing of this is known there.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "annotator_agreement": "tool_agreement",
        "chosen_calls": "choosing",
        "curated": "curation",
        "parse_curation": "curation",
        "parse_label_map": "label_map",
        "read_calls": "tool_calls",
    },
)
