"""The jobs of withdrawal and erasure ask for a confirmation, and change nothing without it."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from hcc_assets.home.paths import Home
from hcc_assets.home.people.consent import read_withdrawals
from hcc_assets.operate.people_jobs import people_jobs
from hcc_assets.privacy import jobs
from hcc_assets.privacy.erasing import Erased
from hcc_assets.privacy.jobs import erase_job
from hcc_assets.privacy.subject import code_of

SHEET = (
    "sample_id,subject_id,timepoint,collection_date,path\nQ1,SURU-017,pre,2025-07-01,matrices/Q1\n"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("DAGSTER_HOME", "HCC_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home" / "landing").mkdir(parents=True)
    (tmp_path / "home" / "landing" / "samples.csv").write_text(SHEET)
    return Home.at(tmp_path / "home")


def outcome(job: dg.JobDefinition, op: str, config: dict[str, str]) -> tuple[bool, str]:
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            {"ops": {op: {"config": config}}},
            instance=instance,
            raise_on_error=False,
        )
        texts = [str(e.event_specific_data.error) for e in result.all_events if e.is_step_failure]
    return result.success, " ".join(texts)


def test_withdrawal_repeats_the_subject(home: Home) -> None:
    config = {"subject": "SURU-017", "from_date": "2025-08-01", "reason": "asked", "confirm": "yes"}
    (withdraw_job,) = [j for j in people_jobs(lambda: home) if j.name == "withdraw_subject"]
    assert outcome(withdraw_job, "withdraw", config)[0] is False
    success, text = outcome(
        withdraw_job, "withdraw", config | {"confirm": "SURU-017", "from_date": "1 August"}
    )
    assert not success and "YYYY-MM-DD" in text
    assert read_withdrawals(home.withdrawals_csv) == []
    assert outcome(withdraw_job, "withdraw", config | {"confirm": "SURU-017"})[0]
    assert [w.subject_id for w in read_withdrawals(home.withdrawals_csv)] == ["SURU-017"]


def test_erasure_takes_a_code_and_a_confirmation(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def erased(_: Home, subject: str, reference: str, *, own_run: str) -> Erased:
        asked.append((subject, reference))
        return Erased(absent=len(asked) == 1, complete=True, lines=["searched"], left=[])

    monkeypatch.setattr(jobs, "erase_subject", erased)
    job = erase_job(lambda: home)
    code = code_of(home, "SURU-017")
    good = {"code": code, "reference": "letter 5", "confirm": f"erase {code[-8:]}"}
    for wrong in (
        {"confirm": "yes"},
        {"confirm": code},
        {"code": "subject:" + "0" * 32, "confirm": "erase 00000000"},
    ):
        success, text = outcome(job, "erase", good | wrong)
        assert not success and ("nothing was changed" in text or "nobody in this home" in text)
    assert asked == []
    assert outcome(job, "erase", good)[0] and asked == [("SURU-017", "letter 5")]
    success, text = outcome(job, "erase", good)
    assert not success and "not complete" in text, "a proof that fails is a red run"
