"""The shared rule cases: best response (four settings) and PFS under both policies, subject by
subject."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from hcc_assets.clinical.endpoints.best_response import derive_best_responses
from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.study.config import Recist, StudyConfig
from hcc_assets_tests.clinical.endpoint_frames import oracle, read_csv, recist_oracle


def _by_cutoff(function, config: StudyConfig) -> pd.DataFrame:  # type: ignore[no-untyped-def]
    who, rows, records = recist_oracle()
    cutoffs = {r["USUBJID"]: r["DCUTDT"] for r in read_csv(oracle("oracle", "recist", "dm.csv"))}
    parts = []
    for text in sorted(set(cutoffs.values())):
        of, cutoff = [s for s, c in cutoffs.items() if c == text], dt.date.fromisoformat(text)
        mine = [
            frame[frame["USUBJID"].isin(of)].reset_index(drop=True)
            for frame in (who, rows, records)
        ]
        responses = derive_responses(mine[0], mine[1], config, cutoff=cutoff)
        parts.append(function(mine[0], mine[1], responses, mine[2], config, cutoff=cutoff))
    return pd.concat(parts)


def _expected() -> list[dict[str, str]]:
    return read_csv(oracle("oracle", "recist", "expected_subject.csv"))


@pytest.mark.parametrize(
    ("column", "source", "rules"),
    [
        ("BOR", "BOR", Recist()),
        ("CBOR", "CBOR", Recist()),
        ("CBOR_ACCEPT_SD", "CBOR", Recist(max_sd_between=1)),
        ("CBOR_MAXNE2", "CBOR", Recist(max_ne_between=2)),
        ("BOR", "BOR", Recist(sticky_pr=True)),
    ],
)
def test_best_response_of_the_rule_cases(column: str, source: str, rules: Recist) -> None:
    best = _by_cutoff(derive_best_responses, StudyConfig(recist=rules)).set_index("USUBJID")[source]
    assert {r["USUBJID"]: best[r["USUBJID"]] for r in _expected()} == {
        r["USUBJID"]: r[column] for r in _expected()
    }


@pytest.mark.parametrize("policy", ["PFS_TP", "PFS_FDA"])
def test_progression_free_survival_of_the_rule_cases(policy: str) -> None:
    table = _by_cutoff(derive_time_to_event, StudyConfig())
    mine = table[table["PARAMCD"] == policy].set_index("USUBJID")
    expected = {
        r["USUBJID"]: (r[f"{policy}_ADT"], int(r[f"{policy}_AVAL"]), int(r[f"{policy}_CNSR"]))
        for r in _expected()
    }
    assert {
        s: (str(mine.at[s, "ADT"].date()), mine.at[s, "AVAL"], mine.at[s, "CNSR"]) for s in expected
    } == expected
