"""Double programming of the safety endpoints: the second implementation (``double_safety``) on
simulated deliveries that were made rougher."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hcc_assets.clinical.reading.exports import read_export
from hcc_assets.simulate.clinical import simulate_clinical
from hcc_assets.simulate.sites.habits import USUAL
from hcc_assets_tests.clinical.double_safety import CONFIG, CUTOFF, Patient
from hcc_assets_tests.clinical.double_safety import expected as expected_counts
from hcc_assets_tests.clinical.double_safety import rates as expected_rates
from hcc_assets_tests.clinical.safety_frames import ae_summary, exposure_summary

HABITS = replace(USUAL, partial_doses=0.0)
"""What a partial first dose stands for rests on consent and scans, which this second implementation
does not read."""


def _roughen(ae: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Partial and missing dates, missing grades and words: what sites send."""
    rng = np.random.default_rng(seed)
    out = ae.astype(object).where(ae.notna(), None).copy()
    for column, keep, share in (
        ("AESTDTC", 7, 0.15),
        ("AESTDTC", 4, 0.05),
        ("AESTDTC", 0, 0.05),
        ("AEENDTC", 7, 0.15),
        ("AEENDTC", 4, 0.03),
        ("AETOXGR", 0, 0.08),
        ("AEREL", 0, 0.05),
        ("AEOUT", 0, 0.05),
        ("AESER", 0, 0.05),
        ("AEBODSYS", 0, 0.03),
        ("AEDECOD", 0, 0.03),
    ):
        hit = rng.random(len(out)) < share
        out[column] = [
            (v[:keep] or None) if h and isinstance(v, str) else v
            for v, h in zip(out[column], hit, strict=True)
        ]
    return out


def _compare(seed: int, folder: Path, subjects: int) -> None:
    raw = simulate_clinical(subjects, seed, habits=HABITS)
    raw["ae"] = _roughen(raw["ae"], seed)
    for domain, frame in raw.items():
        frame.to_csv(folder / f"{domain}.csv", index=False)
    export = read_export(folder, CONFIG, cutoff=CUTOFF)
    tables = export.tables
    by: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for domain in ("ex", "ae", "ds"):
        by[domain] = defaultdict(list)
        for row in raw[domain].astype(object).where(raw[domain].notna(), None).to_dict("records"):
            by[domain][row["USUBJID"]].append(row)
    people = raw["dm"].astype(object).where(raw["dm"].notna(), None).to_dict("records")
    everyone = {
        r["USUBJID"]: Patient(r, *(by[domain][r["USUBJID"]] for domain in ("ex", "ae", "ds")))
        for r in people
    }
    treated = {n: p for n, p in everyone.items() if p.first}
    out = ae_summary(
        tables["subjects"],
        tables["exposure"],
        tables["adverse_events"],
        CONFIG,
        cutoff=CUTOFF,
        disposition=tables["disposition"],
    )
    assert (out["n"] == len(treated)).all()
    counts = out.loc[out["table"] != "EAIR"]
    keys = zip(counts["table"], counts["soc"], counts["term"], counts["level"], strict=True)
    ours = {
        key: (int(p), int(e))
        for key, p, e in zip(keys, counts["patients"], counts["events"], strict=True)
        if p or e
    }
    assert ours == expected_counts(treated)
    rates = out.loc[out["table"] == "EAIR"].set_index("term")
    expected = expected_rates(treated)
    assert set(rates.index) == set(expected)
    for term, (hit, years) in expected.items():
        assert (rates.loc[term, "patients"], rates.loc[term, "patient_years"]) == (
            hit,
            pytest.approx(years, rel=1e-12),
        )
    dosing = exposure_summary(
        tables["subjects"],
        tables["exposure"],
        CONFIG,
        cutoff=CUTOFF,
        disposition=tables["disposition"],
    ).set_index("USUBJID")
    assert set(dosing.index) == set(treated)
    for name, p in treated.items():
        assert p.first and p.last and p.dosed
        row, mg = dosing.loc[name], [p.diary[d] for d in sorted(p.diary) if d >= p.first]
        assert (row["TRTSDT"], row["TRTEDT"]) == (pd.Timestamp(p.first), pd.Timestamp(p.last))
        assert row["ongoing"] == p.still
        assert (row["days_on_drug"], row["interruption_days"], row["cumulative_mg"]) == (
            sum(v > 0 for v in mg),
            mg.count(0),
            sum(mg),
        )
        assert row["relative_dose_intensity"] == pytest.approx(
            100 * sum(mg) / ((min(max(p.diary), p.last) - p.first).days + 1) / 300
        )


@pytest.mark.parametrize("seed", range(6))
def test_second_implementation_agrees(seed: int, tmp_path: Path) -> None:
    _compare(seed, tmp_path, 14)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 300))
def test_second_implementation_agrees_on_two_hundred_trials(seed: int, tmp_path: Path) -> None:
    _compare(seed, tmp_path, 5 + seed % 25)
