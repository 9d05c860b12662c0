"""Exports and homes of the shared oracles: the rule cases of RECIST and the survival data sets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from hcc_assets_tests.clinical.endpoint_frames import oracle, read_csv

Rows = list[dict[str, str]]

Fill = Callable[[Path], object]

Homes = Callable[[str, str, Fill], Path]

HEADS = {
    "dm": "USUBJID,RFICDTC,DTHDTC,DTHFL",
    "ex": "USUBJID,EXSEQ,EXTRT,EXDOSE,EXDOSU,EXSTDTC,EXENDTC",
    "tr": "USUBJID,VISITNUM,VISIT,TRDTC,TRLNKID,TRGRPID,TULOC,TRTESTCD,TRORRES,TRORRESU,TRSTAT,"
    "TRREASND",
    "ae": "USUBJID,AEDECOD,AESTDTC",
    "ds": "USUBJID,DSDECOD,DSSTDTC",
    "cm": "USUBJID,CMCAT,CMSTDTC",
    "ss": "USUBJID,SSTESTCD,SSSTRESC,SSDTC",
}

VARIANTS = {
    "default": ("", "OVRLRESP", "CBOR"),
    "sd_between": ("[recist]\nmax_sd_between = 1\n", "OVRLRESP", "CBOR_ACCEPT_SD"),
    "ne_between": ("[recist]\nmax_ne_between = 2\n", "OVRLRESP", "CBOR_MAXNE2"),
    "sticky": ("[recist]\nsticky_pr = true\n", "OVRLRESP_EORTC_STICKY", None),
}
"""Settings of study.toml; columns of the expected overall response and of CBOR under them (None:
the oracle has none)."""

FIRST_DOSE = dt.date(2020, 1, 1)


def published_table(root: Path, table: str) -> pd.DataFrame:
    return pd.read_parquet(root / "published" / f"{table}.parquet")


def write(folder: Path, tables: dict[str, Rows]) -> None:
    folder.mkdir()
    for domain, head in HEADS.items():
        pd.DataFrame(tables.get(domain, []), columns=head.split(","), dtype=object).to_csv(
            folder / f"{domain}.csv", index=False
        )


def domains_of(rows: list[tuple[str, str, str, str, str]]) -> dict[str, Rows]:
    """DM, EX and SS of subjects given as id, consent, first dose, death and last day known alive
    (each a date or empty)."""
    return {
        "dm": [
            {"USUBJID": s, "RFICDTC": consent, "DTHDTC": death, "DTHFL": "Y" if death else ""}
            for s, consent, _, death, _ in rows
        ],
        "ex": [
            {
                "USUBJID": s,
                "EXSEQ": "1",
                "EXTRT": "SURUFATINIB",
                "EXDOSE": "300",
                "EXDOSU": "mg",
                "EXSTDTC": start,
                "EXENDTC": start,
            }
            for s, _, start, _, _ in rows
        ],
        "ss": [
            {
                "USUBJID": s,
                "SSTESTCD": "SURVSTAT",
                "SSSTRESC": "DEAD" if death else "ALIVE",
                "SSDTC": alive,
            }
            for s, _, _, death, alive in rows
            if alive
        ],
    }


def rule_cases(cutoff: str) -> Fill:
    """The rule cases of one data cut-off as an export of that day."""

    def fill(folder: Path) -> None:
        cases = [r for r in read_csv(oracle("oracle", "recist", "dm.csv")) if r["DCUTDT"] == cutoff]
        ids = {r["USUBJID"] for r in cases}
        tables = domains_of(
            [(r["USUBJID"], r["RFICDT"], r["TRTSDT"], r["DTHDT"], r["LSTALVDT"]) for r in cases]
        )
        tables["tr"] = [
            r for r in read_csv(oracle("oracle", "recist", "tr.csv")) if r["USUBJID"] in ids
        ]
        tables["ds"] = [
            {"USUBJID": r["USUBJID"], "DSDECOD": r["DSREAS"], "DSSTDTC": r["LSTALVDT"]}
            for r in cases
            if r["DSREAS"]
        ]
        tables["cm"] = [
            {"USUBJID": r["USUBJID"], "CMCAT": "NEW ANTICANCER THERAPY", "CMSTDTC": r["NACTDT"]}
            for r in cases
            if r["NACTDT"]
        ]
        write(folder / cutoff, tables)

    return fill


def published_of_all(roots: list[Path], table: str) -> pd.DataFrame:
    return pd.concat([published_table(root, table) for root in roots], ignore_index=True)


def survival(name: str) -> Fill:
    """A data set of times and events as subjects who die, or were last seen alive, on that day of
    treatment."""

    def fill(folder: Path) -> None:
        start = FIRST_DOSE.isoformat()
        people = []
        for place, row in enumerate(read_csv(oracle("oracle", "km", f"input_{name}.csv")), 1):
            last = (FIRST_DOSE + dt.timedelta(days=int(float(row["time"])) - 1)).isoformat()
            people.append(
                (
                    f"{name.upper()}-{place:03d}",
                    start,
                    start,
                    last if row["event"] == "1" else "",
                    last,
                )
            )
        write(folder / "2024-12-31", domains_of(people))

    return fill


def made_folder(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder
