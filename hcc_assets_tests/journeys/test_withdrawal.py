"""Promise G10 end to end: `withdraw` stops and keeps; `erase` removes every trace, proves it, and a
re-delivery is refused and told. Fault 20."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from click.testing import CliRunner

from hcc_assets.alerts.records import Severity
from hcc_assets.assets.plan import make_plan
from hcc_assets.audit.trail import trail_of
from hcc_assets.commands import hcc
from hcc_assets.definitions import code_location
from hcc_assets.home.paths import Home
from hcc_assets.home.people.register import read_people
from hcc_assets.home.published import put_back
from hcc_assets.operate import actions as operate
from hcc_assets.operate.actions import withdraw_subject
from hcc_assets.operate.instance import instance_of
from hcc_assets.operate.refresh import Summary
from hcc_assets.operate.status import manifests_of
from hcc_assets.privacy.erasing import erase_subject
from hcc_assets.privacy.subject import code_of, subject_of_code
from hcc_assets.privacy.traces import find_traces
from hcc_assets_tests.cells.matrices import toy, write_mex
from hcc_assets_tests.faults.homes import (
    FIRST,
    SECOND,
    SETTINGS,
    Seen,
    attempt_all,
    clinical,
    copied,
    deliver,
    hashes,
    refresh,
    view_of,
    without_figures,
)
from hcc_assets_tests.journeys.withdrawal_homes import (
    HEADER,
    named,
    people,
    sample_row,
    standing,
    subjects_of,
)

SAMPLE, OTHER_SAMPLE = "Q17-pre", "Q18-pre"


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    with without_figures():
        yield


@pytest.fixture(params=["engine", pytest.param("dagster", marks=pytest.mark.faults)])
def bring_up(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path], Seen]:
    """Brings a home up to date: as ``hcc refresh`` does, or in the short form through the engine
    alone, also within an erasure."""
    if request.param == "dagster":
        return refresh

    def stand_in(home: Home, **_: object) -> Summary:
        attempt_all(Path(str(home.root)))
        plan = make_plan(view_of(Path(str(home.root))))
        put_back(plan.view.versions, manifests_of(plan))
        return Summary()

    monkeypatch.setattr(operate, "refresh_home", stand_in)
    return attempt_all


@pytest.fixture(scope="module")
def built(scratch: Path) -> dict[str, Path]:
    return {}


@pytest.fixture
def base(built: dict[str, Path], scratch: Path, bring_up: Callable[[Path], Seen]) -> Path:
    """One export and two tiny samples, of which the folders are named after nobody."""
    root = scratch / f"withdrawal-{bring_up.__name__}"
    if bring_up.__name__ in built:
        return root
    built[bring_up.__name__] = root
    root.mkdir()
    (root / "study.toml").write_text(SETTINGS)
    deliver(root, clinical(FIRST), FIRST.isoformat())
    first, second = people()[:2]
    for seed, folder in enumerate(("run7-A", "run7-B")):
        write_mex(root / "landing" / "matrices" / folder, toy(60, 300, seed))
    (root / "landing" / "samples.csv").write_text(
        HEADER + sample_row(SAMPLE, first, "run7-A") + sample_row(OTHER_SAMPLE, second, "run7-B")
    )
    assert bring_up(root).troubled == {}
    return root


@pytest.fixture
def root(place: Path, base: Path) -> Path:
    return copied(base, place / "home")


def test_withdraw_keeps_what_was_collected_and_recomputes_what_rested_on_the_rest(
    root: Path, bring_up: Callable[[Path], Seen]
) -> None:
    subject = people()[0]
    before = {
        t: pd.read_parquet(root / "published" / f"{t}.parquet")
        for t in ("adverse_events", "exposure", "samples", "best_responses")
    }
    landed = hashes(root, "landing", ())
    events = before["adverse_events"]
    assert (events["USUBJID"] == subject).any()
    day = (
        pd.to_datetime(before["exposure"].query("USUBJID == @subject")["EXSTDT"])
        .min()
        .date()
        .replace(day=28)
    )
    withdraw_subject(Home.at(root), subject, day, "consent withdrawn")
    seen = bring_up(root)
    assert seen.troubled == {}
    kept = seen.table("adverse_events").query("USUBJID == @subject")
    assert (
        len(kept)
        == (pd.to_datetime(events.query("USUBJID == @subject")["AESTDT"]) < pd.Timestamp(day)).sum()
        < (events["USUBJID"] == subject).sum()
    )
    assert {subject} <= subjects_of(root, "subjects") & subjects_of(root, "best_responses"), (
        "what was collected before stays"
    )
    unchanged = [
        t[t["USUBJID"] != subject].drop(columns="SRCROW", errors="ignore").reset_index(drop=True)
        for t in (events, seen.table("adverse_events"))
    ]
    pd.testing.assert_frame_equal(*unchanged)
    assert standing(seen) == (2 if pd.Timestamp("2025-07-01") < pd.Timestamp(day) else 1)
    assert hashes(root, "landing", ()) == landed
    assert not {"new", "changed"} & set(bring_up(root).changed.values())
    trail = (root / "audit" / "audit.jsonl").read_text()
    assert '"withdraw"' in trail and subject not in trail


@pytest.mark.faults
def test_a_sample_collected_after_the_withdrawal_is_left_out_and_comes_back_with_a_later_date(
    root: Path, bring_up: Callable[[Path], Seen]
) -> None:
    import datetime as dt

    withdraw_subject(Home.at(root), people()[0], dt.date(2025, 7, 1), "asked")
    seen = bring_up(root)
    assert standing(seen) == 1 and set(seen.table("samples")["sample_id"]) == {OTHER_SAMPLE}
    (key,) = read_people(Home.at(root)).keys_of(people()[0])
    assert (root / "store" / "raw_counts" / key / "current.json").exists(), "withdrawal keeps"


def test_erase_leaves_no_byte_keeps_the_tables_readable_and_refuses_a_redelivery(
    base: Path, root: Path, bring_up: Callable[[Path], Seen]
) -> None:
    first = people()[0]
    home = Home.at(root)
    assert named(root, first, SAMPLE), "planted"
    tables = set(hashes(root))
    result = erase_subject(home, first, f"letter 5 about {first}")
    assert result.absent and result.complete and result.left == []
    assert find_traces(root, [first, SAMPLE], others=people()).traces == ()
    assert (
        not (root / "landing" / "matrices" / "run7-A").exists()
        and (root / "landing" / "matrices" / "run7-B").exists()
    )
    assert set(hashes(root)) == tables, "every table is there again"
    assert subjects_of(root, "subjects") == set(people()) - {first}
    assert not trail_of(home).verify()
    assert [e.action for e in trail_of(home).entries()].count("erase proven") == 1
    assert first not in (root / "tombstones.json").read_text()
    assert read_people(home).keys_of(first) == [] and len(read_people(home).entries) > 2
    assert not {"new", "changed"} & set(bring_up(root).changed.values())

    shutil.rmtree(root / "landing")
    shutil.copytree(base / "landing", root / "landing")
    seen = bring_up(root)
    assert subjects_of(root, "subjects") == set(people()) - {first} and standing(seen) == 1
    assert named(root, first, SAMPLE) == []
    for asset in ("samples", "clinical_export"):
        (told,) = [s for s in seen.alert(asset) if s.check == "no_erased_subject"]
        assert told.severity is Severity.ERROR and told.what_to_do
    sentences = " ".join(c["description"] for c in seen.status["failing_checks"])
    assert (
        "samples.csv, line 2" in sentences
        and f"clinical/{FIRST.isoformat()}" in sentences
        and first not in sentences
    )
    assert not {"new", "changed"} & set(bring_up(root).changed.values())

    again = erase_subject(home, first.lower(), "letter 6")
    assert again.absent and find_traces(root, [first, SAMPLE], others=people()).traces == ()
    assert bring_up(root).alert("samples") == []


@pytest.mark.faults
def test_an_export_that_is_held_stays_held_through_an_erasure(
    root: Path, bring_up: Callable[[Path], Seen]
) -> None:
    """What stands is replaced by itself without the subject; a newer export does not slip in with
    it."""
    tables = clinical(SECOND)
    gone = people()[3]
    deliver(root, {d: f[f["USUBJID"] != gone] for d, f in tables.items()}, SECOND.isoformat())
    seen = bring_up(root)
    assert seen.status["export"] == FIRST.isoformat()
    result = erase_subject(Home.at(root), people()[0], "letter 5")
    assert result.absent and result.complete
    assert bring_up(root).status["export"] == FIRST.isoformat()
    assert gone in subjects_of(root, "subjects")


@pytest.mark.faults
def test_an_erasure_that_was_cut_off_is_finished_by_asking_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = people()[0]

    def power_cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(operate, "refresh_home", power_cut)
        with pytest.raises(KeyboardInterrupt):
            erase_subject(Home.at(root), first, "letter 5")
    assert named(root, SAMPLE) != []
    assert erase_subject(Home.at(root), first, "letter 5").absent
    assert find_traces(root, [first, SAMPLE], others=people()).traces == ()


def execute(root: Path, config: dict[str, str]) -> dg.ExecuteInProcessResult:
    home = Home.at(root)
    job = code_location(str(root)).resolve_job_def("erase_subject")
    with instance_of(home) as instance:
        return job.execute_in_process(
            instance=instance,
            run_config={"ops": {"erase": {"config": config}}},
            raise_on_error=False,
        )


@pytest.mark.faults
def test_the_job_takes_a_code_and_a_confirmation_and_leaves_no_name_in_its_own_record(
    root: Path,
) -> None:
    first = people()[0]
    answer = CliRunner().invoke(
        hcc, ["erase", first, "--dry-run", "--json", "--home", str(root)], catch_exceptions=False
    )
    assert answer.exit_code == 0
    code = json.loads(answer.stdout)["code"]
    assert code == code_of(Home.at(root), first) and subject_of_code(Home.at(root), code) == first
    before = hashes(root, "landing", ())
    for wrong in ({"confirm": "yes"}, {"code": "subject:" + "0" * 32, "confirm": "erase 00000000"}):
        assert not execute(
            root, {"code": code, "reference": "letter 5", "confirm": f"erase {code[-8:]}", **wrong}
        ).success
    assert hashes(root, "landing", ()) == before and not (root / "tombstones.json").exists()
    done = execute(root, {"code": code, "reference": "letter 5", "confirm": f"erase {code[-8:]}"})
    assert done.success
    assert find_traces(root, [first, SAMPLE], others=people()).traces == ()
    with instance_of(Home.at(root)) as instance:
        record = instance.get_run_by_id(done.run_id)
        assert (
            record is not None
            and code in str(record.run_config)
            and first not in str(record.run_config)
        )
        assert any("no trace is left" in entry.message for entry in instance.all_logs(done.run_id))


def test_erase_needs_a_reference(place: Path) -> None:
    (place / "home" / "landing").mkdir(parents=True)
    assert (
        CliRunner().invoke(hcc, ["erase", "S", "--yes", "--home", str(place / "home")]).exit_code
        == 2
    )
