"""A home whose Dagster storage and alert outbox are in PostgreSQL: the journey, a server that dies,
a refresh that is killed, eight refreshes at once."""

from __future__ import annotations

import json
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hcc_assets.audit.trail import trail_of
from hcc_assets.home.paths import Home
from hcc_assets.operate.dagster_yaml import check_database, dagster_yaml
from hcc_assets.privacy.erasing import erase_subject
from hcc_assets.study.config import ConfigError
from hcc_assets_tests.faults.homes import (
    FIRST,
    SECOND,
    clinical,
    copied,
    deliver,
    hashes,
    key_of,
    refresh,
    run,
    sheet_rows,
    without_figures,
)
from hcc_assets_tests.journeys.postgres_homes import (
    all_runs_ended,
    as_published,
    clinical_home,
    computed,
    on_sqlite,
    rows,
    spoken_of,
    started,
    wait_for,
    whole_home,
)
from hcc_assets_tests.postgres_server import PostgresServer, postgres_process


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    with without_figures():
        yield


@pytest.fixture
def server(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresServer]:
    """A server of the test's own, named by the one setting."""
    with postgres_process() as process:
        monkeypatch.setenv("HCC_DATABASE_URL", process.url)
        yield process


def test_a_clinical_home_wholly_on_postgres(
    server: PostgresServer, place: Path, httpserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One setting: runs, events and the outbox are in the database, an alert goes out from there, a
    second refresh computes nothing."""
    httpserver.expect_request("/hook").respond_with_data("ok")
    monkeypatch.setenv("HCC_ALERT_URLS", f"json://127.0.0.1:{httpserver.port}/hook")
    root = clinical_home(place / "home", settings="[alerts]\nenabled = true\n")
    (root / "landing" / "clinical" / FIRST.isoformat() / "ae.csv").write_text("USUBJID\n")
    first = run(root)
    assert first.runs and {(c.asset, c.sample) for c in first.troubled} >= {
        ("adverse_events", None)
    }
    assert not list((root / "dagster").rglob("*.db")), "no SQLite file beside PostgreSQL"
    assert rows(server, "select count(*) from runs") == [(len(first.runs),)]
    assert first.alerts["sent"] == len(httpserver.log) > 0
    assert rows(server, "select count(*) from hcc_outbox where sent_at is null") == [(0,)]
    assert rows(server, "select count(*) from hcc_alerts where asset = 'adverse_events'") == [(1,)]
    before = hashes(root)
    again = run(root)
    assert not again.runs and "best_responses.parquet" in before and hashes(root) == before
    assert all_runs_ended(root)


def test_the_setting_and_what_was_chosen_at_the_first_start_must_agree(place: Path) -> None:
    """Otherwise Dagster's history would be in one database and the alerts in another; the sentence
    says what to do and names no password."""
    url = "postgresql+psycopg2://hcc:topsecret@127.0.0.1/hcc"
    check_database(place, None)
    check_database(place, url)
    for written, now in ((None, url), (url, None)):
        (place / "dagster.yaml").write_text(dagster_yaml(written))
        check_database(place, written)
        with pytest.raises(ConfigError, match="HCC_DATABASE_URL") as caught:
            check_database(place, now)
        assert "topsecret" not in str(caught.value)
    (place / "dagster.yaml").write_text(
        (Path(__file__).parents[2] / "deploy" / "dagster.postgres.yaml").read_text()
    )
    check_database(place, url)
    check_database(place, None)


@pytest.mark.faults
def test_a_database_that_is_not_there_is_one_sentence(place: Path) -> None:
    root = clinical_home(place / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HCC_DATABASE_URL", "postgresql+psycopg2://hcc:topsecret@127.0.0.1:9/hcc")
        process = started(root)
        _, errors = process.communicate(timeout=250)
    assert process.returncode == 1 and "cannot be reached" in errors
    assert "Traceback" not in errors and "topsecret" not in errors


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_whole_journey_on_postgres(server: PostgresServer, place: Path) -> None:
    root = whole_home(place / "home")
    alone = copied(root, place / "alone")
    first = started(root)
    out, errors = first.communicate(timeout=600)
    assert first.returncode == 0, errors[-2000:]
    told = json.loads(out)
    assert told["new_samples"] and not told["held"]
    again = started(root)
    out, errors = again.communicate(timeout=300)
    assert again.returncode == 0, errors[-2000:]
    assert json.loads(out)["changed"] == [] and json.loads(out)["runs"] == []
    on_sqlite(alone)
    assert hashes(root) == hashes(alone), "the database changes no published byte"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_erased_subject_is_nowhere_in_the_database(
    server: PostgresServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs, events, partitions, open alerts and waiting messages: every table of the server is
    searched, as text."""
    monkeypatch.setenv("HCC_ALERT_URLS", "json://127.0.0.1:9/nobody-listens")
    root = whole_home(place / "home", subjects=4)
    with (root / "study.toml").open("a") as handle:
        handle.write("\n[alerts]\nenabled = true\n")
    broken = sheet_rows(root)[-1].split(",")
    next(
        (root / "landing" / broken[sheet_rows(root)[0].split(",").index("path")]).glob("matrix*")
    ).write_bytes(b"no matrix")
    run(root)
    subject = broken[1]
    samples = [row.split(",")[0] for row in sheet_rows(root)[1:] if row.split(",")[1] == subject]
    names = (subject, *samples)
    keys = [key_of(root, sample) for sample in samples]
    assert {name: spoken_of(server, name) for name in names} == dict.fromkeys(names, 0)
    assert all(spoken_of(server, key) > 0 for key in keys), "people go by their keys"
    erased = erase_subject(Home.at(root), subject, "REQ-1")
    assert erased.absent and erased.complete, erased.lines
    assert {name: spoken_of(server, name) for name in names} == dict.fromkeys(names, 0)
    assert all_runs_ended(root) and as_published(root)
    before = hashes(root)
    assert run(root).troubled == [] and hashes(root) == before


@pytest.mark.faults
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_server_that_dies_in_mid_refresh_and_comes_back(
    server: PostgresServer, place: Path, seed: int
) -> None:
    root = clinical_home(place / "home")
    run(root)
    old = hashes(root)
    deliver(root, clinical(SECOND, subjects=4), SECOND.isoformat())
    alone = copied(root, place / "alone")
    (alone / "dagster" / "dagster.yaml").unlink()
    on_sqlite(alone)
    new = hashes(alone)
    process = started(root)
    wanted = random.Random(seed).randrange(1, sum(new[n] != old.get(n) for n in new) // 2)
    wait_for(lambda: sum(h != old.get(n) for n, h in hashes(root).items()) >= wanted, process)
    server.crash()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1, "a refresh that lost its database does not say that it is done"
    assert "HCC_DATABASE_URL" in errors and "Traceback" not in errors
    now = hashes(root)
    assert all(now[n] in (old.get(n), new.get(n)) for n in now), (
        "each table is the old or the new one"
    )
    server.start()
    seen = refresh(root)
    assert not seen.troubled
    assert hashes(root) == new and as_published(root)
    assert all_runs_ended(root)
    assert not trail_of(Home.at(root)).verify()
    assert set(seen.status["assets"]) <= {"fresh", "waiting"} | (
        {"stale"} if not seen.status["stale"] else set()
    )


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_kill_9_of_a_refresh_on_postgres(server: PostgresServer, place: Path) -> None:
    root = clinical_home(place / "home")
    run(root)
    old = hashes(root)
    deliver(root, clinical(SECOND, subjects=4), SECOND.isoformat())
    rng = random.Random(0)
    for _ in range(5):
        process = started(root)
        time.sleep(rng.uniform(4.0, 12.0))
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    seen = refresh(root)
    assert not seen.troubled and all_runs_ended(root) and as_published(root)
    assert hashes(root) != old
    assert not trail_of(Home.at(root)).verify()


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("build", [clinical_home, whole_home])
def test_eight_refreshes_at_once_on_postgres(
    server: PostgresServer, place: Path, build: Callable[[Path], Path]
) -> None:
    """From the very first boot: all end with 0, the result is that of one refresh, nothing is
    computed twice."""
    root = build(place / "home")
    alone = copied(root, place / "alone")
    running = [started(root) for _ in range(8)]
    ends = [p.communicate(timeout=1500) for p in running]
    assert [p.returncode for p in running] == [0] * 8, [e[-500:] for _, e in ends]
    told = [json.loads(out) for out, _ in ends]
    assert sum(bool(t["runs"]) for t in told) == 1, (
        "one of them did the work, the others waited and found it done"
    )
    assert set(computed(root).values()) == {1}
    assert all_runs_ended(root) and not trail_of(Home.at(root)).verify()
    on_sqlite(alone)
    assert hashes(root) == hashes(alone)
    shutil.rmtree(alone)
