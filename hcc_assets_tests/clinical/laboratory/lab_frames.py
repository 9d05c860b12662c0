"""Small deliveries of laboratory values, read and graded. No assertions here."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from hcc_assets.clinical.laboratory.findings import lab_findings
from hcc_assets.clinical.laboratory.records import derive_labs
from hcc_assets.clinical.reading.exports import Export, read_export
from hcc_assets.clinical.treatment.course import treatment_course
from hcc_assets.study.config import StudyConfig

CUTOFF = dt.date(2024, 12, 31)
CONFIG = StudyConfig()
Rows = list[dict[str, str]]
AE = "USUBJID,AESEQ,AEDECOD,AESTDTC,AEENDTC,AETOXGR"


def lab(
    test: str, value: str, unit: str = "", day: str = "2024-01-15", **more: str
) -> dict[str, str]:
    """One LB row of subject S1, by default under treatment."""
    base = {
        "USUBJID": "S1",
        "LBTESTCD": test,
        "LBSPEC": "SERUM",
        "LBORRES": value,
        "LBORRESU": unit,
    }
    return base | {"LBDTC": day, "VISITNUM": "1", "VISIT": "V1"} | more


def delivery(folder: Path, lb: Rows, vs: Rows | None = None, ae: str = "") -> Export:
    """An export of these rows; every subject of them begins treatment on 2024-01-01."""
    ids = sorted({row["USUBJID"] for row in [*lb, *(vs or [])]})
    texts = {
        "dm": "USUBJID,RFICDTC\n" + "".join(f"{i},2023-12-20\n" for i in ids),
        "ex": "USUBJID,EXDOSE,EXSTDTC,EXENDTC\n"
        + "".join(f"{i},300,2024-01-01,2024-04-30\n" for i in ids),
        "tr": "USUBJID,VISITNUM,TRDTC,TRLNKID,TRGRPID,TRTESTCD,TRORRES\n",
        "ae": f"{AE}\n{ae}",
    }
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text)
    for name, rows in (("lb", lb), ("vs", vs)):
        if rows:
            pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
    export = read_export(folder, CONFIG, cutoff=CUTOFF)
    assert not export.refused
    return export


def graded(export: Export, config: StudyConfig = CONFIG) -> pd.DataFrame:
    """The table ``labs`` of an export."""
    t = export.tables
    course = treatment_course(t["subjects"], t["exposure"], t["disposition"], config, cutoff=CUTOFF)
    given = (t["subjects"], course, t["lab_results"], t["vital_signs"])
    return derive_labs(*given, config, cutoff=CUTOFF)


def found(export: Export, labs: pd.DataFrame | None = None) -> pd.DataFrame:
    """The findings on values of an export."""
    t = export.tables
    labs = graded(export) if labs is None else labs
    events = t["adverse_events"]
    return lab_findings(t["lab_results"], t["vital_signs"], labs, events, t["subjects"])
