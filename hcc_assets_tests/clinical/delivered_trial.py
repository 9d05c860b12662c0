"""Small deliveries as a site writes them, and what they come to. No assertions here but that a
delivery is taken."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from hcc_assets.clinical.checks.run import blocked, run_checks, unusable_rows
from hcc_assets.clinical.endpoints.best_response import derive_best_responses
from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.reading.exports import read_export
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.study.config import StudyConfig
from hcc_assets.study.criteria import RECIST, rows_of

CUTOFF = dt.date(2024, 12, 31)


class Derived:
    """What one export comes to."""

    def __init__(self, folder: Path, config: StudyConfig, cutoff: dt.date):
        export = read_export(folder, config, cutoff=cutoff)
        assert not export.refused
        found = run_checks(export.tables, config, cutoff=cutoff, absent=export.absent)
        self.issues = pd.concat([export.issues, found])
        self.tables = export.tables
        lesions = export.tables["tumour_assessments"]
        shut = blocked(self.issues, ("DM", "EX", "TR"), lesions)
        subjects, disposition = (export.tables[n] for n in ("subjects", "disposition"))
        self.responses = derive_responses(
            subjects,
            lesions,
            config,
            cutoff=cutoff,
            blocked=shut,
            unusable=unusable_rows(self.issues, lesions),
        )
        given = (subjects, lesions, self.responses, disposition, config)
        self.best = derive_best_responses(*given, cutoff=cutoff, blocked=shut)
        self.times = derive_time_to_event(*given, cutoff=cutoff, blocked=shut)

    def asked(self, subject: str) -> set[str]:
        mine = self.issues[self.issues["subject_id"] == subject]
        return set(mine.loc[mine["severity"] != "I", "check_id"])


def delivered(folder: Path, scans: str, **more: str) -> Derived:
    """One or more subjects from lines of ``tr`` (subject, visit, day, lesion, group, place, test,
    result, criterion) and whole other files as text."""
    header = "USUBJID,VISITNUM,TRDTC,TRLNKID,TRGRPID,TULOC,TRTESTCD,TRORRES,TRCAT,TRORRESU,VISIT\n"
    lines = [line.strip() for line in scans.strip().splitlines()]
    rows = [f"{line},mm,{'SCREENING' if line.split(',')[1] == '0' else 'VISIT'}" for line in lines]
    ids = sorted({line.split(",")[0] for line in lines})
    files = {
        "tr": header + "\n".join(rows) + "\n",
        "dm": "USUBJID,RFICDTC\n" + "".join(f"{i},2023-12-12\n" for i in ids),
        "ex": "USUBJID,EXDOSE,EXSTDTC,EXENDTC\n"
        + "".join(f"{i},300,2024-01-01,2024-12-01\n" for i in ids),
        "ae": "USUBJID,AEDECOD,AESTDTC\n",
        "cm": "USUBJID,CMCAT,CMSTDTC\n",
        **more,
    }
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return Derived(folder, StudyConfig(), CUTOFF)


def words(seen: Derived, criterion: str = RECIST) -> list[str]:
    return list(rows_of(seen.responses, criterion)["OVRLRESP"])
