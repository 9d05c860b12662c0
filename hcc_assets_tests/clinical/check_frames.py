"""A subject in small exports with one mistake each, and the findings of the checks on them.

No assertions on findings here.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from hcc_assets.clinical.checks import (
    run_checks,
)
from hcc_assets.clinical.reading.exports import Export, read_export
from hcc_assets.study.config import StudyConfig
from hcc_assets_tests.clinical.export_files import frames, write_csv

CONFIG = StudyConfig()
CUTOFF = dt.date(2025, 1, 1)
Rows = list[dict[str, str]]
DM = {
    "USUBJID": "S1",
    "RFICDTC": "2024-01-02",
    "AGE": "60",
    "SEX": "M",
    "DTHDTC": "",
    "DTHFL": "",
    "ARM": "A",
}
EX = {
    "USUBJID": "S1",
    "EXSEQ": "1",
    "EXTRT": "SURUFATINIB",
    "EXDOSE": "300",
    "EXDOSU": "mg",
    "EXSTDTC": "2024-01-10",
    "EXENDTC": "2024-09-30",
}
AE = {
    "USUBJID": "S1",
    "AESEQ": "1",
    "AETERM": "t",
    "AEDECOD": "Rash",
    "AESTDTC": "2024-02-01",
    "AEENDTC": "2024-02-10",
    "AETOXGR": "2",
    "AEOUT": "RECOVERED/RESOLVED",
    "AEREL": "Y",
    "AESER": "N",
    "AEACN": "DOSE NOT CHANGED",
    "AESDTH": "N",
}
TR = {
    "USUBJID": "S1",
    "VISITNUM": "0",
    "VISIT": "SCREENING",
    "TRDTC": "2024-01-03",
    "TRLNKID": "T01",
    "TRGRPID": "TARGET",
    "TULOC": "LIVER",
    "TRTESTCD": "LDIAM",
    "TRORRES": "40",
    "TRORRESU": "mm",
    "TRSTAT": "",
    "TRMETHOD": "CT SCAN",
}
V1 = {"VISITNUM": "1", "VISIT": "V1", "TRDTC": "2024-02-21"}
V2 = {"VISITNUM": "2", "VISIT": "V2", "TRDTC": "2024-04-03"}
DEAD = {"DTHDTC": "2024-10-01", "DTHFL": "Y"}
FATAL = {"AEOUT": "FATAL", "AETOXGR": "5", "AESER": "Y", "AEENDTC": "2024-10-01", "AESDTH": "Y"}


def export(
    folder: Path,
    dm: Rows | None = None,
    ex: Rows | None = None,
    ae: Rows | None = None,
    tr: Rows | None = None,
) -> Export:
    tables = frames(dm=dm or [DM], ex=ex or [EX], ae=ae or [AE], tr=tr or [TR])
    result = read_export(write_csv(folder, tables), CONFIG)
    assert result.refused == {}
    return result


def issues(
    result: Export, cutoff: dt.date = CUTOFF, ctcae: pd.DataFrame | None = None
) -> pd.DataFrame:
    found = run_checks(result.tables, CONFIG, cutoff=cutoff, ctcae=ctcae, absent=result.absent)
    return pd.concat([result.issues, found], ignore_index=True)


def queries(frame: pd.DataFrame) -> set[str]:
    return set(frame.loc[frame["severity"] != "I", "check_id"])
