"""CTCAE v5.0 terms as NCI publishes them, brought by the user: reading the table and matching
preferred terms. Nothing of the table is shipped."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from hcc_assets.clinical.reading.files.apart import read_file_apart
from hcc_assets.clinical.reading.refusal import DomainRefused
from hcc_assets.study.codelists import GRADES

_SPELLINGS = [
    (re.compile(pattern), american)
    for pattern, american in (
        (r"aemi", "emi"),
        (r"ae", "e"),
        (r"oe", "e"),
        (r"our\b", "or"),
        (r"our(?=[a-z])", "or"),
        (r"is(?=e\b|ed\b|es\b|ing\b|ation)", "iz"),
        (r"yse\b", "yze"),
        (r"(?<=[bt])re\b", "er"),
        (r"ll(?=ed\b|ing\b)", "l"),
        (r"leuco", "leuko"),
        (r"sulph", "sulf"),
    )
]


def match_key(term: str) -> str:
    """Form under which British and American spellings of one term are equal (``Diarrhoea``,
    ``DIARRHEA``; ``Haemorrhage``, ``Hemorrhage``)."""
    text = re.sub(r"[^a-z0-9]+", " ", term.casefold()).strip()
    for pattern, american in _SPELLINGS:
        text = pattern.sub(american, text)
    return text


def read_terms(path: Path) -> pd.DataFrame:
    """Read the CTCAE table (CSV or XLSX with the columns ``MedDRA SOC``, ``CTCAE Term``, ``Grade
    1`` … ``Grade 5``), in a child process as every delivery.

    Returns
    -------
    pandas.DataFrame
        One row per term: ``term, soc, key`` and the booleans ``grade_1`` … ``grade_5``: whether
        CTCAE offers the grade.

    Raises
    ------
    DomainRefused
        The file cannot be read or has other columns.
    """
    raw = read_file_apart(Path(path))
    names = [re.sub(r"\s+", " ", name).strip().casefold() for name in raw.columns]
    wanted = ["ctcae term", "meddra soc", *(f"grade {g}" for g in GRADES)]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise DomainRefused(
            "missing_column",
            f"the CTCAE table has no column {', '.join(missing)}; use NCI's published table",
        )
    columns = {name: raw.frame[names.index(name)] for name in wanted}
    out = pd.DataFrame(
        {"term": columns["ctcae term"].str.strip(), "soc": columns["meddra soc"].str.strip()}
    )
    for grade in GRADES:
        texts = columns[f"grade {grade}"].str.strip().str.strip("-–— ")
        out[f"grade_{grade}"] = texts.notna() & (texts != "")
    out = out[out["term"].notna()].copy()
    out["key"] = [match_key(term) for term in out["term"]]
    return out.reset_index(drop=True)
