"""The viable tumour of simulated scans: arterially enhancing diameters of liver lesions, with a
course of their own, as mRECIST reads them (Lencioni & Llovet 2010)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from hcc_assets.simulate.scans import Finding, Scan, contribution
from hcc_assets.simulate.subjects import Course

_SMALLEST: Final = 105  # tenths of a millimetre: a target is measurable from 10 mm of enhancement
_GROWN: Final = 20  # tenths; our choice: growth above the noise of a size is viable
_GONE: Final = 0.2  # share of the lesion below which nothing is seen to enhance; our choice
_LEAST: Final = 6  # as in ``lesions``: a smaller step of one lesion looks like a mix-up of units


def viable_scans(course: Course, scans: list[Scan], seed: int) -> list[Scan]:
    """The same scans with the viable diameter of every target in the liver.

    The enhancing share of a lesion falls from nearly all of it towards a depth of its own, further
    in subjects with more benefit; what grows is viable. Words, nodes, lesions outside the liver and
    new ones are as they are.
    """
    rng = np.random.default_rng([seed, 45, course.index])
    names = [f.lesion.name for f in scans[0].findings if _liver(f)]
    start = dict(zip(names, rng.uniform(0.85, 1, len(names)), strict=True))
    centre = 0.65 - 0.2 * course.traits.benefit  # our choice: a third responds by mRECIST
    drawn = np.clip(rng.normal(centre, 0.25, len(names)), 0, 1)
    depth = dict(zip(names, drawn, strict=True))
    pace = float(rng.uniform(30, 80))
    base: dict[str, int] = {}
    before: dict[str, tuple[int, int]] = {}
    out = []
    for scan in scans:
        days = max((scan.date - (course.first_dose or scan.date)).days, 0)
        found = []
        for f in scan.findings:
            size = contribution(f)
            if not _liver(f) or f.word is not None or size is None:
                found.append(f)
                continue
            name = f.lesion.name
            low = min(start[name], depth[name])
            share = low + (start[name] - low) * float(np.exp(-days / pace))
            seen, was = before.get(name, (size, 0))
            viable = round(size * share)
            if not base.get(name):
                viable = base[name] = max(viable, _SMALLEST)
            elif size - seen >= _GROWN:
                viable = was + size - seen
            elif share < _GONE or was == 0:
                viable = 0
            else:
                viable = min(max(viable, base[name] // _LEAST), size)
            before[name] = size, viable
            found.append(replace(f, tenths=viable))
        out.append(replace(scan, findings=found, response={}))
    return out


def _liver(f: Finding) -> bool:
    return f.lesion.kind == "TARGET" and f.lesion.organ == "LIVER"
