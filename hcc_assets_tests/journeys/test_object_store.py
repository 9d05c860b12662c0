"""A home on an object store: the journey against an S3-compatible server on loopback, writers that
race, connections that are cut, what looking costs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.home import files, objects
from hcc_assets.home.files import read_parquet
from hcc_assets.home.paths import Home
from hcc_assets.home.people.register import read_people
from hcc_assets.home.published import put_back
from hcc_assets.home.versions import Versions
from hcc_assets.operate.actions import refresh_home
from hcc_assets_tests.faults.numbers_given import (
    numbers,
    published_is_what_stands,
    race,
    standing,
    values,
)
from hcc_assets_tests.processes import together
from hcc_assets_tests.s3_server import S3Server, look, many_samples, s3_server, stored


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with s3_server() as (application, address):
        for name, value in {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "2",
            "DAGSTER_HOME": str(tmp_path / "dagster"),
        }.items():
            monkeypatch.setenv(name, value)
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()
        yield application
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def home(server: S3Server) -> Home:
    import s3fs

    s3fs.S3FileSystem().mkdir("trial")
    return Home.at("s3://trial/home")


# -- the journey -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_journey_on_an_object_store(home: Home, tmp_path: Path) -> None:
    import s3fs

    from hcc_assets.simulate.trial import simulate_trial

    simulate_trial(tmp_path / "sim", subjects=2, cells=200, seed=1)
    s3fs.S3FileSystem().put(
        str(tmp_path / "sim" / "landing") + "/", "trial/home/landing/", recursive=True
    )
    first = refresh_home(home, jobs=1, memory_mb=None, progress=lambda *_: None)
    assert not first.troubled
    people = read_people(home)
    assert {people.sample(k) for k in Versions(home).partitions("raw_counts")} == set(
        first.new_samples
    )
    compositions = read_parquet(home.published / "compositions.parquet")
    assert compositions["sample_id"].nunique() == len(first.new_samples) > 0
    assert (home.published / "report.html").exists()
    assert len(read_parquet(home.published / "responses.parquet"))
    again = refresh_home(home, jobs=1, memory_mb=None, progress=lambda *_: None)
    assert not again.changes
    assert not again.runs


def test_what_another_process_delivers_is_seen_by_one_that_lives_long(
    home: Home, tmp_path: Path
) -> None:
    """Listings are not kept between two looks, as s3fs does by itself."""
    import fsspec

    bench = Workbench(home, numbers(1.0))
    assert not bench.landing.exports
    other = fsspec.filesystem("s3", skip_instance_cache=True)
    other.pipe_file("trial/home/landing/clinical/2026-01-01/dm.csv", b"USUBJID\nS1\n")
    other.pipe_file("trial/home/landing/clinical/2026-01-01/_DONE", b"")
    bench.forget()
    assert [d.state for d in bench.landing.exports] == ["ready"]


# -- writers that race -----------------------------------------------------------------------------


def test_a_writer_that_was_overtaken_computes_again_and_loses_nothing(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other machine publishes and commits while this one computes: this one's first manifest is
    refused, its second names the other's."""
    Workbench(home, numbers(1.0)).attempt("numbers")
    first = standing(home)
    seen: list[str] = []

    def other_machine() -> None:
        if not seen:
            with monkeypatch.context() as elsewhere:
                elsewhere.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
                assert Workbench(home, numbers(2.0)).attempt("numbers").state == "new"
        seen.append(standing(home).folder)

    outcome = Workbench(home, numbers(3.0, meanwhile=other_machine)).attempt("numbers")
    assert len(seen) == 2, "computed, refused, computed again"
    assert outcome.state == "new" and outcome.manifest is not None
    assert outcome.manifest.previous == seen[0] != first.folder, (
        "the other's version is in the chain"
    )
    assert values(home) == [3.0] and published_is_what_stands(home)


def test_the_same_work_on_two_machines_makes_one_version(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def other_machine() -> None:
        if not done:
            done.append("")
            with monkeypatch.context() as elsewhere:
                elsewhere.setenv("DAGSTER_HOME", str(tmp_path / "elsewhere"))
                Workbench(home, numbers(2.0)).attempt("numbers")

    outcome = Workbench(home, numbers(2.0, meanwhile=other_machine)).attempt("numbers")
    assert outcome.state == "fresh" and published_is_what_stands(home)


def test_a_put_with_a_condition_is_refused_and_one_whose_answer_was_lost_is_not(
    home: Home, server: S3Server
) -> None:
    path = home.store / "numbers" / "current.json"
    objects.put(path, b"one", objects.ABSENT)
    with pytest.raises(objects.Overtaken):
        objects.put(path, b"two", objects.ABSENT)
    tag = objects.tag_of(path)
    objects.put(path, b"two", tag)
    with pytest.raises(objects.Overtaken):
        objects.put(path, b"three", tag)
    objects.put(
        path, b"two", tag
    )  # what stands is what was to be written: the put had arrived and was sent again
    assert path.read_bytes() == b"two"


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_machines_that_write_at_once_lose_no_update_and_mix_no_versions(
    home: Home, tmp_path: Path
) -> None:
    """Three machines with no lock in common: every commit names the one before it, each exactly
    once, and what is published is what stands."""
    writers, rounds = 3, 8
    work = [(str(home.root), str(tmp_path / f"machine{w}"), w, rounds) for w in range(writers)]
    commits = [c for done in together(race, work) for c in done]
    assert len(commits) == len({version for version, _ in commits}) == writers * rounds
    previous = [before for _, before in commits]
    assert len(set(previous)) == len(previous), "no two commits replaced the same version"
    assert {*previous, standing(home).folder} == {None, *(version for version, _ in commits)}
    assert published_is_what_stands(home)
    listed = json.loads((home.store / "list.json").read_bytes())
    assert sorted(map(tuple, listed)) == [(w, n) for w in range(writers) for n in range(rounds)]


def test_old_versions_are_removed_here_too_but_not_young_ones(home: Home) -> None:
    """Five earlier versions of a table stay; what is younger than an hour stays as well, since
    another writer may be about to name it."""
    folder = home.store / "numbers"

    def versions() -> set[str]:
        return {n.partition("/")[0] for n in objects.listed(folder) if "/" in n}

    for n in range(9):
        Workbench(home, numbers(float(n))).attempt("numbers")
    assert len(versions()) == 9
    for key in stored("home/store/numbers/"):
        key.last_modified -= dt.timedelta(hours=2)
    Workbench(home, numbers(9.0)).attempt("numbers")
    assert len(versions()) == 6 and values(home) == [9.0]
    assert {standing(home).folder, standing(home).previous} <= versions()


# -- connections that are cut ----------------------------------------------------------------------


def test_a_connection_cut_once_is_tried_again(home: Home, server: S3Server) -> None:
    server.cut = lambda method, path: 100 if method == "PUT" and not server.cuts else None
    assert Workbench(home, numbers(1.0)).attempt("numbers").state == "new"
    assert server.cuts == 1 and values(home) == [1.0] and published_is_what_stands(home)


@pytest.mark.parametrize(
    "name", ["table.parquet", "manifest.json", "current.json", "numbers.parquet", "numbers.csv"]
)
@pytest.mark.parametrize("taken", [200, pytest.param(0, marks=pytest.mark.faults)])
def test_a_connection_that_stays_cut_in_mid_write_leaves_a_whole_version(
    home: Home, server: S3Server, monkeypatch: pytest.MonkeyPatch, name: str, taken: int
) -> None:
    """Whatever object the cut hits: what stands can be read and is whole, and the attempt after
    the mending of the network succeeds, or publishes what was made before."""
    import s3fs

    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    assert Workbench(home, numbers(1.0)).attempt("numbers").state == "new"
    old = standing(home)
    server.cut = lambda method, path: (
        taken if method == "PUT" and path.endswith(f"/{name}") else None
    )
    outcome = Workbench(home, numbers(2.0)).attempt("numbers")
    assert server.cuts and outcome.state == "failed" and "stays" in outcome.reason
    behind = name.startswith("numbers") or name == "manifest.json"
    assert (standing(home) != old) is behind
    assert list(Versions(home).frame("numbers", "table")["value"]) == [2.0 if behind else 1.0]
    assert values(home) in ([1.0], [2.0]), "each published file is whole"
    assert len(pd.read_csv(f"{home.published}/numbers.csv")) == 1
    server.cut = lambda *_: None
    assert make_plan(HomeView(home, numbers(2.0))).of("stale") == [("numbers", None)]
    assert Workbench(home, numbers(2.0)).attempt("numbers").state == "new"
    assert values(home) == [2.0] and published_is_what_stands(home)
    assert not make_plan(HomeView(home, numbers(2.0))).of("stale")


def test_a_published_object_that_was_replaced_from_outside_is_put_back(home: Home) -> None:
    Workbench(home, numbers(1.0)).attempt("numbers")
    (home.published / "numbers.csv").write_bytes(b"other")
    assert put_back(Versions(home), [standing(home)]) == ["numbers.csv"]
    assert published_is_what_stands(home)


def test_a_large_upload_cut_in_one_of_its_parts_is_not_there(
    home: Home, server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs
    from botocore.exceptions import BotoCoreError

    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    path = home.store / "raw_counts" / "S1" / "v" / "counts.h5ad"
    files.write_bytes(path, b"old")
    large = bytes(120 * 2**20)
    server.cut = lambda method, path: 1000 if method == "PUT" and server.asked["PUT"] > 3 else None
    for write in (
        lambda: files.write_bytes(path, large),
        lambda: files.write_file(path, lambda p: p.write_bytes(large) and None),
    ):
        with pytest.raises((OSError, BotoCoreError)):
            write()
        assert path.read_bytes() == b"old"
    assert server.cuts


# -- what looking costs ----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_looking_at_a_thousand_samples_takes_listings_not_questions(
    home: Home, server: S3Server
) -> None:
    assets = many_samples(home, 1000)
    cold, warm = look(home, server, assets), look(home, server, assets)
    print(f"cold {cold}, warm {warm}")
    assert sum(warm.values()) < 150, warm


def test_looking_does_not_ask_for_each_sample(home: Home, server: S3Server) -> None:
    """The same with few samples: a second look at twice as many samples costs no more requests."""
    counts = []
    for number in (4, 8):
        assets = many_samples(home, number)
        look(home, server, assets)
        counts.append(sum(look(home, server, assets).values()))
    assert counts[0] == counts[1]
