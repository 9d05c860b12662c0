"""CTCAE grades of values by the rules of ``study.lab_rules``, whole columns at a time.

What a value is, is in ``results``; which baseline it has, in ``records``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hcc_assets.study.lab_rules import Grade, Rule, rules

_SAME = 1e-9
"""Relative difference below which two numbers are equal: far above the rounding of doubles and far
below the last digit of any laboratory (our choice; admiral compares 15 significant digits)."""

_BESIDE = 1e-6
"""How far "<5" lies below 5: beyond `_SAME`, below any digit that is delivered (our choice)."""

Array = np.ndarray[Any, Any]


def compare(value: Array, to: Array, how: str) -> Array:
    """Whether each value stands to the other as ``>``, ``>=``, ``<`` or ``<=`` says; false where
    one is missing. Numbers that differ by their rounding alone are equal."""
    with np.errstate(invalid="ignore"):
        step = _SAME * np.maximum(np.abs(value), np.abs(to))
        over = value - to
        if how[0] == "<":
            over = -over
        found: Array = over >= -step if how.endswith("=") else over > step
    return found


def grades(values: pd.DataFrame, version: str) -> pd.DataFrame:
    """Grade of each value in both directions.

    Parameters
    ----------
    values
        ``test, value, low, high, printed, scale, bound`` of `read_results`, with ``base`` (in the
        unit of the value) and ``relative``: whether rules that take the baseline in place of the
        limit do so for the row (its baseline was beyond its own limit).
    version
        Of CTCAE.

    Returns
    -------
    pandas.DataFrame
        Index of ``values``; for the directions ``L`` and ``H`` the columns ``grade_`` (0 to 4, null
        where it cannot be told), ``term_``, ``note_`` (the convention that the grade rests on) and
        ``instead_`` (graded against the baseline in place of the limit).
    """
    size = len(values)
    out: dict[str, Array] = {}
    for way in "LH":
        out[f"grade_{way}"] = np.full(size, np.nan)
        out[f"term_{way}"] = np.full(size, None, dtype=object)
        out[f"note_{way}"] = np.full(size, None, dtype=object)
        out[f"instead_{way}"] = np.zeros(size, dtype=bool)
    codes, tests = pd.factorize(values["test"])
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(tests) + 1))
    at = {str(test): order[edges[i] : edges[i + 1]] for i, test in enumerate(tests)}
    columns = {c: values[c].to_numpy() for c in _NEEDED}
    for rule in rules(version):
        rows = at.get(rule.test)
        if rows is None or not len(rows):
            continue
        part = {c: column[rows] for c, column in columns.items()}
        grade, note = _graded(rule, part)
        way = rule.direction
        out[f"grade_{way}"][rows], out[f"note_{way}"][rows] = grade, note
        out[f"term_{way}"][rows] = rule.term
        if any(g.baseline_mode == "instead" for g in rule.grades):
            out[f"instead_{way}"][rows] = part["relative"].astype(bool)
    return pd.DataFrame(out, index=values.index)


_NEEDED = ("value", "low", "high", "printed", "scale", "bound", "base", "relative")


def _graded(rule: Rule, part: dict[str, Array]) -> tuple[Array, Array]:
    size = len(part["value"])
    value = part["value"] * (1 + _BESIDE * part["bound"].astype(float))
    limit = part["high"] if rule.direction == "H" else part["low"]
    result = np.full(size, np.nan)
    note = np.full(size, None, dtype=object)
    open_ = np.zeros(size, dtype=bool)
    for grade in reversed(rule.grades):  # a higher grade overrides a lower one
        holds, unknown = _holds(grade, rule.direction, value, limit, part)
        result[holds] = grade.grade
        note[holds] = grade.note or None
        open_ |= unknown
    result[np.isnan(result) & ~open_] = 0
    none = np.isnan(value)
    if any(grade.needs_unit for grade in rule.grades):
        none |= pd.isna(part["printed"])
    result[none], note[none] = np.nan, None
    return result, note


def _by_unit(amounts: Any, printed: Array) -> Array:
    found = np.full(len(printed), np.nan)
    for unit, amount in amounts.items():
        found[printed == unit] = amount
    return found


def _holds(
    grade: Grade, direction: str, value: Array, limit: Array, part: dict[str, Array]
) -> tuple[Array, Array]:
    """Where a grade holds, and where it cannot be told."""
    holds = np.zeros(len(value), dtype=bool)
    unknown = holds.copy()
    if grade.absolute:
        cut = _by_unit(grade.absolute, part["printed"])
        holds |= compare(value * part["scale"], cut, grade.compare)
        unknown |= np.isnan(cut)
    base = part["base"]
    from_base = np.zeros(len(value), dtype=bool)
    if grade.baseline is not None:
        from_base = compare(value, grade.baseline * base, grade.baseline_compare)
    if grade.limit is not None:
        missing = np.isnan(limit)
        if grade.over:
            cut = grade.limit * limit * part["scale"] + _by_unit(grade.over, part["printed"])
            beyond = compare(value * part["scale"], cut, grade.compare)
        else:
            beyond = compare(value, grade.limit * limit, grade.compare)
        if grade.baseline_mode == "instead":
            beyond = np.where(part["relative"].astype(bool), from_base & ~missing, beyond)
        holds |= beyond
        unknown |= missing
    if grade.baseline_mode in ("or", "or needed", "alone"):
        holds |= from_base
    if grade.baseline_mode == "or below limit":
        holds |= from_base & compare(value, limit, ">" if direction == "H" else "<")
    if grade.baseline_mode in ("or needed", "alone"):
        unknown |= np.isnan(base)
    return holds, unknown
