"""Baseline characteristics: what a trial's first table says of the treated subjects.

What is asked for: age, sex, ECOG, BCLC, Child-Pugh, ALBI, AFP, aetiology, invasion, spread, prior
lines [CLINICAL.md 11.14]. Whatever else SC brings has its rows too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from hcc_assets.schemas.base import columns, conform, empty
from hcc_assets.schemas.baseline import BaselineCharacteristics

MISSING: Final = "MISSING"

OLDER: Final = 65.0
"""Age from which subjects are elderly [ICH E7]."""

AFP_HIGH: Final = 400.0
"""AFP, ng/mL, by which trials of hepatocellular carcinoma are divided [REACH-2, Zhu 2019]."""

_ITEMS: Final = 5
"""Items of the Child-Pugh score: encephalopathy, ascites, bilirubin, albumin, INR [Pugh 1973]."""

_CHILD_PUGH: Final = ((5, 6, "A"), (7, 9, "B"), (10, 15, "C"))
"""Classes by the sum of five items of 1 to 3 points [Pugh 1973, Br J Surg 60:646]."""

_MANY: Final = 5
"""Different numbers up to which an answer is a level (stage, lines of therapy) and not a
measurement: own choice."""

_NAMES: Final = (
    ("ECOG", re.compile(r"^ECOG")),
    ("BCLC", re.compile(r"^BCLC")),
    ("CHILD-PUGH", re.compile(r"^(CHILD|CPS|CPUGH|CPTOT|CP\d|CP$)")),
    ("AETIOLOGY", re.compile(r"^(ETIOL|AETIOL|HCCETI)")),
    ("MACROVASCULAR INVASION", re.compile(r"^(MVI|PVTT|MACVASC)")),
    ("EXTRAHEPATIC SPREAD", re.compile(r"^(EHS|EXTRAHEP)")),
    ("PRIOR LINES", re.compile(r"^(PRIORLN|PRLINE|LINES)")),
)
"""Characteristics by the short names that sites use; SC has no code list for most of them."""

_PREFIX: Final = re.compile(r"^(ECOG|BCLC|CHILD[- ]?PUGH|STAGE|CLASS|GRADE|SCORE|STATUS)[ :=]+")


def baseline_characteristics(
    subjects: pd.DataFrame,
    characteristics: pd.DataFrame,
    liver: pd.DataFrame,
) -> pd.DataFrame:
    """Baseline table of the treated subjects.

    Parameters
    ----------
    subjects
        ``schemas.clinical.Subjects``.
    characteristics
        ``schemas.baseline.SubjectCharacteristics``. Of each subject and characteristic the answers
        with a baseline flag, else those of the last day on or before the first dose, else those
        without a day; several answers of one day are one level (``HBV + HCV``).
    liver
        ``schemas.labs.LiverSafety``, for ALBI grade and AFP at baseline.

    Returns
    -------
    pandas.DataFrame
        ``schemas.baseline.BaselineCharacteristics``; every characteristic has a row for who has
        none. Empty where nobody is treated.
    """
    treated = subjects[subjects["TRTSDT"].notna()].set_index("USUBJID")
    if treated.empty:
        return empty(BaselineCharacteristics)
    age = treated["AGE"].astype(float)
    rows = [
        *_number("AGE", age, "years"),
        *_divided("AGE GROUP", age, OLDER, ""),
        *_levels("SEX", treated["SEX"], ("M", "F")),
    ]
    answers = _at_baseline(characteristics, treated["TRTSDT"])
    child = answers[answers["name"] == "CHILD-PUGH"]
    for name, _ in _NAMES:
        if name == "CHILD-PUGH":
            rows += _levels("CHILD-PUGH CLASS", _child_pugh(child).reindex(treated.index), "AB")
        else:
            rows += _levels(name, _one(answers, name).reindex(treated.index), ())
    rows += _of_the_liver(liver, treated.index)
    for name in sorted(set(answers["name"]) - {n for n, _ in _NAMES}):
        given = _one(answers, name).reindex(treated.index)
        number = pd.to_numeric(given, errors="coerce")
        measured = number.notna().sum() == given.notna().sum() and number.nunique() > _MANY
        rows += _number(name, number, None) if measured else _levels(name, given, ())
    names = list(columns(BaselineCharacteristics))
    return conform(BaselineCharacteristics, pd.DataFrame(rows, columns=names))


def _of_the_liver(liver: pd.DataFrame, treated: pd.Index) -> list[dict[str, Any]]:
    own = liver.set_index("USUBJID").reindex(treated)
    afp = own["AFP_BASE"].astype(float)
    return [
        *_levels("ALBI GRADE", own["ALBI_GRADE"], ("1", "2", "3")),
        *_number("AFP", afp, "ng/mL"),
        *_divided("AFP GROUP", afp, AFP_HIGH, " ng/mL"),
    ]


def _divided(name: str, given: pd.Series, at: float, unit: str) -> list[dict[str, Any]]:
    low, high = f"< {at:g}{unit}", f">= {at:g}{unit}"
    group = (given >= at).map({True: high, False: low}).where(given.notna())
    return _levels(name, group, (low, high))


def _at_baseline(table: pd.DataFrame, start: pd.Series) -> pd.DataFrame:
    """``USUBJID, name, TESTCD, TEST, answer``: answers that stand at the first dose."""
    own = table[table["USUBJID"].isin(start.index) & table["TESTCD"].notna()]
    answer = own["STRESC"].fillna(own["ORRES"])
    own = own.assign(answer=answer.map(_plain, na_action="ignore"))
    own = own[own["answer"].notna() & (own["STAT"].fillna("") != "NOT DONE")]
    named: list[Any] = [_name(c, d) for c, d in zip(own["TESTCD"], own["DOMAIN"], strict=True)]
    own = own.assign(name=named)
    own = own[own["name"].notna()]
    first = own["USUBJID"].map(start).astype("datetime64[ns]")
    own = own[own["DT"].isna() | (own["DT"] <= first) | (own["BLFL"] == "Y")]
    key = ["USUBJID", "name"]
    flagged = own["BLFL"].eq("Y").groupby([own[k] for k in key]).transform("any")
    own = own[~flagged | (own["BLFL"] == "Y")]
    last = own.groupby(key)["DT"].transform("max")
    return own[(own["DT"] == last) | last.isna()]


def _name(code: str, domain: str) -> str | None:
    """Characteristic of a short name; of questionnaires only those that have one."""
    known = next((name for name, pattern in _NAMES if pattern.search(code)), None)
    return known if known or domain == "QS" else code


def _plain(answer: str) -> str:
    """Answer without the name of the scale, and 1.0 as 1."""
    text = _PREFIX.sub("", " ".join(str(answer).split()))
    return re.sub(r"^(\d+)\.0+$", r"\1", text)


def _one(answers: pd.DataFrame, name: str) -> pd.Series:
    own = answers[answers["name"] == name]
    return own.groupby("USUBJID")["answer"].agg(lambda a: " + ".join(sorted(set(a))))


def _child_pugh(answers: pd.DataFrame) -> pd.Series:
    """Class by subject: as stated (``A``, ``A5``), by a total of 5 to 15, or by the sum of five
    items of 1 to 3 points."""
    out: dict[str, str] = {}
    for who, mine in answers.groupby("USUBJID"):
        stated = {a[0] for a in mine["answer"] if re.fullmatch(r"[ABC]( ?\d+)?", a)}
        points = pd.to_numeric(mine["answer"], errors="coerce").dropna()
        totals = set(points[points >= _ITEMS])
        items = mine.loc[points.index].drop_duplicates("TESTCD")
        if len(stated) == 1:
            out[str(who)] = stated.pop()
        elif not stated and len(totals) == 1:
            out[str(who)] = _class_of(totals.pop())
        elif not stated and not totals and len(items) == _ITEMS == len(points):
            out[str(who)] = _class_of(float(points.sum()))
    return pd.Series(out, dtype=object)


def _class_of(total: float) -> str:
    return next((c for low, high, c in _CHILD_PUGH if low <= total <= high), MISSING)


def _levels(name: str, given: pd.Series, first: Iterable[str]) -> list[dict[str, Any]]:
    """A row per level (those to come first even at 0), and one for who has none."""
    n = len(given)
    seen = given.fillna(MISSING).astype(str)
    others = sorted(set(seen) - {*first, MISSING})
    return [
        {
            "characteristic": name,
            "level": level,
            "n": int((seen == level).sum()),
            "n_subjects": n,
            "pct": 100 * float((seen == level).mean()),
        }
        for level in (*first, *others, MISSING)
    ]


def _number(name: str, given: pd.Series, unit: str | None) -> list[dict[str, Any]]:
    n, known = len(given), given.dropna()
    row = {
        "characteristic": name,
        "level": None,
        "n": len(known),
        "n_subjects": n,
        "mean": known.mean(),
        "sd": known.std(ddof=1),
        "median": known.median(),
        "minimum": known.min(),
        "maximum": known.max(),
        "unit": unit,
    }
    missing = n - len(known)
    lost = {"characteristic": name, "level": MISSING, "n": missing, "n_subjects": n}
    return [row, lost | {"pct": 100 * missing / n}]
