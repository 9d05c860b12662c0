"""``hcc verify``: is everything that the home holds what was written? A list of checks over a home,
none of which changes anything or needs Dagster; another kind of check is added to `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hcc_assets.home import objects
from hcc_assets.home.damage import CHANGED, Damage, damages_of
from hcc_assets.home.decisions import DECISIONS, is_readable
from hcc_assets.home.looking import CURRENT, HELD, copy_of
from hcc_assets.home.manifests import Held, Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import KEY_FILE, KeyDamaged, keys_folder
from hcc_assets.home.published import is_copy
from hcc_assets.home.versions import Versions
from hcc_assets.operate.trail_check import trail_problems

REFRESH = "run hcc refresh"


@dataclass(frozen=True)
class Finding:
    """One damage: path below the home, what is wrong with it, what to do."""

    file: str
    what: str
    todo: str

    def __str__(self) -> str:
        return f"{self.file} {self.what}: {self.todo}"


Check = Callable[[Home, bool], Iterable[Finding]]
"""Gets the home, and whether every byte is to be read."""


def nodes_there(home: Home) -> list[tuple[str, str | None]]:
    """Assets, with the keys of their samples, that the store has a folder of, sorted."""
    if not home.is_local:
        names = objects.listed(home.store)
        found = {n.removesuffix(f"/{CURRENT}") for n in names if n.endswith(f"/{CURRENT}")}
    else:
        store = Path(str(home.store))
        inside = [*store.glob("*/*/manifest.json"), *store.glob("*/*/*/manifest.json")]
        found = {p.parent.parent.relative_to(store).as_posix() for p in inside}
        pointers = [*store.glob(f"*/{CURRENT}"), *store.glob(f"*/*/{CURRENT}")]
        found |= {p.parent.relative_to(store).as_posix() for p in pointers}
    parts = (name.partition("/") for name in sorted(found))
    return [(asset, key or None) for asset, _, key in parts]


def versions_that_stand(home: Home, read_data: bool) -> Iterator[Finding]:
    """Manifests and files of what stands, and what says why something was refused."""
    versions = Versions(home)
    versions.glance()
    for asset, key in nodes_there(home):
        where = asset if key is None else f"{asset}@{key}"
        for damage in versions.damages(asset, key, every_byte=read_data):
            # on an object store a look at what stands does not find it again
            unseen = damage.what == CHANGED and not home.is_local
            yield Finding(
                damage.path, damage.what, f"{REFRESH} --force {where}" if unseen else REFRESH
            )
        held = versions.folder(asset, key) / HELD
        if held.exists() and Held.read(held.read_bytes()) is None:
            yield Finding(_path(asset, key, HELD), CHANGED, f"{REFRESH}, or delete it")


def _path(asset: str, key: str | None, file: str) -> str:
    return Damage(asset, key, file, "").path


def earlier_versions(home: Home, read_data: bool) -> Iterator[Finding]:
    """Files of versions that were replaced: only differences between versions are read there."""
    versions = Versions(home)
    todo = "nothing that stands rests on it; delete the folder of that earlier version"
    for asset, key in nodes_there(home):
        current = versions.current(asset, key)
        folder = versions.folder(asset, key)
        for name in versions.kept(asset, key):
            if current is not None and name == current.folder:
                continue
            manifest = copy_of(folder, name)
            if manifest is None:
                if (folder / name / "manifest.json").exists():
                    yield Finding(_path(asset, key, f"{name}/manifest.json"), CHANGED, todo)
                continue
            for damage in damages_of(folder, manifest, every_byte=read_data):
                yield Finding(damage.path, damage.what, todo)


def published_files(home: Home, read_data: bool) -> Iterator[Finding]:
    """Everything that a version publishes; of a name that several publish, one has to match."""
    versions = Versions(home)
    wanted: dict[str, list[tuple[Manifest, str]]] = {}
    for asset, key in nodes_there(home):
        manifest = versions.current(asset, key)
        if manifest is None:
            continue
        for name, file in manifest.published.items():
            wanted.setdefault(name, []).append((manifest, file))
    for name, sources in sorted(wanted.items()):
        path = home.published / name
        if not path.exists():
            yield Finding(f"published/{name}", "is missing", REFRESH)
        elif read_data and not any(is_copy(path, m, file) for m, file in sources):
            yield Finding(f"published/{name}", CHANGED, REFRESH)
        elif not read_data and not _has_a_size(path.stat().st_size, sources):
            yield Finding(f"published/{name}", "has another size than what was written", REFRESH)


def _has_a_size(size: int, sources: list[tuple[Manifest, str]]) -> bool:
    sizes = [m.sizes.get(f"{m.folder}/{file}", size) for m, file in sources]
    return size in sizes


def decisions(home: Home, _read_data: bool) -> Iterator[Finding]:
    """What people decided: whether it can be read."""
    for name in DECISIONS:
        path = home.store / name
        if path.exists() and not is_readable(path):
            todo = "put it back from a backup, or delete it and decide again"
            yield Finding(f"store/{name}", "cannot be read", todo)


def audit_trail(home: Home, read_data: bool) -> Iterator[Finding]:
    """The chain of the trail, and what stands without a line of it."""
    todo = "see docs/operator.md, audit and provenance"
    try:
        has_key = (keys_folder(home) / KEY_FILE).exists()
        problems = (
            trail_problems(home) if has_key else ["has no key that tells whether it is whole"]
        )
    except KeyDamaged:
        problems = ["has a key that was changed"]
    for problem in problems:
        yield Finding("audit/audit.jsonl", problem, todo)


CHECKS: list[tuple[str, Check]] = [
    ("versions that stand", versions_that_stand),
    ("earlier versions", earlier_versions),
    ("published files", published_files),
    ("decisions", decisions),
    ("audit trail", audit_trail),
]
"""What `verify` does, in this order, each with its title."""


def verify(home: Home, *, read_data: bool = False) -> dict[str, list[Finding]]:
    """Findings by the title of each check; a check that itself cannot read its files says so.

    Parameters
    ----------
    read_data
        Compare every byte with its hash; else existence, size, seals, and what was written after
        its manifest.
    """
    found: dict[str, list[Finding]] = {}
    for title, check in CHECKS:
        found[title] = []
        try:
            found[title] += check(home, read_data)
        except OSError as error:
            where = Path(str(error.filename or home.root)).name
            found[title].append(Finding(where, "cannot be read", "look at the disk and its rights"))
    return found
