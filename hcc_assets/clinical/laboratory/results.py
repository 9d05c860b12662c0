"""What a delivered result is: test, number, unit and range, of the two forms that SDTM has of it.

Nothing is guessed: a unit that is not in the table of units is not converted, and its value has no
grade where a rule needs an amount.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pandas as pd

from hcc_assets.study.codelists import NOT_DONE
from hcc_assets.study.lab_rules import (
    DIPSTICK,
    URINE,
    aliases,
    standard_units,
    unit_key,
    units,
)

NO_UNIT, UNKNOWN_UNIT, NO_NUMBER = "no unit", "unknown unit", "no number"
"""What can be wrong with a result; an empty text where nothing is."""

_BLOOD: Final = re.compile(r"(.*\b)?(BLOOD|SERUM|PLASMA)(\b.*)?")
_BOUNDED: Final = re.compile(
    r"(?P<bound>[<>\u2264\u2265]=?)?\s*(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:E[+-]?\d+)?)"
)
_STRIP: Final = re.compile(r"(?:([1-4])\s*\+|\+\s*([1-4])|(\+{1,4}))(?:\s*\(.*\))?")
_NO_PROTEIN: Final = frozenset({"NEGATIVE", "NEG", "-", "NIL", "TRACE", "TR", "+/-", "\u00b1"})
"""Words of a strip that are below 1+."""

_SIDES: Final = {"<": -1, ">": 1, "\u2264": -1, "\u2265": 1}
"""On which side of the printed number the value lies."""


def all_results(lab_results: pd.DataFrame, vital_signs: pd.DataFrame | None) -> pd.DataFrame:
    """Rows of both domains under the names of LB, with ``DOMAIN``; vital signs have no range."""
    frames = [lab_results.assign(DOMAIN="LB")]
    if vital_signs is not None and len(vital_signs):
        renamed = vital_signs.rename(columns=lambda name: re.sub("^VS", "LB", name))
        renamed = renamed.reindex(columns=list(lab_results.columns))
        frames.append(renamed.astype(_TEXT_WHERE_ABSENT).assign(DOMAIN="VS"))
    frames = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


def read_results(results: pd.DataFrame) -> pd.DataFrame:
    """Test, number, unit and range of each result.

    Parameters
    ----------
    results
        `all_results`.

    Returns
    -------
    pandas.DataFrame
        ``USUBJID, DOMAIN, LBTESTCD`` (the code of CDISC)``, LBSPEC, VISITNUM, VISIT, LBDT, LBDTF,
        LBBLFL, SRCROW``; ``test`` the name under which rules know it (null where no rule can);
        ``value, low, high`` in ``unit``: the standard unit of the test, or as delivered where it is
        not known; ``scale`` from the printed unit ``printed`` of CTCAE (null where unknown) to it;
        ``bound`` -1 for "<5", 1 for ">5"; ``text`` where the result is no plain number; ``fault``.
        Results that were not done or are empty are left out.
    """
    done = results[~(results["LBSTAT"] == NOT_DONE)].reset_index(drop=True)
    text = done["LBORRES"].where(done["LBORRES"].notna(), done["LBSTRESC"])
    done = done[text.notna() | done["LBSTRESN"].notna()]
    text = text.loc[done.index].reset_index(drop=True)
    done = done.reset_index(drop=True)
    code = _mapped(done["LBTESTCD"], lambda name: aliases().get(name, name))
    said, bound = _numbers(text)
    test, strips = _tests(code, done["LBSPEC"], text, done["DOMAIN"])
    said = said.mask(strips.notna(), strips)
    bound = bound.mask(strips.notna(), 0)
    ours, theirs = _units(test, done["LBSTRESU"]), _units(test, done["LBORRESU"])
    number = done["LBSTRESN"].mask(strips.notna())
    chosen = number.notna() & (ours["known"] | ~(said.notna() & theirs["known"]))
    unit = {c: ours[c].where(chosen, theirs[c]) for c in ours}
    same = ours["key"] == theirs["key"]
    out = done[
        ["USUBJID", "DOMAIN", "LBSPEC", "VISITNUM", "VISIT", "LBDT", "LBDTF", "LBBLFL", "SRCROW"]
    ].assign(LBTESTCD=code, test=test, printed=unit["printed"])
    factor = unit["factor"].fillna(1.0)
    out["value"] = number.where(chosen, said) * factor
    for side, standard, original in (("low", "LBSTNRLO", "LBORNRLO"), ("high", *_HIGH)):
        at_lab, at_site = done[standard], _numbers(done[original])[0]
        first, other = at_lab.where(chosen, at_site), at_site.where(chosen, at_lab)
        out[side] = first.where(first.notna() | ~same, other) * factor
    out["scale"] = unit["scale"].fillna(1.0)
    out["unit"] = unit["unit"]
    out["bound"] = bound
    plain = said.notna() & (bound == 0) & strips.isna()
    out["text"] = text.where(text.notna() & ~plain, NULL)
    out["fault"] = np.select(
        [
            test.isna() | ~test.isin(list(standard_units())),
            out["value"].isna(),
            unit["known"],
            unit["key"].isna(),
        ],
        ["", NO_NUMBER, "", NO_UNIT],
        UNKNOWN_UNIT,
    )
    return out


_HIGH = ("LBSTNRHI", "LBORNRHI")
_TEXT_WHERE_ABSENT = {"LBSPEC": object, "LBFAST": object, "LBORNRLO": object, "LBORNRHI": object}
"""Columns of text that VS does not have."""
NULL: Any = None
"""The null of text columns."""

_CLOSE: Final = 0.15
"""Two forms of one result agree within this share: more than rounding gives, less than the smallest
factor between two units of one test (1.21, of AFP; our choice)."""


def differing(results: pd.DataFrame) -> pd.DataFrame:
    """Rows of `all_results` whose two forms are both a number in a known unit and not the same
    amount."""
    rows = results[results["LBSTRESN"].notna() & results["LBORRES"].notna()]
    said, bound = _numbers(rows["LBORRES"])
    rows, said = rows[said.notna() & (bound == 0)], said[said.notna() & (bound == 0)]
    code = _mapped(rows["LBTESTCD"], lambda name: aliases().get(name, name))
    test, strips = _tests(code, rows["LBSPEC"], rows["LBORRES"], rows["DOMAIN"])
    ours, theirs = _units(test, rows["LBSTRESU"]), _units(test, rows["LBORRESU"])
    one, two = rows["LBSTRESN"] * ours["factor"], said * theirs["factor"]
    least = _CLOSE * np.maximum(one.abs(), two.abs())
    return rows[strips.isna() & ((one - two).abs() > least)]


def _mapped(column: pd.Series, function: Callable[[str], Any]) -> pd.Series:
    """A function once per distinct text; null stays null."""
    codes, uniques = pd.factorize(column)
    values = np.array([*(function(str(u)) for u in uniques), None], dtype=object)
    return pd.Series(values[codes], index=column.index, dtype=object)


def _numbers(texts: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Numbers of result texts, and on which side of them the value lies."""
    codes, uniques = pd.factorize(texts)
    values, sides = np.full(len(uniques) + 1, np.nan), np.zeros(len(uniques) + 1)
    for i, unique in enumerate(uniques):
        match = _BOUNDED.fullmatch(str(unique).strip().upper())
        if match:
            values[i] = float(match["number"])
            sides[i] = _SIDES[match["bound"][0]] if match["bound"] else 0
    return (
        pd.Series(values[codes], index=texts.index),
        pd.Series(sides[codes], index=texts.index),
    )


def _strip(text: str) -> float | None:
    """Pluses of a urine strip."""
    if text in _NO_PROTEIN:
        return 0.0
    match = _STRIP.fullmatch(text)
    if not match:
        return None
    return float(match[1] or match[2] or len(match[3]))


def _tests(
    code: pd.Series, specimen: pd.Series, text: pd.Series, domain: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """The test under which rules know each row, and the pluses of protein strips."""
    place = _mapped(specimen, _place)
    blood = place.isna() | (place == "BLOOD") | (domain == "VS")
    urine = place == URINE
    test = code.where(blood)
    test = test.mask(urine & code.notna(), code + f" {URINE}")
    protein = test == f"PROT {URINE}"
    strips = _mapped(text.where(protein, NULL), _strip).astype("float64")
    return test.mask(strips.notna(), DIPSTICK), strips


def _place(specimen: str) -> str:
    if specimen.startswith(URINE):
        return URINE
    return "BLOOD" if _BLOOD.fullmatch(specimen) else "OTHER"


def _units(test: pd.Series, delivered: pd.Series) -> dict[str, pd.Series]:
    """What the delivered unit of each row is, once per distinct pair of test and unit."""
    key = _mapped(delivered, lambda text: unit_key(text) or None)
    one, tests = pd.factorize(test)
    two, keys = pd.factorize(key)
    pair, back = np.unique(one.astype(np.int64) * (len(keys) + 2) + two, return_inverse=True)
    known: list[Any] = []
    printed: list[Any] = []
    factor: list[Any] = []
    scale: list[Any] = []
    unit: list[Any] = []
    for code in pair:
        i, j = divmod(int(code) + 1, len(keys) + 2)
        name = tests[i] if 0 <= i < len(tests) else None
        text = keys[j - 1] if j > 0 else ""
        found = units().get((str(name), str(text)))
        if name == DIPSTICK:
            found = units()[DIPSTICK, "DIPSTICK"]
        known.append(found is not None)
        printed.append(found.printed if found else None)
        factor.append(found.to_standard if found else np.nan)
        scale.append(found.to_printed / found.to_standard if found else np.nan)
        unit.append(standard_units()[str(name)] if found else (str(text) or None))
    index = test.index

    def spread(values: list[Any], kind: Any) -> pd.Series:
        return pd.Series(np.array(values, dtype=kind)[back], index=index)

    return {
        "key": key,
        "known": spread(known, bool),
        "printed": spread(printed, object),
        "factor": spread(factor, "float64"),
        "scale": spread(scale, "float64"),
        "unit": spread(unit, object),
    }
