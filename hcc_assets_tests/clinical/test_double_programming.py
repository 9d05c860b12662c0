"""The endpoints against a second, independent programming on random trials, clean and ugly."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from hcc_assets.clinical.endpoints.best_response import derive_best_responses
from hcc_assets.clinical.endpoints.time_to_event import derive_time_to_event
from hcc_assets.clinical.reading.assessments import endpoint_readers
from hcc_assets.clinical.recist.responses import derive_responses
from hcc_assets.study.config import Recist, StudyConfig
from hcc_assets_tests.clinical.double_endpoints import second_best, second_pfs
from hcc_assets_tests.clinical.double_programming import as_day, second_responses
from hcc_assets_tests.clinical.random_trial import random_trial

NAMES = {"TRGRESP": "TRG", "NTRGRESP": "NT", "NEWLPROG": "NEW", "OVRLRESP": "OVR"}
SUMS = {"BASE": "BASE", "SUMDIAM": "SUM", "NADIR_PRIOR": "NADIR"}


def _compare(seed: int, *, ugly: bool, rules: Recist) -> int:
    """Compare everything on one trial; number of visits compared."""
    config = StudyConfig(recist=rules)
    people, rows, records = random_trial(seed, ugly=ugly)
    derived = derive_responses(people, rows, config)
    expected = second_responses(rows.to_dict("records"), node_rule=rules.node_reappearance)
    assert len(derived) == len(expected)
    lines: dict[tuple[str, str], list] = {}
    for got in derived.to_dict("records"):
        key = (got["USUBJID"], got["EVALUATOR"], got["VISITNUM"])
        want = expected[key]
        assert {c: got[c] for c in NAMES} == {c: want[n] for c, n in NAMES.items()}, (
            seed,
            key,
            got["REASON"],
        )
        assert got["ADT"].date() == want["ADT"], (seed, key)
        for column, name in SUMS.items():
            assert (math.isnan(got[column]) and want[name] is None) or got[column] == float(
                want[name]
            ), (seed, key, column)
        lines.setdefault(key[:2], []).append((want["ADT"], key[2], want["OVR"]))
    best = derive_best_responses(people, rows, derived, records, config).set_index("USUBJID")
    times = derive_time_to_event(people, rows, derived, records, config).set_index(
        ["USUBJID", "PARAMCD"]
    )
    readers = endpoint_readers(rows, config)
    for person in people.to_dict("records"):
        subject, start, death = person["USUBJID"], as_day(person["TRTSDT"]), as_day(person["DTHDT"])
        if start is None:
            assert subject not in best.index
            continue
        therapy = min(
            (
                as_day(d)
                for d in records.query("USUBJID == @subject and DOMAIN == 'CM'")["DSSTDT"]
                if as_day(d) >= start
            ),
            default=None,
        )
        blocked = subject in readers and readers[subject] is None
        line = (
            []
            if blocked
            else [
                (d, w) for d, _, w in sorted(lines.get((subject, readers.get(subject) or ""), []))
            ]
        )
        want_best = second_best(
            line, start, therapy, ne=rules.max_ne_between, sd=rules.max_sd_between
        )
        assert (best.at[subject, "BOR"], best.at[subject, "CBOR"]) == want_best, (seed, subject)
        for policy in ("PFS_TP", "PFS_FDA"):
            row = times.loc[(subject, policy)]
            want = (
                (start, 1)
                if blocked and death is None
                else second_pfs(line, start, death, therapy, fda=policy == "PFS_FDA")
            )
            assert (row["ADT"].date(), row["CNSR"]) == want, (seed, subject, policy)
            assert row["AVAL"] == (row["ADT"] - pd.Timestamp(start)).days + 1
    return len(derived)


SETTINGS = [Recist(), Recist(node_reappearance="pd_rule", max_ne_between=2, max_sd_between=1)]


@pytest.mark.parametrize("seed", range(12))
def test_random_trials(seed: int) -> None:
    assert _compare(seed, ugly=seed % 4 != 0, rules=SETTINGS[seed % 2]) > 5


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_two_hundred_random_trials(block: int) -> None:
    compared = sum(
        _compare(1000 + 20 * block + i, ugly=i % 5 != 0, rules=SETTINGS[i % 2]) for i in range(20)
    )
    assert compared > 300


def test_random_trials_hold_every_kind_of_response() -> None:
    """The comparison would prove little on trials without the rare outcomes."""
    words: set[str] = set()
    reasons = ""
    for seed in range(12):
        people, rows, _ = random_trial(seed)
        derived = derive_responses(people, rows, StudyConfig())
        words |= set(derived["OVRLRESP"])
        reasons += " ".join(derived["REASON"])
    assert words == {"CR", "PR", "SD", "PD", "NE", "NON-CR/NON-PD"}
    for rare in (
        "conflicting values",
        "confirmed later",
        "no record",
        "the measured target lesions alone",
        "back after complete",
        "no baseline assessment",
    ):
        assert rare in reasons, rare
