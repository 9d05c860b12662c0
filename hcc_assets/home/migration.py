"""A home of version 0.1 made one of today: ids become keys in folders, manifests and holds of the
store and in the quarantine; published files become part of the versions that they come from.

Nothing is computed and no delivery is touched. Everything is stale afterwards, since the code
changed, and stays readable until the next refresh replaces it; a frozen reference stays frozen.
Dagster's history and the open alerts of 0.1 name samples: they are put away, the history is filled
again from manifests (`operate.history`), and alerts are raised again.

``store/layout.json`` says that it has begun, and what there was to do, before anything is moved. A
migration that was cut off is gone through again from the start: each step finds what is done.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from upath import UPath

from hcc_assets.home import files, leases, objects
from hcc_assets.home.landing.sample_sheet import SampleRow, read_sample_sheet
from hcc_assets.home.looking import CURRENT, HELD, MANIFEST, is_version
from hcc_assets.home.old_records import in_keys, of_01, rename
from hcc_assets.home.paths import Home, is_local
from hcc_assets.home.people.consent import tombstones_of
from hcc_assets.home.people.register import People, read_people, register

LAYOUT, UNDER_WAY = 2, 1
"""Of the store, in ``store/layout.json``. Version 0.1 had no such file; 1 is a store between the
two, whose migration was begun."""

HISTORY = ("history", "schedules", "storage", "leases", "heartbeats", "alerts.db", "manifests.db")
"""What 0.1 kept below ``DAGSTER_HOME`` under the names of samples."""


def migrate(home: Home, settle: Callable[[Mapping[str, int]], None] = lambda _: None) -> bool:
    """Bring the layout of a home up to date, once; a home of today is only looked at.

    Parameters
    ----------
    settle
        Called with numbers of what was changed (samples, manifests), before the layout is said to
        be that of today; called again when it was cut off.

    Returns
    -------
    bool
        Whether it was a home of 0.1.
    """
    if _layout(home).get("layout") == LAYOUT or not home.store.exists():
        return False
    home.dagster_home.mkdir(parents=True, exist_ok=True)
    with leases.hold(home.dagster_home / "migration.lock", beats=True):
        begun = _layout(home)
        if begun.get("layout") == LAYOUT:
            return False
        work = _Migration(home)
        if not begun and not work.old:
            if work.names:
                _write_layout(home, {"layout": LAYOUT})
            return False
        if not begun:
            begun = {"layout": UNDER_WAY, "samples": len(work.samples), "manifests": len(work.old)}
            _write_layout(home, begun)
        work.run()
        settle({name: number for name, number in begun.items() if name != "layout"})
        _write_layout(home, {"layout": LAYOUT})
        return True


def is_of_01(home: Home) -> bool:
    """True for a home of version 0.1, also while it is migrated: whoever read it then would find
    no sample that was ever worked on."""
    layout = _layout(home).get("layout")
    if layout is not None:
        return layout != LAYOUT
    if home.people_json.exists() or not home.store.exists():
        return False
    return bool(_Migration(home).old)


class OldHome(Exception):
    """A home of 0.1 that was not migrated yet, in one sentence for the operator."""


def require_today(home: Home) -> Home:
    """The home, when it is one of today: for whoever does not migrate it.

    Raises
    ------
    OldHome
        It is one of 0.1, or is being migrated.
    """
    if is_of_01(home):
        raise OldHome(
            f"{home.root} was made by version 0.1 and is not yet, or just being, brought up to "
            "date; hcc refresh does that. What is published stays as it is until then"
        )
    return home


def _layout(home: Home) -> dict[str, int]:
    try:
        found: dict[str, int] = json.loads((home.store / "layout.json").read_bytes())
    except FileNotFoundError:
        return {}
    return found


def _write_layout(home: Home, content: Mapping[str, int]) -> None:
    files.write_bytes(home.store / "layout.json", json.dumps(content).encode())


class _Migration:
    """The store as it is found, and what is to be done."""

    def __init__(self, home: Home):
        self.home = home
        self.names = _files(home.store)

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """Manifests and holds by their path below the store."""
        names = (n for n in self.names if n.rpartition("/")[2] in (CURRENT, HELD, MANIFEST))
        return {name: json.loads((self.home.store / name).read_bytes()) for name in names}

    @cached_property
    def old(self) -> dict[str, dict[str, Any]]:
        """Those of 0.1, and those that still lie in the folder of a sample id."""
        return {
            name: data
            for name, data in self.records.items()
            if of_01(name, data) or set(name.split("/")[1:-1]) & self.samples
        }

    @cached_property
    def samples(self) -> set[str]:
        """Sample ids that folders may be named after."""
        known = {e.sample for e in read_people(self.home).entries if e.sample}
        old = (name.split("/") for name, data in self.records.items() if of_01(name, data))
        folders = {parts[1] for parts in old if len(parts) == 3 and parts[2] != MANIFEST}
        return known | folders | {row.sample_id for row in self.rows}

    @cached_property
    def rows(self) -> list[SampleRow]:
        """Rows behind the version of ``samples`` that stands, and of the sheet as it lies."""
        found: list[SampleRow] = []
        table = self._standing("samples", "facts.json")
        if table is not None:
            found = [SampleRow(**row) for row in json.loads(table.read_bytes()).get("rows", [])]
        if self.home.samples_csv.exists():
            sheet = read_sample_sheet(self.home.samples_csv.read_bytes(), self.home.config())
            found += sheet.rows.values()
        names = {name for row in found for name in (row.sample_id, row.subject_id)}
        gone = tombstones_of(self.home).refused(names)
        return [row for row in found if not gone & {row.sample_id, row.subject_id}]

    def _standing(self, asset: str, file: str) -> UPath | None:
        folder = self.home.store / asset
        try:
            manifest = json.loads((folder / CURRENT).read_bytes())
        except FileNotFoundError:
            return None
        path = folder / (manifest.get("version") or manifest["data_version"]) / file
        return path if path.exists() else None

    def run(self) -> None:
        """Do what is left to be done."""
        people, keys = self._registered()
        for name, data in self.old.items():
            path = self.home.store / name
            fresh = self._record(path, name, data, people, keys)
            files.write_bytes(path, json.dumps(fresh, indent=1, ensure_ascii=False).encode())
        for place in (self.home.store, self.home.quarantine):
            for asset, sample in sorted(_children(_files(place))):
                if sample in keys and not is_version(Path(sample)):
                    _move(place / asset / sample, place / asset / keys[sample])
        for name in (n for n in _files(self.home.quarantine) if n.endswith("reason.json")):
            rename(self.home.quarantine / name, people, keys)
        for name in {"acceptances.json"} & set(self.names):
            rename(self.home.store / name, people, keys)
        _put_away(self.home)

    def _registered(self) -> tuple[People, dict[str, str]]:
        """Everybody with a key; a sample that no row is known of is a subject of its own."""
        table, subjects = self._standing("subjects", "table.parquet"), []
        if table is not None:
            subjects = [str(s) for s in files.read_parquet(table)["USUBJID"]]
        rows = {row.sample_id: row for row in self.rows}
        for sample in sorted(self.samples - set(rows) - read_people(self.home).names):
            alone = SampleRow(sample, sample, timepoint="", collection_date=None, path="")
            rows.setdefault(sample, alone)
        people = register(self.home, rows.values(), subjects)
        known = {e.sample: e.key for e in people.entries if e.sample}
        return people, known | {sample: people.key(row) for sample, row in rows.items()}

    def _record(
        self,
        path: UPath,
        name: str,
        data: dict[str, Any],
        people: People,
        keys: Mapping[str, str],
    ) -> dict[str, Any]:
        """A manifest or a hold as it is written today."""
        published: dict[str, str] = {}
        if name.endswith(CURRENT) and "version" not in data:
            published = self._published(path.parent, data)
        fresh = in_keys(data, people, keys)
        if name.endswith(HELD):
            return {**fresh, "frames": fresh.get("frames", [])}
        # file names of what is published are as they were: ids stand there
        fresh |= {"files": data["files"], "published": data.get("published", published)}
        fresh.pop("config_hash", None)
        fresh.pop("figures", None)
        return {**fresh, "version": data.get("version", data["data_version"])}

    def _published(self, folder: UPath, data: dict[str, Any]) -> dict[str, str]:
        """Copy what is published of a version into its folder, and name it there."""
        asset, version = data["asset"], data["data_version"]
        known = {n.partition("/")[2] for n in data["files"]}
        pairs = {n: n for n in known if n.endswith(".html")}
        if "table.parquet" in known:
            pairs |= {f"{asset}.parquet": "table.parquet", f"{asset}.csv": "table.csv"}
        figures = [f"figures/{f}.{kind}" for f in data["figures"] for kind in ("png", "svg")]
        pairs |= dict(zip(figures, figures, strict=True))
        found = {}
        for name, file in pairs.items():
            source = self.home.published / name
            if not source.exists():
                continue
            content = source.read_bytes()
            if file not in known:
                files.write_bytes(folder / version / file, content)
                data["files"][f"{version}/{file}"] = hashlib.sha256(content).hexdigest()
            found[name] = file
        return found


def _files(folder: UPath) -> list[str]:
    """Paths of all files below a folder."""
    if not is_local(folder):
        return sorted(objects.listed(folder))
    base = Path(str(folder))
    return sorted(p.relative_to(base).as_posix() for p in base.rglob("*") if p.is_file())


def _children(names: Iterable[str]) -> set[tuple[str, str]]:
    parts = (name.split("/") for name in names)
    return {(p[0], p[1]) for p in parts if len(p) > 2}


def _move(source: UPath, target: UPath) -> None:
    if is_local(source):
        Path(str(source)).rename(str(target))
        return
    for name in objects.listed(source):
        source.fs.cp_file((source / name).path, (target / name).path)
    source.fs.rm(source.path, recursive=True)


def _put_away(home: Home) -> None:
    """Remove what names samples below ``DAGSTER_HOME``, and the index of published files."""
    folder = home.dagster_home
    for name in HISTORY:
        shutil.rmtree(folder / name, ignore_errors=True)
        for file in (p for p in folder.glob(f"{name}*") if p.is_file()):
            file.unlink()
    for lock in home.locks.glob("*@*.lock"):
        lock.unlink()
    index = home.store / "published_index.json"
    if index.exists():
        index.unlink()
