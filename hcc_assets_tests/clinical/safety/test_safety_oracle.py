"""Published safety-table snapshots (AET01, AET02, AET04) out of our functions, arm by arm, from the
ADSL and ADAE they were made of."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.study.config import parse_config
from hcc_assets_tests.clinical.safety_frames import (
    adverse_events,
    ae_summary,
    exposure,
    line,
    subjects,
    treatment_emergent,
)

ORACLE = Path(__file__).resolve().parents[3] / "../shared/oracle/ae_tables"
pytestmark = pytest.mark.skipif(
    not ORACLE.is_dir(), reason="the shared oracle folder is not beside this checkout"
)

ARMS = ("A: Drug X", "B: Placebo", "C: Combination")
CUTOFF = dt.date(2030, 1, 1)
CONFIG = parse_config("[safety.relatedness]\nY = true\nN = false")


@pytest.fixture(scope="module")
def adae() -> pd.DataFrame:
    frame = pd.read_csv(ORACLE / "adae.csv", dtype=str)
    return frame.assign(AESTDTC=frame["ASTDTM"].str[:10], AEENDTC=frame["AENDTM"].str[:10])


def _frames(adae: pd.DataFrame, arm: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    adsl = pd.read_csv(ORACLE / "adsl.csv", dtype=str)
    adsl = adsl.loc[adsl["ACTARM"] == arm]
    ex = exposure(*((r.USUBJID, 300, r.TRTSDTM[:10], r.TRTEDTM[:10]) for r in adsl.itertuples()))
    dm = subjects(
        ex,
        *(
            {
                "USUBJID": r.USUBJID,
                "DTHFL": r.DTHFL,
                "DTHDTC": r.DTHDT if isinstance(r.DTHDT, str) else None,
            }
            for r in adsl.itertuples()
        ),
    )
    keep = [c for c in adverse_events().columns if c in adae.columns]
    rows = adae.loc[adae["ACTARM"] == arm, keep].astype(object)
    return dm, ex, adverse_events(*rows.where(rows.notna(), None).to_dict("records"))


def _snapshot(name: str) -> pd.DataFrame:
    return pd.read_csv(ORACLE / f"{name}_snapshot.csv")


@pytest.mark.parametrize("arm", ARMS)
def test_aet01_overview(adae: pd.DataFrame, arm: str) -> None:
    dm, ex, ae = _frames(adae, arm)
    out = ae_summary(dm, ex, ae, CONFIG, cutoff=CUTOFF)
    ours = out.loc[out["table"] == "OVERVIEW"].set_index("term")
    events = treatment_emergent(dm, ex, ae, CONFIG, cutoff=CUTOFF)
    change = events["AACN"].isin(["DRUG INTERRUPTED", "DOSE REDUCED", "DOSE INCREASED"])
    serious, related, withdrawn = (
        events["ASER"] == "Y",
        events["AREL"] == "Y",
        events["AACN"] == "DRUG WITHDRAWN",
    )

    def patients(rows: pd.Series) -> int:
        return events.loc[rows, "USUBJID"].nunique()

    found = {
        "Total number of patients with at least one AE": ours.loc["ANY TEAE", "patients"],
        "Total number of AEs": ours.loc["ANY TEAE", "events"],
        "Total number of deaths": ours.loc["DEATHS", "patients"],
        "AE with fatal outcome": ours.loc["FATAL", "patients"],
        "Serious AE": ours.loc["SERIOUS", "patients"],
        "Serious AE leading to withdrawal from treatment": patients(serious & withdrawn),
        "Serious AE leading to dose modification/interruption": patients(serious & change),
        "Related Serious AE": patients(serious & related),
        "AE leading to withdrawal from treatment": ours.loc["DRUG WITHDRAWN", "patients"],
        "AE leading to dose modification/interruption": patients(change),
        "Related AE": ours.loc["RELATED", "patients"],
        "Related AE leading to withdrawal from treatment": patients(related & withdrawn),
        "Related AE leading to dose modification/interruption": patients(related & change),
        "Severe AE (at greatest intensity)": patients(events["AESEV"] == "SEVERE"),
    }
    snapshot = _snapshot("aet01").set_index("LABEL")[arm].to_dict()
    not_ours = {
        "Total number of patients withdrawn from study due to an AE",
        "SMQ 01",
    }  # study disposition and an SMQ: neither is in AE
    assert found == {k: v for k, v in snapshot.items() if k not in not_ours}
    assert len(dm) == 15 == ours["n"].iloc[0]


@pytest.mark.parametrize("arm", ARMS)
def test_aet02_by_soc_and_preferred_term(adae: pd.DataFrame, arm: str) -> None:
    out = ae_summary(*_frames(adae, arm), CONFIG, cutoff=CUTOFF)
    snapshot = _snapshot("aet02").set_index("LABEL")[arm]
    everything = line(out, "SOC_PT")
    assert (
        everything["patients"]
        == snapshot["Total number of patients with at least one adverse event"]
    )
    assert everything["events"] == snapshot["Overall total number of events"]
    terms = out.loc[(out["table"] == "SOC_PT") & (out["term"] != "ALL")].set_index("term")[
        "patients"
    ]
    assert terms.to_dict() == snapshot.loc[snapshot.index.str.startswith("dcd")].to_dict()


@pytest.mark.parametrize("arm", ARMS)
def test_aet04_by_maximum_grade(adae: pd.DataFrame, arm: str) -> None:
    out = ae_summary(*_frames(_two_rows_uncoded(adae), arm), CONFIG, cutoff=CUTOFF)
    levels = {"- Any Grade -": "ANY", "Grade 1-2": "1-2", "Grade 3-4": "3-4", "Grade 5": "5"}
    socs = {"- Any adverse events -": "ALL", "No Coding Available": "NOT CODED"}
    terms = {"- Overall -": "ALL", "No Coding Available": "NOT CODED"}
    snapshot = _snapshot("aet04")
    ours = out.loc[out["table"] == "MAX_GRADE"].set_index(["soc", "term", "level"])["patients"]
    expected = {}
    for row in snapshot.to_dict("records"):
        expected[
            socs.get(row["SOC"], row["SOC"]),
            terms.get(row["PT"], row["PT"]),
            levels.get(row["LEVEL"], row["LEVEL"]),
        ] = row[arm]
    assert {key: int(ours.get(key, 0)) for key in expected} == expected
    rest = ours.drop([k for k in expected if k in ours.index])
    assert (
        rest.loc[~rest.index.get_level_values("level").isin([">=3"])].sum() == 0
    )  # the snapshot leaves out lines at 0


def _two_rows_uncoded(adae: pd.DataFrame) -> pd.DataFrame:
    """The input that the AET04 snapshot was made of: the first two rows of ADAE (one patient) have
    no coding there; AET01 and AET02 have it."""
    frame = adae.copy()
    frame.loc[frame.index[:2], ["AEDECOD", "AEBODSYS"]] = None
    return frame
