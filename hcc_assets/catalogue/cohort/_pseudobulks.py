"""Class sums of many samples, decoded once in a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hcc_assets.assets.inputs import BySample

if TYPE_CHECKING:
    from anndata import AnnData

_sums: dict[tuple[str, str], AnnData] = {}
"""Pseudobulks of the newest inputs by sample and data version: identity and expression read each
of them once in a run."""


def pseudobulks(versions: BySample, samples: Iterable[str]) -> dict[str, AnnData]:
    """Class sums of these samples."""
    from hcc_assets.cells.pseudobulk import from_frames

    wanted = {s: (s, versions[s].data_version) for s in samples}
    for key in _sums.keys() - wanted.values():
        del _sums[key]
    for sample, key in wanted.items():
        if key not in _sums:
            found = versions[sample]
            _sums[key] = from_frames(found.frame("sums"), found.frame("sums_classes"))
    return {sample: _sums[key] for sample, key in wanted.items()}
