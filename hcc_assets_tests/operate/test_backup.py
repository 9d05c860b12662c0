"""Promise G23: a backup taken at any moment is one cut, restored elsewhere it is byte for byte what
it was, and nothing stands of one that is damaged."""

from __future__ import annotations

import json
import shutil
import stat
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hcc_assets.audit.trail import trail_of
from hcc_assets.commands import hcc
from hcc_assets.home.manifests import Held
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions
from hcc_assets.operate.backup import cutting, listing
from hcc_assets.operate.backup.listing import BackupDamaged, Refusal
from hcc_assets.operate.backup.restoring import restore_backup
from hcc_assets.operate.backup.taking import take_backup
from hcc_assets_tests.operate.small_homes import NOW, publish, small_home


@pytest.fixture
def home(place: Path) -> Home:
    return small_home(place / "home")


def call(*words: object) -> Result:
    return CliRunner().invoke(hcc, [str(w) for w in words])


def content(root: Path) -> dict[str, bytes]:
    """What counts of a home, the trail and its key aside, which go on."""
    found = (p for p in root.rglob("*") if p.is_file() and not p.name.endswith(".lock"))
    named = {p.relative_to(root).as_posix(): p.read_bytes() for p in found}
    return {
        n: b for n, b in named.items() if not n.startswith(("audit/", "dagster/", "keys/trail.key"))
    }


def test_a_restored_home_is_what_it_was(home: Home, place: Path) -> None:
    root = Path(str(home.root))
    taken = call("backup", place / "b", "--home", root, "--json")
    assert taken.exit_code == 0, taken.output
    done = call("restore", place / "b", "--home", place / "elsewhere" / "home")
    assert done.exit_code == 0, done.output
    there = place / "elsewhere" / "home"
    assert content(there) == content(root)
    delivery = "landing/clinical/2026-05-01/dm.csv"
    assert (there / delivery).stat().st_mtime_ns == (root / delivery).stat().st_mtime_ns
    trail = trail_of(Home.at(there))
    assert not trail.verify() and [e.action for e in trail.entries()][-1] == "restore"
    assert stat.S_IMODE((place / "b" / "keys" / "subject.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((place / "b").stat().st_mode) == 0o700


def test_keys_go_apart_and_are_asked_for(home: Home, place: Path) -> None:
    take_backup(home, place / "b", keys=place / "safe" / "keys")
    assert not list((place / "b").rglob("*.key"))
    lacking = call("restore", place / "b", "--home", place / "new")
    assert lacking.exit_code == 1 and "--keys" in lacking.output
    assert not (place / "new").exists()
    assert (
        call("restore", place / "b", "--keys", place / "safe/keys", "--home", place / "new")
    ).exit_code == 0


def test_nothing_stands_of_a_backup_of_which_any_file_was_changed_or_is_gone(
    home: Home, place: Path
) -> None:
    take_backup(home, place / "b")
    files = sorted(p for p in (place / "b").rglob("*") if p.is_file())
    for number, path in enumerate(files):
        whole = path.read_bytes()
        if number % 2:
            path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if whole else b"x")
        else:
            path.unlink()
        answer = call("restore", place / "b", "--home", place / "new" / "home")
        assert (answer.exit_code == 1 and "nothing was restored" in answer.output) or (
            path.name == "backup.json" and "no backup" in answer.output
        ), (path, answer.output)
        assert not (place / "new" / "home").exists() and not list((place / "new").glob(".*"))
        path.write_bytes(whole)
    assert call("restore", place / "b", "--home", place / "new" / "home").exit_code == 0


def test_places_that_hold_something_are_refused(home: Home, place: Path) -> None:
    take_backup(home, place / "b")
    root = Path(str(home.root))
    before = content(root)
    assert call("restore", place / "b", "--home", root).exit_code == 3
    assert call("backup", place / "b", "--home", root).exit_code == 3
    assert call("backup", root / "within", "--home", root).exit_code == 3
    assert content(root) == before
    (place / "empty").mkdir()
    assert call("restore", place / "b", "--home", place / "empty").exit_code == 0


def test_a_backup_names_no_file_outside_the_home(home: Home, place: Path) -> None:
    taken = take_backup(home, place / "b")
    taken.files["../../etc/passwd"] = next(iter(taken.files.values()))
    (place / "b" / "backup.json").write_bytes(taken.bytes())
    with pytest.raises(BackupDamaged, match="outside"):
        restore_backup(Home.at(place / "new"), place / "b")


def test_backups_while_versions_are_replaced_are_each_one_cut(home: Home, place: Path) -> None:
    """Two tables that are always replaced together, one after the other: a backup holds versions
    that stood at one moment, and publishes those."""
    stop = threading.Event()

    def work() -> None:
        value = 2
        while not stop.is_set():
            for name in ("first", "second"):
                publish(home, name, value)
            value += 1

    writer = threading.Thread(target=work)
    writer.start()
    try:
        for number in range(6):
            take_backup(home, place / f"b{number}")
    finally:
        stop.set()
        writer.join()
    for number in range(6):
        there = Home.at(place / f"r{number}")
        restore_backup(there, place / f"b{number}")
        versions = Versions(there)
        values = [int(versions.frame(n, "table")["n"][0]) for n in ("first", "second")]
        assert values[0] - values[1] in (0, 1), "of one moment"
        told = {e.to_hash for e in trail_of(there).entries()}
        for name in ("first", "second"):
            manifest = versions.require(name)
            published = Path(str(there.published)) / f"{name}.parquet"
            assert published.read_bytes() == versions.blob(name, "table.parquet")
            assert manifest.data_version in told
        assert not trail_of(there).verify()


def test_a_version_that_is_not_told_yet_is_waited_for(
    home: Home, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = publish(home, "first", 9)
    ended = Held(fingerprint=manifest.fingerprint, reason="ended", code="ended", at=NOW, run_id="r")
    Versions(home).hold("first", None, ended)
    threading.Timer(0.5, lambda: Versions(home).clear_hold("first", None)).start()
    take_backup(home, place / "b")
    assert "store/first/held.json" not in listing.read_listing(place / "b").files
    Versions(home).hold("first", None, ended)
    monkeypatch.setattr(cutting, "SETTLE_SECONDS", 0.1)
    take_backup(home, place / "c")  # of a run that was killed: as it is, the next refresh ends it
    assert "store/first/held.json" in listing.read_listing(place / "c").files


def test_a_backup_lacks_no_file_that_stands(home: Home, place: Path) -> None:
    (path,) = Path(str(home.store)).glob("second/*/table.parquet")
    path.unlink()
    with pytest.raises(Refusal, match=r"table\.parquet of second is missing"):
        take_backup(home, place / "b")
    assert not (place / "b" / "backup.json").exists()


def test_no_damage_is_carried_into_a_backup(home: Home, place: Path) -> None:
    (path,) = Path(str(home.store)).glob("second/*/table.parquet")
    data = path.read_bytes()
    path.write_bytes(data[:-9] + b"?" + data[-8:])
    with pytest.raises(Refusal, match="damaged"):
        take_backup(home, place / "b")


def test_the_drill_leaves_nothing_and_says_how_long(home: Home, place: Path) -> None:
    (place / "scratch").mkdir()
    answer = call("drill", "--scratch", place / "scratch", "--home", home.root, "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert found["wrong"] == [] and found["files"] > 8 and found["restore_seconds"] >= 0
    assert not list((place / "scratch").iterdir())


def test_a_disk_of_its_own_is_restored_into(
    home: Home, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_backup(home, place / "b")
    (place / "disk" / "lost+found").mkdir(parents=True)
    monkeypatch.setattr("os.path.ismount", lambda path: Path(path).name == "disk")
    restore_backup(Home.at(place / "disk"), place / "b")
    shutil.rmtree(place / "disk" / "lost+found")
    assert content(place / "disk") == content(Path(str(home.root)))
