"""Archives with members that climb out, names that Windows cannot hold, files that nobody may read
or that lie in the wrong place: refused and told."""

from __future__ import annotations

import ctypes
import io
import os
import tarfile
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hcc_assets.alerts.alerting import tell
from hcc_assets.assets.plan import make_plan
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions
from hcc_assets_tests.cells.matrices import toy, write_mex
from hcc_assets_tests.faults.homes import (
    SECOND,
    add_row,
    attempt_all,
    clinical,
    copied,
    deliver,
    hashes,
    key_of,
    landing_bytes,
    look,
    quarantined,
    refresh,
    view_of,
)

SLIP = f"hcc-slip-{uuid.uuid4().hex[:8]}"
MEMBERS = (
    "matrix.mtx.gz",
    f"../{SLIP}",
    f"../../../../../../../../tmp/{SLIP}",
    f"/tmp/{SLIP}",
    f"..\\{SLIP}",
)


def zipped(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for member in MEMBERS:
            archive.writestr(member, b"slipped")


def tarred(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for member in MEMBERS:
            info = tarfile.TarInfo(member)
            info.size = 7
            archive.addfile(info, io.BytesIO(b"slipped"))


def slipped(*folders: Path) -> list[Path]:
    """Places where a member of an archive came to lie."""
    return [p for folder in folders for p in folder.rglob(f"*{SLIP}*")] + list(
        Path("/tmp").glob(f"*{SLIP}*")
    )


ARCHIVES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "zip-in-folder": ("matrices/zip-in-folder", lambda p: zipped(p / "delivery.zip")),
    "tar-in-folder": ("matrices/tar-in-folder", lambda p: tarred(p / "delivery.tar.gz")),
    "zip-itself": ("matrices/alone.zip", zipped),
    "tar-itself": ("matrices/alone.tgz", tarred),
}
WINDOWS = ("CON", "nul.txt", "LPT1", "a:b", "trailing.", "two..dots", "back\\slash")


def test_fault_36_archives_and_windows_names_beside_good_samples(
    sample_base: Path, place: Path
) -> None:
    root = copied(sample_base, place / "home")
    before = hashes(root)
    for number, (name, (path, make)) in enumerate(ARCHIVES.items()):
        make(root / "landing" / path)
        add_row(root, f"{name},Z-{number},pre,2025-01-02,{path},LIVER")
    for name in WINDOWS:
        add_row(root, f"{name},W-1,pre,2025-01-02,matrices/x,LIVER")
    for path in ("matrices/a:b", "matrices\\x", "../x", "C:/x"):
        add_row(root, f"w-path,W-2,pre,2025-01-02,{path},LIVER")
    landed = landing_bytes(root)
    seen = attempt_all(root)
    assert not slipped(place)
    assert landing_bytes(root) == landed
    for name, (path, _) in ARCHIVES.items():
        reason = seen.troubled[("raw_counts", name)]
        assert path in reason and "archives are not opened" in reason and "send matrix" in reason
        assert [a.severity.value for a in seen.alert("raw_counts", name)] == ["ERROR"]
        (kept,) = [q for q in quarantined(root) if q["sample"] == name]
        assert kept["reason"].startswith(path)
    problems = seen.status["sheet_problems"]
    assert len(problems) == len(WINDOWS) + 4
    assert not any(name in p for p in problems for name in WINDOWS if len(name) > 3)
    assert [s.n_affected for s in seen.alert("samples") if s.check == "rows_are_good"] == [
        len(problems)
    ]
    now = hashes(root)
    assert {t: now[t] for t in ("cells.parquet", "compositions.parquet")} == {
        t: before[t] for t in ("cells.parquet", "compositions.parquet")
    }
    standing = Versions(Home.at(root)).partitions("raw_counts")
    assert set(standing).isdisjoint(key_of(root, name) for name in ARCHIVES)
    assert len(standing) == len(set(seen.table("cells")["sample_id"]))


def test_fault_36_an_archive_that_is_still_being_unpacked_waits(
    sample_base: Path, place: Path
) -> None:
    root = copied(sample_base, place / "home")
    (root / "study.toml").write_text("[samples]\nsettle_seconds = 3600\n")
    zipped(root / "landing" / "matrices" / "late" / "delivery.zip")
    add_row(root, "late,Z-1,pre,2025-01-02,matrices/late,LIVER")
    seen = look(root)
    assert any(
        text.startswith("late: waiting for matrix.mtx") for text in seen.status["incomplete"]
    )
    assert not seen.alert("raw_counts", "late")


@pytest.mark.parametrize("bring_up", [attempt_all, pytest.param(refresh, marks=pytest.mark.faults)])
def test_fault_36_an_export_sent_as_an_archive_is_told_and_not_opened(
    clinical_base: Path, place: Path, bring_up: Callable
) -> None:
    root = copied(clinical_base, place / "home")
    before = hashes(root)
    zipped(root / "landing" / "clinical" / f"{SECOND.isoformat()}.zip")
    (root / "landing" / "clinical" / "ae.csv").write_text("USUBJID\n")
    (root / "landing" / "clinical" / "README.txt").write_text("Exports of the study.\n")
    seen = bring_up(root)
    assert not slipped(place) and hashes(root) == before
    assert [(s.check, s.severity.value) for s in seen.alert("clinical_export")] == [
        ("export_accepted", "ERROR")
    ]
    reasons = [q["reason"] for q in quarantined(root)]
    assert any(
        f"clinical/{SECOND.isoformat()}.zip" in r and "archives are not opened" in r
        for r in reasons
    )
    assert any("clinical/ae.csv" in r and "an export is a folder" in r for r in reasons)
    assert not any("README" in r for r in reasons)
    deliver(root, clinical(SECOND), SECOND.isoformat())
    (root / "landing" / "clinical" / f"{SECOND.isoformat()}.zip").unlink()
    (root / "landing" / "clinical" / "ae.csv").unlink()
    seen = bring_up(root)
    assert seen.status["export"] == SECOND.isoformat() and not seen.troubled
    assert not [s for s in seen.alert("clinical_export") if s.severity.value == "ERROR"]


@pytest.mark.parametrize(
    ("name", "make", "words"),
    [
        ("atlas.zip", zipped, "archives are not opened"),
        ("ctcae_v5.txt", lambda p: p.write_text("x\n"), "is neither ctcae_v5.csv"),
        ("labels.h5ad", lambda p: p.symlink_to("/etc/hostname"), "link"),
        ("ctcae v5.csv", lambda p: p.write_text("x\n"), "its name may hold only"),
    ],
)
def test_a_refused_reference_file_is_an_alert_until_it_is_gone(
    clinical_base: Path, place: Path, name: str, make: Callable[[Path], object], words: str
) -> None:
    root = copied(clinical_base, place / "home")
    home = Home.at(root)
    (root / "landing" / "reference").mkdir()
    make(root / "landing" / "reference" / name)
    (root / "landing" / "reference" / "README.md").write_text("Reference files.\n")
    before = hashes(root)
    seen = look(root)
    (signal,) = seen.alert("landing")
    assert (signal.check, signal.severity.value, signal.n_affected) == (
        "reference_files_taken",
        "ERROR",
        1,
    )
    assert "hcc status" in signal.what_to_do
    (told,) = seen.status["refused"]
    assert told.startswith(f"reference/{name}: ") and words in told
    view = view_of(root)
    assert [
        a["state"] for a in tell(home, view, make_plan(view))["open"] if a["asset"] == "landing"
    ] == ["new"]
    (root / "landing" / "reference" / name).unlink()
    view = view_of(root)
    assert not [a for a in tell(home, view, make_plan(view))["open"] if a["asset"] == "landing"]
    assert hashes(root) == before and not slipped(place)


def test_a_refresh_says_that_a_reference_file_is_not_used(clinical_base: Path, place: Path) -> None:
    root = copied(clinical_base, place / "home")
    zipped(root / "landing" / "reference" / "atlas.zip")
    seen = refresh(root)
    assert "archives are not opened" in seen.troubled[("landing", None)]


class _Asked(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Rights(ctypes.Structure):
    _fields_ = tuple((n, ctypes.c_uint32) for n in ("effective", "permitted", "inheritable"))


@contextmanager
def modes_count() -> Iterator[None]:
    """Work without the right of root to read what the mode of a file forbids (Linux: DAC_OVERRIDE
    and DAC_READ_SEARCH, capability(7)); another user could not start this interpreter where it
    lies in the home of root."""
    if os.geteuid() != 0:
        yield
        return
    libc, asked, rights = ctypes.CDLL(None, use_errno=True), _Asked(0x20080522, 0), (_Rights * 2)()
    assert libc.capget(ctypes.byref(asked), rights) == 0
    before = rights[0].effective
    rights[0].effective = before & ~0b110
    assert libc.capset(ctypes.byref(asked), rights) == 0
    try:
        yield
    finally:
        rights[0].effective = before
        assert libc.capset(ctypes.byref(asked), rights) == 0


@pytest.mark.parametrize("shut", ["ae.csv", "."], ids=["file", "folder"])
def test_an_unreadable_export_is_refused_and_told(
    clinical_base: Path, place: Path, shut: str
) -> None:
    root = copied(clinical_base, place / "home")
    before = hashes(root)
    target = deliver(root, clinical(SECOND), SECOND.isoformat()) / shut
    with modes_count():
        target.chmod(0)
        try:
            seen = attempt_all(root)
        finally:
            target.chmod(0o755)
        assert hashes(root) == before
        assert "cannot be read" in " ".join(q["reason"] for q in quarantined(root))
        assert [(s.check, s.severity.value) for s in seen.alert("clinical_export")] == [
            ("export_accepted", "ERROR")
        ]
        seen = attempt_all(root)
    assert seen.status["export"] == SECOND.isoformat(), "readable again, it is taken"


@pytest.mark.parametrize(
    "shut", ["standing/matrix.mtx.gz", "standing", "inner"], ids=["file", "folder", "parent"]
)
def test_an_unreadable_matrix_is_refused_and_told(
    sample_base: Path, place: Path, shut: str
) -> None:
    root = copied(sample_base, place / "home")
    before = hashes(root)
    matrices = root / "landing" / "matrices"
    write_mex(matrices / "inner" / "standing", toy(120))
    write_mex(matrices / "standing", toy(120))
    path = "matrices/inner/standing" if shut == "inner" else "matrices/standing"
    add_row(root, f"closed,B-1,pre,2025-01-02,{path},LIVER")
    with modes_count():
        (matrices / shut).chmod(0)
        try:
            seen = attempt_all(root)
        finally:
            (matrices / shut).chmod(0o755)
    assert "cannot be read" in seen.troubled[("raw_counts", "closed")]
    assert [a.severity.value for a in seen.alert("raw_counts", "closed")] == ["ERROR"]
    assert hashes(root)["cells.parquet"] == before["cells.parquet"]
