"""The shared rule cases and the real three-reader delivery against ``derive_responses``."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.study.config import Recist, StudyConfig
from hcc_assets_tests.clinical.endpoint_frames import landing_real, oracle, read_csv, recist_oracle


def _key(frame: pd.DataFrame) -> dict[tuple[str, float], dict]:
    return {(r["USUBJID"], r["VISITNUM"]): r for r in frame.to_dict("records")}


def _derive_by_cutoff(config: StudyConfig) -> pd.DataFrame:
    who, rows, _ = recist_oracle()
    cutoffs = {r["USUBJID"]: r["DCUTDT"] for r in read_csv(oracle("oracle", "recist", "dm.csv"))}
    parts = []
    for cutoff in sorted(set(cutoffs.values())):
        of = [s for s, c in cutoffs.items() if c == cutoff]
        parts.append(
            derive_responses(
                who, rows[rows["USUBJID"].isin(of)], config, cutoff=dt.date.fromisoformat(cutoff)
            )
        )
    return pd.concat(parts)


@pytest.mark.parametrize(
    ("sticky", "column"), [(False, "OVRLRESP"), (True, "OVRLRESP_EORTC_STICKY")]
)
def test_every_visit_of_the_rule_cases(sticky: bool, column: str) -> None:
    config = StudyConfig(recist=Recist(sticky_pr=sticky))
    derived = _key(_derive_by_cutoff(config))
    expected = read_csv(oracle("oracle", "recist", "expected_timepoint.csv"))
    wrong = []
    for row in expected:
        got = derived.pop((row["USUBJID"], float(row["VISITNUM"])))
        words = {
            "OVRLRESP": row[column],
            **{c: row[c] for c in ("TRGRESP", "NTRGRESP", "NEWLPROG")},
            "ADT": row["ADT"],
        }
        wrong += [
            (row["USUBJID"], row["VISITNUM"], c)
            for c, v in words.items()
            if (str(got[c].date()) if c == "ADT" else got[c]) != v
        ]
        for c in ("BASE", "SUMDIAM", "NADIR_PRIOR", "PCHG_BASE"):
            same = (
                pd.isna(got[c])
                if row[c] == ""
                else got[c] == pytest.approx(float(row[c]), abs=5e-7)
            )
            wrong += [] if same else [(row["USUBJID"], row["VISITNUM"], c)]
    assert wrong == []
    assert not derived, "visits that no case expects"
    assert len(expected) == 75 or len(expected) > 60


def test_real_delivery_against_reported_responses() -> None:
    who, rows, reported = landing_real()
    derived = derive_responses(who, rows, StudyConfig())
    found = {(r["USUBJID"], r["EVALUATOR"], r["VISITNUM"]): r for r in derived.to_dict("records")}
    differ = []
    for r in reported:
        got = found[(r["USUBJID"], r["RSEVALID"] or r["RSEVAL"], float(r["VISITNUM"]))]
        if got["OVRLRESP"] != r["RSSTRESC"]:
            differ.append(
                (
                    r["USUBJID"],
                    r["RSEVALID"] or r["RSEVAL"],
                    r["VISITNUM"],
                    r["RSSTRESC"],
                    got["OVRLRESP"],
                    got["REASON"],
                )
            )
    assert differ == []
