"""``published/``: copies of files of the versions that stand. Publishing is copying, and so is
putting back what was deleted or changed there from outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from upath import UPath

from hcc_assets.home import files, objects
from hcc_assets.home.damage import Damage, Damaged
from hcc_assets.home.manifests import Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.versions import Versions


def promote(versions: Versions, manifest: Manifest, later: Iterable[Manifest] = ()) -> None:
    """Copy what a version publishes.

    Parameters
    ----------
    later
        Versions whose files of the same names stay: those of the subject's later samples.
    """
    theirs = {name for other in later for name in other.published}
    for name, file in sorted(manifest.published.items()):
        if name not in theirs:
            _copy(versions, manifest, file, versions.home.published / name)


def _copy(versions: Versions, manifest: Manifest, file: str, target: UPath) -> None:
    files.write_bytes(target, versions.stored(manifest).blob(file))


def expected(manifests: Iterable[Manifest]) -> dict[str, tuple[Manifest, str]]:
    """Path below ``published/`` to the version that it comes from and the file of it.

    Parameters
    ----------
    manifests
        What stands; of one name the last counts.
    """
    return {name: (m, file) for m in manifests for name, file in m.published.items()}


def damaged(versions: Versions, manifests: Iterable[Manifest]) -> list[str]:
    """Published files that are gone or not what the version that stands holds, sorted."""
    found = []
    for name, (manifest, file) in expected(manifests).items():
        if not is_copy(versions.home.published / name, manifest, file):
            found.append(name)
    return sorted(found)


def is_copy(path: UPath, manifest: Manifest, file: str) -> bool:
    """True when a published file is there and has the bytes of a file of the version."""
    try:
        return files.sha256_file(path) == manifest.sha(file)
    except OSError:
        return False


def put_back(versions: Versions, manifests: Iterable[Manifest]) -> list[str]:
    """Copy damaged published files once more; returns their names. One whose stored file is
    damaged too waits until that is healed."""
    there = expected(list(manifests))
    names = []
    for name in damaged(versions, [m for m, _ in there.values()]):
        manifest, file = there[name]
        try:
            _copy(versions, manifest, file, versions.home.published / name)
        except Damaged:
            continue
        names.append(name)
    return names


def taken_back(versions: Versions, manifest: Manifest, damages: Iterable[Damage]) -> list[str]:
    """Write damaged files of a version anew from what is published of them, where that is whole:
    it is the same file. Returns their paths below the folder of the asset."""
    copies = {f"{manifest.folder}/{file}": name for name, file in manifest.published.items()}
    folder = versions.folder(manifest.asset, manifest.partition)
    found = []
    for damage in damages:
        name = copies.get(damage.file, "")
        path = versions.home.published / name
        if not name or not is_copy(path, manifest, manifest.published[name]):
            continue
        files.write_bytes(folder / damage.file, path.read_bytes())
        found.append(damage.file)
    return found


SWEPT = ("figures", "queries")
"""Folders below ``published/`` in which nobody but a version lays files."""


def figures_there(home: Home) -> list[str]:
    """Paths below ``published/`` of the figures and letters that lie there."""
    return [f"{folder}/{name}" for folder in SWEPT for name in _names(home, folder)]


def _names(home: Home, folder: str) -> list[str]:
    place = home.published / folder
    if not home.is_local:
        return sorted(objects.listed(place))
    there = Path(str(place))
    names = sorted(p.name for p in there.iterdir()) if there.exists() else []
    return [name for name in names if not name.startswith(files.TEMPORARY)]


def sweep_figures(home: Home, there: Iterable[str], manifests: Iterable[Manifest]) -> list[str]:
    """Remove figures and letters that no version publishes: of a subject that was erased or
    withdrawn, of a class that is no longer drawn, of a site that is gone. Tables are left alone,
    since stock assets lay theirs beside.

    Parameters
    ----------
    there
        `figures_there` from before the manifests were read: what a run publishes meanwhile has
        its manifest by then.
    manifests
        What stands.

    Returns
    -------
    list of str
        Paths below ``published/`` that were removed.
    """
    kept = expected(manifests)
    gone = [name for name in there if name not in kept]
    for name in gone:
        path = home.published / name
        if home.is_local:
            Path(str(path)).unlink(missing_ok=True)
        else:
            objects.remove(path)
    return gone
