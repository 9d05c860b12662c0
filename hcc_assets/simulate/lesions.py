"""Lesions of simulated subjects, scan by scan.

The response that the recorded sizes give is in ``scans``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np

from hcc_assets.simulate.scans import TENTH, Finding, Lesion, Scan, contribution, respond
from hcc_assets.simulate.subjects import VISIT_DAYS, Course

_ORGANS: Final = ("LIVER", "LUNG", "LYMPH NODE", "ADRENAL GLAND", "PERITONEUM")


@dataclass(frozen=True)
class _Plan:
    """How one subject's disease behaves before and at progression."""

    lesions: tuple[Lesion, ...]
    sizes: tuple[int, ...]
    depth: tuple[float, ...]
    pace: float
    mode: str


def _plan(course: Course, rng: np.random.Generator) -> _Plan:
    count = int(rng.integers(1, 5))
    organs = ["LIVER"]
    while len(organs) < count:
        organ = str(rng.choice(_ORGANS, p=[0.45, 0.25, 0.15, 0.1, 0.05]))
        if organs.count(organ) < 2:
            organs.append(organ)
    lesions = [Lesion(f"T{i + 1:02d}", "TARGET", o) for i, o in enumerate(organs)]
    sizes = [
        int(
            10
            * np.clip(rng.lognormal(np.log(22 if le.node else 42), 0.4), 16 if le.node else 13, 140)
        )
        for le in lesions
    ]
    lesions += [
        Lesion(f"NT{i + 1:02d}", "NON-TARGET", str(rng.choice(_ORGANS)))
        for i in range(int(rng.integers(0, 3)))
    ]
    overall = float(np.clip(rng.normal(-0.16 + -0.13 * course.traits.benefit, 0.2), -1.0, 0.12))
    if course.traits.benefit > 0 and rng.random() < 0.05:
        overall = -1.0
    spread = 0.05 if overall < -0.85 else 0.12
    depth = [overall + float(rng.normal(0, spread)) for _ in sizes]
    if len(depth) > 1 and rng.random() < 0.15:
        depth[int(rng.integers(1, len(depth)))] = float(rng.uniform(0.05, 0.2))
    modes = ["target", "new", "equivocal", "non-target"]
    mode = str(rng.choice(modes, p=[0.5, 0.25, 0.1, 0.15]))
    if mode == "non-target" and not any(le.kind == "NON-TARGET" for le in lesions):
        mode = "new"
    return _Plan(
        tuple(lesions),
        tuple(sizes),
        tuple(float(np.clip(d, -1.0, 0.25)) for d in depth),
        float(rng.uniform(45, 110)),
        mode,
    )


def _before(plan: _Plan, days: int, complete: bool, rng: np.random.Generator) -> list[Finding]:
    """Findings while the disease is controlled: targets run towards their depth, the rest stays."""
    out = []
    for i, lesion in enumerate(plan.lesions):
        if lesion.kind == "NON-TARGET":
            out.append(Finding(lesion, word="ABSENT" if complete else "PRESENT"))
            continue
        part = 1.0 + plan.depth[i] * (1.0 - np.exp(-days / plan.pace))
        tenths = round(plan.sizes[i] * part + float(rng.normal(0, 5)))
        if complete:
            out.append(
                Finding(lesion, tenths=int(min(max(tenths, 40), 80)))
                if lesion.node
                else Finding(lesion, tenths=0)
            )
        elif lesion.node:
            out.append(Finding(lesion, tenths=max(tenths, 40)))
        elif tenths < 50:
            small = plan.sizes[i] <= 350
            out.append(
                Finding(lesion, word="TOO SMALL TO MEASURE")
                if small
                else Finding(lesion, tenths=max(tenths, plan.sizes[i] // 6))
            )
        else:
            out.append(Finding(lesion, tenths=max(tenths, plan.sizes[i] // 6)))
    return out


def _progressed(
    plan: _Plan, found: list[Finding], nadir: int, rng: np.random.Generator
) -> list[Finding]:
    """Findings of the scan that shows progression."""
    if plan.mode in ("new", "equivocal"):
        return [*found, Finding(_new_lesion(plan), word="UNEQUIVOCAL")]
    if plan.mode == "non-target":
        at = next(i for i, f in enumerate(found) if f.lesion.kind == "NON-TARGET")
        return [
            Finding(f.lesion, word="UNEQUIVOCAL PROGRESSION") if i == at else f
            for i, f in enumerate(found)
        ]
    targets = [f for f in found if f.lesion.kind == "TARGET"]
    wanted = int(np.ceil(nadir * 1.2)) + 55 + int(rng.integers(0, 120))
    have = sum(contribution(f) or 0 for f in targets)
    grow = max(wanted - have, 0)
    first = targets[0]
    return [
        Finding(f.lesion, tenths=(contribution(f) or 0) + grow) if f is first else f for f in found
    ]


def _new_lesion(plan: _Plan) -> Lesion:
    return Lesion("NEW01", "NEW", "LUNG" if plan.mode == "new" else "LIVER")


def scan_course(course: Course, seed: int) -> list[Scan]:
    """All scans of one subject, baseline first, to the first progression, death or loss; each with
    its response.

    Parameters
    ----------
    course
        From ``subjects.courses``.
    seed
        Same seed, same scans.

    Returns
    -------
    list of Scan
        Scans every 42 days give or take three; about 2 % of visits are missed and 4 % have a target
        that could not be measured.
    """
    rng = np.random.default_rng([seed, 8, course.index])
    plan = _plan(course, rng)
    first = [
        Finding(le, tenths=plan.sizes[i]) if le.kind == "TARGET" else Finding(le, word="PRESENT")
        for i, le in enumerate(plan.lesions)
    ]
    scans = [Scan(0, course.baseline_scan, first)]
    if course.first_dose is None:
        return scans
    end = min(
        [d for d in (course.death, course.lost) if d is not None],
        default=course.first_dose + dt.timedelta(days=860),
    )
    complete_from = int(rng.integers(2, 4)) if np.mean(plan.depth) < -0.8 else 999
    for number in range(1, 22):
        date = course.first_dose + dt.timedelta(days=VISIT_DAYS * number + int(rng.integers(-3, 4)))
        missed, unreadable = rng.random() < 0.02, rng.random() < 0.04
        if date >= end:
            break
        if missed:
            continue
        complete = number >= complete_from
        found = _before(plan, (date - course.first_dose).days, complete, rng)
        progressed = date >= course.progression
        if progressed:
            last = scans[-1]
            if plan.mode == "equivocal" and last.number > 0:
                last.findings.append(Finding(_new_lesion(plan), word="EQUIVOCAL"))
            sums = [
                s.response["SUMDIAM"] for s in scans[1:] if s.response.get("SUMDIAM") is not None
            ]
            lowest = min(
                [round(float(v) * TENTH) for v in sums if v is not None] + [sum(plan.sizes)]
            )
            found = _progressed(plan, found, lowest, rng)
        elif unreadable and len(plan.sizes) > 1 and not complete:
            found[1] = Finding(found[1].lesion, not_done=True)
        scans.append(Scan(number, date, found))
        respond(scans)
        if scans[-1].response["OVRLRESP"] == "PD":
            break
    return scans
