"""Small builders of clinical frames for the endpoint tests, and the shared oracles as such frames.

No assertions here.
"""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hcc_assets.schemas import clinical as tables
from hcc_assets.schemas.base import columns, empty

SHARED = Path(__file__).resolve().parents[3] / "shared"
DAY0 = dt.date(2024, 1, 1)


def oracle(*parts: str) -> Path:
    """A path of the shared oracles; skips the test where they are absent."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"shared oracle {'/'.join(parts)} is not beside this checkout")
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle, skipinitialspace=True))


def fill(model: type[tables.Table], rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A conforming frame from partial rows: absent columns are null, SRCROW counts."""
    if not rows:
        return empty(model)
    frame = pd.DataFrame(rows)
    for name, meta in columns(model).items():
        if name not in frame:
            kind = meta["dtype"]
            frame[name] = (
                np.arange(1, len(frame) + 1)
                if name == "SRCROW"
                else "RECIST 1.1"
                if name == "CRITERION"
                else False
                if kind == "boolean"
                else pd.NaT
                if kind == "date"
                else None
            )
            if kind == "number":
                frame[name] = np.nan
        frame[name] = (
            frame[name].astype("float64")
            if meta["dtype"] == "number"
            else pd.to_datetime(frame[name]).astype("datetime64[ns]")
            if meta["dtype"] == "date"
            else frame[name].astype(object).where(frame[name].notna(), None)
            if meta["dtype"] == "text"
            else frame[name]
        )
    return frame[
        list(columns(model))
    ].copy()  # typed by hand: validating every small frame would take most of the test time


def subjects(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return fill(tables.Subjects, rows)


def disposition(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return fill(tables.Disposition, rows)


def assessments(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows with ``USUBJID, VISITNUM, TRDTC, TRLNKID, TRGRPID, TRTESTCD, TRORRES``; baseline is
    VISITNUM 0 unless BASELINE is given."""
    full = []
    for row in rows:
        text = row.get("TRDTC") or None
        padded = (
            None
            if text is None
            else (text + "-01-01")[:10]
            if len(text) == 4
            else (text + "-01")[:10]
            if len(text) == 7
            else text[:10]
        )
        flag = None if text is None else {4: "M", 7: "D"}.get(len(text))
        date = pd.Timestamp(padded) if padded else pd.NaT
        full.append(
            {
                "EVALUATOR": "INVESTIGATOR",
                "BASELINE": row.get("VISITNUM") == 0,
                **row,
                "TRDTC": text,
                "TRDT": date,
                "TRDTF": flag,
            }
        )
    return fill(tables.TumourAssessments, full)


def day(offset: int) -> str:
    """ISO date of a day counted from 2024-01-01 (day 0)."""
    return (DAY0 + dt.timedelta(days=offset)).isoformat()


def visit(number: float, offset: int, subject: str = "S1", **lesions: Any) -> list[dict[str, Any]]:
    """Rows of one visit: ``T01=20`` (LDIAM), ``T02=("SAXIS", 12)``, ``NT01="PRESENT"``,
    ``NEW01="EQUIVOCAL"``; None is NOT DONE; ``__`` is a dot."""
    out = []
    for name, value in lesions.items():
        lesion = name.replace("__", ".")
        group = (
            "NEW"
            if lesion.startswith("NEW")
            else "NON-TARGET"
            if lesion.startswith("NT")
            else "TARGET"
        )
        test = "LDIAM" if group == "TARGET" else "TUMSTATE"
        location = "LIVER"
        if isinstance(value, tuple):
            test, value = value
            location = "LYMPH NODE" if test in ("SAXIS", "LPERP") else location
        out.append(
            {
                "USUBJID": subject,
                "VISITNUM": float(number),
                "VISIT": "SCREENING" if number == 0 else f"TUMOUR ASSESSMENT {number:g}",
                "TRDTC": day(offset),
                "TRLNKID": lesion,
                "TRGRPID": group,
                "TULOC": location,
                "TRTESTCD": test,
                "TRORRES": None if value is None else str(value),
                "TRSTAT": "NOT DONE" if value is None else None,
            }
        )
    return out


def recist_oracle() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Subjects, tumour assessments and disposition of the shared rule cases."""
    dm = read_csv(oracle("oracle", "recist", "dm.csv"))
    tr = read_csv(oracle("oracle", "recist", "tr.csv"))
    who = subjects(
        [
            {
                "USUBJID": r["USUBJID"],
                "TRTSDT": pd.Timestamp(r["TRTSDT"]),
                "DTHDT": pd.Timestamp(r["DTHDT"]) if r["DTHDT"] else pd.NaT,
                "ONGOING": True,
            }
            for r in dm
        ]
    )
    records = []
    for r in dm:
        if r["NACTDT"]:
            records.append(
                {
                    "USUBJID": r["USUBJID"],
                    "DOMAIN": "CM",
                    "DSDECOD": "NEW ANTICANCER THERAPY",
                    "DSSTDT": pd.Timestamp(r["NACTDT"]),
                }
            )
        if r["LSTALVDT"]:
            records.append(
                {
                    "USUBJID": r["USUBJID"],
                    "DOMAIN": "SS",
                    "DSDECOD": "DEAD" if r["DTHDT"] else "ALIVE",
                    "DSSTDT": pd.Timestamp(r["LSTALVDT"]),
                }
            )
    rows = [{k: (v or None) for k, v in r.items()} | {"VISITNUM": float(r["VISITNUM"])} for r in tr]
    return who, assessments(rows), disposition(records)


def landing_real() -> tuple[pd.DataFrame, pd.DataFrame, list[dict[str, str]]]:
    """Subjects, tumour assessments (three readers) and the reported responses of the shared real
    delivery."""
    folder = oracle("data", "landing_real", "clinical", "2014-12-31")
    places = {
        (r["USUBJID"], r["TUEVALID"] or r["TUEVAL"], r["TULNKID"]): r["TULOC"]
        for r in read_csv(folder / "tu.csv")
    }
    rows = []
    for r in read_csv(folder / "tr.csv"):
        reader = r["TREVALID"] or r["TREVAL"]
        keep = {k: (v or None) for k, v in r.items() if k in columns(tables.TumourAssessments)}
        rows.append(
            keep
            | {
                "EVALUATOR": reader,
                "VISITNUM": float(r["VISITNUM"]),
                "BASELINE": r["VISIT"] == "SCREENING",
                "TULOC": places.get((r["USUBJID"], reader, r["TRLNKID"])),
                "TRSTRESN": float(r["TRSTRESN"]) if r["TRSTRESN"] else np.nan,
            }
        )
    starts: dict[str, pd.Timestamp] = {}
    for r in read_csv(folder / "ex.csv"):
        if float(r["EXDOSE"]) > 0:
            date = pd.Timestamp(r["EXSTDTC"])
            starts[r["USUBJID"]] = min(date, starts.get(r["USUBJID"], date))
    who = subjects(
        [
            {"USUBJID": r["USUBJID"], "TRTSDT": starts.get(r["USUBJID"], pd.NaT), "ONGOING": False}
            for r in read_csv(folder / "dm.csv")
        ]
    )
    return who, assessments(rows), read_csv(folder / "rs.csv")
