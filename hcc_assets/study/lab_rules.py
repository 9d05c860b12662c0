"""Laboratory tests, their units, and the CTCAE grades of their values, as data.

The files in ``data`` are tables that a person can read and extend: ``ctcae_labs.csv`` has one row a
grade of a version of CTCAE, ``lab_tests.csv`` the tests with the unit they are published in,
``lab_units.csv`` the conversions (nothing else is converted), ``lab_events.csv`` the preferred
terms that name the same event. Grading itself belongs to ``clinical.laboratory``.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

URINE, DIPSTICK = "URINE", "PROT DIPSTICK"
"""What stands behind the code of a test in urine; the test of a protein strip."""

_AMOUNT = re.compile(r"\s*([0-9.]+)\s+(\S+)\s*")
_MICRO, _MICRO_SIGN = "\u039c", "\u00b5"


@dataclass(frozen=True)
class Grade:
    """One grade of a rule: it holds where one of its conditions does.

    Attributes
    ----------
    compare
        How a value stands to the amount or to the limit: ``>``, ``>=``, ``<`` or ``<=``.
    absolute
        Amount by the unit that CTCAE prints it in; empty where there is none.
    limit
        Multiple of the upper (upward) or lower (downward) limit of normal.
    over
        Amount beyond that limit, by unit.
    baseline_mode
        How a multiple of the baseline enters: ``instead`` of the limit where the baseline was
        beyond its own; ``or`` where there is a baseline; ``or needed``: the same, and without a
        baseline nothing is grade 0; ``or below limit``: where the value is beyond the limit too;
        ``alone``.
    baseline, baseline_compare
        The multiple, and how a value stands to it.
    note
        The convention that the row rests on, where CTCAE does not decide by a number alone.
    """

    grade: int
    compare: str
    absolute: MappingProxyType[str, float]
    limit: float | None
    over: MappingProxyType[str, float]
    baseline_mode: str
    baseline: float | None
    baseline_compare: str
    note: str

    @property
    def needs_unit(self) -> bool:
        """Whether it rests on an amount, and so on a known unit."""
        return bool(self.absolute or self.over)


@dataclass(frozen=True)
class Rule:
    """The grades of one test in one direction (``H`` upward, ``L`` downward), highest first."""

    test: str
    direction: str
    term: str
    grades: tuple[Grade, ...]


@dataclass(frozen=True)
class Unit:
    """What a delivered unit is: the printed unit that rules compare in, and the factors to it and
    to the unit that is published."""

    printed: str
    to_printed: float
    to_standard: float


def _rows(name: str) -> list[dict[str, str]]:
    text = files("hcc_assets.study").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text)))


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(";")]


def _amounts(text: str) -> MappingProxyType[str, float]:
    found = [_AMOUNT.fullmatch(part) for part in _parts(text)] if text else []
    return MappingProxyType({m[2]: float(m[1]) for m in found if m})


def _number(text: str) -> float | None:
    return float(text) if text else None


@lru_cache(maxsize=1)
def versions() -> tuple[str, ...]:
    """Versions of CTCAE that there are rules of."""
    return tuple(sorted({row["version"] for row in _rows("ctcae_labs.csv")}))


@lru_cache(maxsize=4)
def rules(version: str) -> tuple[Rule, ...]:
    """The rules of one version of CTCAE, in the order of the file.

    Raises
    ------
    KeyError
        There are no rules of that version.
    """
    if version not in versions():
        raise KeyError(version)
    found: dict[tuple[str, str, str], list[Grade]] = {}
    for row in _rows("ctcae_labs.csv"):
        if row["version"] == version:
            grade = Grade(
                int(row["grade"]),
                row["compare"],
                _amounts(row["absolute"]),
                _number(row["limit"]),
                _amounts(row["over"]),
                row["baseline_mode"],
                _number(row["baseline"]),
                row["baseline_compare"],
                row["note"],
            )
            found.setdefault((row["test"], row["direction"], row["term"]), []).append(grade)
    return tuple(
        Rule(*key, tuple(sorted(grades, key=lambda g: -g.grade))) for key, grades in found.items()
    )


@lru_cache(maxsize=1)
def aliases() -> MappingProxyType[str, str]:
    """Delivered test code to the code of CDISC, for the codes that sites write otherwise."""
    rows = _rows("lab_tests.csv")
    return MappingProxyType(
        {alias: row["test"] for row in rows for alias in _parts(row["aliases"]) if alias}
    )


@lru_cache(maxsize=1)
def standard_units() -> MappingProxyType[str, str]:
    """Test to the unit that its values are published in."""
    return MappingProxyType({row["test"]: row["unit"] for row in _rows("lab_tests.csv")})


@lru_cache(maxsize=1)
def test_names() -> MappingProxyType[str, str]:
    """Test to its name in words."""
    return MappingProxyType({row["test"]: row["name"] for row in _rows("lab_tests.csv")})


@lru_cache(maxsize=1)
def units() -> MappingProxyType[tuple[str, str], Unit]:
    """Test and delivered unit (`unit_key`) to what the unit is."""
    found: dict[tuple[str, str], Unit] = {}
    for row in _rows("lab_units.csv"):
        unit = Unit(row["printed"], float(row["printed_factor"]), float(row["standard_factor"]))
        for test in _parts(row["tests"]):
            found |= {(test, unit_key(text)): unit for text in _parts(row["spellings"])}
    return MappingProxyType(found)


@lru_cache(maxsize=1)
def event_terms() -> MappingProxyType[str, tuple[str, ...]]:
    """CTCAE term to the preferred terms that report the same event, the term itself first."""
    rows = _rows("lab_events.csv")
    return MappingProxyType(
        {r["term"]: (r["term"], *filter(None, _parts(r["preferred_terms"]))) for r in rows}
    )


def unit_key(text: str) -> str:
    """One form of the spellings of a unit: capitals, no blanks, ``10^9/L`` for ``x10E9/L`` and
    ``10*9/L``, ``u`` for micro."""
    key = "".join(text.split()).replace(_MICRO_SIGN, "u").upper().replace(_MICRO, "U")
    key = re.sub(r"^[X\u00d7*](?=10)", "", key)
    key = re.sub(r"10(?:\*\*|\*|E\+?0?|\^)(\d+)", r"10^\1", key)
    for spelled, short in (("MCG", "UG"), ("MCL", "UL"), ("MCMOL", "UMOL"), ("MM^3", "MM3")):
        key = key.replace(spelled, short)
    return key.replace("CU.MM", "MM3").replace("CUMM", "MM3")
