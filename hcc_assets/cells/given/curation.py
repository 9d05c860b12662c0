"""``curation.csv``: corrections of calls by people, one cell or one class of a sample at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from hcc_assets.cells.given.lines import lines_of
from hcc_assets.study.classes import CELL_CLASSES

CURATED: Final = "curated"


@dataclass(frozen=True)
class Correction:
    """One line: this barcode, or (empty) every passing cell called ``from_class``, is
    ``cell_class``."""

    line: int
    sample_id: str
    barcode: str
    from_class: str
    cell_class: str
    who: str
    reason: str


@dataclass(frozen=True)
class Curation:
    """Corrections of all samples, and lines that cannot be one, in sentences."""

    corrections: tuple[Correction, ...] = ()
    problems: tuple[str, ...] = ()

    def of(self, sample_id: str) -> tuple[Correction, ...]:
        return tuple(c for c in self.corrections if c.sample_id == sample_id)


@dataclass(frozen=True)
class Applied:
    """A correction that is in force, and the number of cells whose call it is."""

    correction: Correction
    cells: int


def parse_curation(data: bytes) -> Curation:
    """Judge ``curation.csv`` line by line; what depends on the cells is judged by `curated`."""
    good, problems = [], []
    for number, line in lines_of(data):
        problem = line if isinstance(line, str) else _problem(line)
        if problem:
            problems.append(f"curation.csv line {number} {problem}")
        elif not isinstance(line, str):
            names = ("sample_id", "barcode", "from_class", "cell_class", "who", "reason")
            good.append(Correction(number, *(line[name] for name in names)))
    return Curation(tuple(good), tuple(problems))


def _problem(line: Mapping[str, str]) -> str:
    for name in ("sample_id", "cell_class", "who", "reason"):
        if not line[name]:
            return f"has no {name}"
    for name in ("cell_class", "from_class"):
        if line[name] and line[name] not in CELL_CLASSES:
            return f"has a {name} that is no class of ours: {line[name][:40]}"
    if not (line["barcode"] or line["from_class"]):
        return "names neither a barcode nor a from_class"
    return ""


def curated(
    calls: pd.DataFrame, corrections: Sequence[Correction]
) -> tuple[pd.DataFrame, list[Applied], list[str]]:
    """Calls of one sample as people corrected them.

    Parameters
    ----------
    calls
        Calls of the chosen annotator, with ``call_source``.
    corrections
        Of this sample, in any order: each is held against ``calls`` as they come in, and a line
        about one barcode stands over a line about a class. A class is that of the cells that
        pass, which are those that count; a barcode may be any.

    Returns
    -------
    tuple
        Calls with ``call_source = curated`` and no confidence where a person decided (a decision
        is no probability; the call before is ``second_class``), what was applied, and lines that
        changed nothing, in sentences.
    """
    before = calls["cell_class"].to_numpy(object)
    passing = (calls["qc_status"] == "pass").to_numpy()
    rows_of = {b: i for i, b in enumerate(calls["barcode"])}
    hits: list[tuple[Correction, np.ndarray]] = []
    problems = []
    for one in sorted(corrections, key=lambda c: c.line):
        problem = ""
        if one.barcode:
            at = rows_of.get(one.barcode)
            rows = np.array([] if at is None else [at], dtype=int)
            if at is None:
                problem = "names a barcode that the sample does not have"
            elif one.from_class and before[at] != one.from_class:
                problem = f"is about a cell called {one.from_class}, but it is called {before[at]}"
        else:
            rows = np.flatnonzero(passing & (before == one.from_class))
            problem = "" if len(rows) else f"finds no passing cell called {one.from_class}"
        if problem:
            problems.append(f"curation.csv line {one.line} {problem}")
        else:
            hits.append((one, rows))
    after, applied = before.copy(), []
    clashing = _clashing(hits)
    for one, rows in sorted(hits, key=lambda hit: bool(hit[0].barcode)):
        if one.line in clashing:
            text = f"curation.csv line {one.line} contradicts another line about the same cells"
            problems.append(text)
            continue
        after[rows] = one.cell_class
        applied.append(Applied(one, len(rows)))
    touched = np.zeros(len(calls), dtype=bool)
    for one, rows in hits:
        touched[rows] |= one.line not in clashing
    second = np.where(before != after, before, calls["second_class"].to_numpy(object))
    done = calls.assign(
        cell_class=after,
        confidence=np.where(touched, np.nan, calls["confidence"].to_numpy(float)),
        second_class=np.where(touched, second, calls["second_class"].to_numpy(object)),
        call_source=np.where(touched, CURATED, calls["call_source"].to_numpy(object)),
    )
    return done, sorted(applied, key=lambda a: a.correction.line), sorted(problems)


def _clashing(hits: Sequence[tuple[Correction, np.ndarray]]) -> set[int]:
    """Lines of which another says something else about the same barcode, or the same class."""
    said: dict[tuple[str, str], set[str]] = {}
    for one, _ in hits:
        said.setdefault(_what(one), set()).add(one.cell_class)
    return {one.line for one, _ in hits if len(said[_what(one)]) > 1}


def _what(one: Correction) -> tuple[str, str]:
    return (one.barcode, "" if one.barcode else one.from_class)
