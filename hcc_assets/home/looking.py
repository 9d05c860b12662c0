"""Looking at the store: which version of an asset stands, what was refused, what is damaged.
Nothing is written here; that is in `versions`.

What cannot be read, or whose seal is broken, is not there. A manifest that was lost that way is
found again by its copy beside the files of its version.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from upath import UPath

from hcc_assets.home import objects
from hcc_assets.home.damage import CHANGED, MISSING, Damage, damages_of, stat_of
from hcc_assets.home.manifests import Held, Manifest
from hcc_assets.home.paths import Home, is_local

CURRENT, HELD, MANIFEST = "current.json", "held.json", "manifest.json"


COPIED_WITHIN_S = 60.0
"""Between a manifest and its copy, two small writes: own choice, what no disk takes."""


class Looking:
    """Manifests and holds of one home.

    Each question looks at the store anew, or, after `glance`, at what it held at that moment.
    """

    def __init__(self, home: Home):
        self.home = home
        self._seen: dict[str, Any] | None = None
        self._spoilt: dict[tuple[str, str | None], Damage] = {}
        self._listings: dict[str, tuple[dict[str, objects.Listed], dict[str, bytes]]] = {}
        self._noted: dict[tuple[str, str | None], Damage] = {}

    def note(self, damage: Damage) -> None:
        """Let `damages` tell also of what was found when it was read."""
        self._noted[damage.node] = damage
        if self._seen is not None:
            self._seen.pop(f"{damage.asset}/{damage.partition or ''}//damages", None)

    def forget_noted(self, asset: str, partition: str | None, files: Collection[str]) -> None:
        """These files were put back."""
        noted = self._noted.get((asset, partition))
        if noted is not None and noted.file in files:
            del self._noted[asset, partition]

    @property
    def noted(self) -> tuple[tuple[str, str | None], ...]:
        """Versions of which `note` was told."""
        return tuple(self._noted)

    def glance(self) -> None:
        """From now on answer from one look: a manifest is read once, and on an object store one
        listing per asset tells which there are."""
        self._seen, self._listings, self._spoilt = {}, {}, {}

    def look_anew(self) -> None:
        """End of a `glance`."""
        self._seen, self._listings, self._spoilt = None, {}, {}

    def _listed(self, asset: str) -> tuple[dict[str, objects.Listed], dict[str, bytes]]:
        """Objects of an asset on an object store, and the contents of its manifests and holds."""
        if asset not in self._listings:
            folder = self.folder(asset)
            found = objects.listed(folder)
            small = {n: o.tag for n, o in found.items() if n.rpartition("/")[2] in (CURRENT, HELD)}
            self._listings[asset] = (
                found,
                objects.SmallObjects(self.home.dagster_home / "manifests.db").read(folder, small),
            )
        return self._listings[asset]

    def folder(self, asset: str, partition: str | None = None) -> UPath:
        base = self.home.store / asset
        return base / partition if partition is not None else base

    def current(self, asset: str, partition: str | None = None) -> Manifest | None:
        """The manifest that stands, or None."""
        return self._read(asset, partition, CURRENT, Manifest)

    def manifest(self, asset: str, partition: str | None, version: str) -> Manifest | None:
        """The manifest of a version (its data version or folder), whether it stands or not; None
        when it is no longer kept."""
        current = self.current(asset, partition)
        if current is not None and version in (current.data_version, current.folder):
            return current
        base = self.folder(asset, partition)
        for name in dict.fromkeys([version, *self.kept(asset, partition)]):
            found = copy_of(base, name)
            if found is not None and version in (found.data_version, found.folder):
                return found
        return None

    def kept(self, asset: str, partition: str | None = None) -> list[str]:
        """Folders of the versions in the store, the one that stands among them, sorted."""
        base = self.folder(asset, partition)
        if not is_local(base):
            return sorted({n.partition("/")[0] for n in objects.listed(base)})
        return sorted(p.name for p in base.iterdir() if is_version(p)) if base.exists() else []

    def held(self, asset: str, partition: str | None = None) -> Held | None:
        return self._read(asset, partition, HELD, Held)

    def _read(self, asset: str, partition: str | None, name: str, model: type[Any]) -> Any:
        key = f"{asset}/{partition or ''}/{name}"
        if self._seen is not None and key in self._seen:
            return self._seen[key]
        content = self._content(asset, partition, name)
        found = model.read(content) if content is not None else None
        if name == CURRENT:
            self._spoilt.pop((asset, partition), None)
            if found is None:
                found = self._found_again(asset, partition, gone=content is None)
        if self._seen is not None:
            self._seen[key] = found
        return found

    def _content(self, asset: str, partition: str | None, name: str) -> bytes | None:
        try:
            if self._seen is None or self.home.is_local:
                found: bytes = (self.folder(asset, partition) / name).read_bytes()
                return found
            return self._listed(asset)[1][name if partition is None else f"{partition}/{name}"]
        except (FileNotFoundError, NotADirectoryError, KeyError):
            return None

    def _found_again(self, asset: str, partition: str | None, *, gone: bool) -> Manifest | None:
        """What stood, where its manifest is damaged or gone: the newest copy beside the files of a
        version. A copy that a run was about to make the current one does not count."""
        base = self.folder(asset, partition)
        if gone and not (self.home.is_local and base.exists()):
            return None
        copies = (copy_of(base, name) for name in self.kept(asset, partition))
        newest = max((m for m in copies if m is not None), key=lambda m: m.at, default=None)
        if newest is not None and unfinished(newest, self.held(asset, partition)):
            newest = None
        if newest is not None or not gone:
            what = MISSING if gone else CHANGED
            self._spoilt[asset, partition] = Damage(asset, partition, CURRENT, what)
        return newest

    def damages(
        self, asset: str, partition: str | None = None, *, every_byte: bool = False
    ) -> tuple[Damage, ...]:
        """What is wrong with the version that stands.

        Parameters
        ----------
        every_byte
            Compare the content of every file; else only of those that were written after their
            manifest, and of the others existence and size.
        """
        key = f"{asset}/{partition or ''}//damages"
        if self._seen is not None and key in self._seen and not every_byte:
            return tuple(self._seen[key])
        manifest = self.current(asset, partition)
        found = [d for d in [self._spoilt.get((asset, partition))] if d is not None]
        if manifest is not None:
            folder = self.folder(asset, partition)
            there = self._there(asset, partition)
            found += damages_of(folder, manifest, every_byte=every_byte, there=there)
            noted = self._noted.get((asset, partition))
            if noted is not None and noted.file.partition("/")[0] == manifest.folder:
                found += [] if any(d.file == noted.file for d in found) else [noted]
            if not found and not self._copied(folder, manifest, every_byte):
                copy = f"{manifest.folder}/{MANIFEST}"
                found.append(Damage(asset, partition, copy, CHANGED))
        if self._seen is not None:
            self._seen[key] = tuple(found)
        return tuple(found)

    def _there(self, asset: str, partition: str | None) -> dict[str, objects.Listed] | None:
        """Objects of a version on an object store, after a `glance`."""
        if self.home.is_local or self._seen is None:
            return None
        prefix = "" if partition is None else f"{partition}/"
        listing = self._listed(asset)[0].items()
        return {n[len(prefix) :]: o for n, o in listing if n.startswith(prefix)}

    def _copied(self, folder: UPath, manifest: Manifest, every_byte: bool) -> bool:
        """Whether the copy of the manifest beside the files of the version is what stands. Both are
        written at once, the copy last: unless every byte is asked for, a look at sizes tells, and
        at times where one was touched later."""
        if not manifest.sealed:
            return True
        copy = folder / manifest.folder / MANIFEST
        if is_local(folder):
            mine, other = stat_of(folder / CURRENT), stat_of(copy)
            if mine is None or time.time() - mine.st_mtime < COPIED_WITHIN_S:
                return True
            apart = abs(other.st_mtime - mine.st_mtime) if other is not None else 0.0
            same = other is not None and other.st_size == mine.st_size
            if same and apart < COPIED_WITHIN_S and not every_byte:
                return True
        elif not every_byte:
            return True
        try:
            return bool(copy.read_bytes() == (folder / CURRENT).read_bytes())
        except OSError:
            return False

    def tag(self, asset: str, partition: str | None = None) -> str:
        """Of the manifest that `commit` is to replace; to be asked for before it is read."""
        path = self.folder(asset, partition) / CURRENT
        if self.home.is_local:
            return objects.content_tag(path)
        if self._seen is None:
            return objects.tag_of(path)
        found = self._listed(asset)[0].get(
            CURRENT if partition is None else f"{partition}/{CURRENT}"
        )
        return found.tag if found else objects.ABSENT

    def partitions(self, asset: str) -> list[str]:
        """Partitions of ``asset`` that have a version, sorted."""
        key = f"{asset}//partitions"
        if self._seen is not None and key in self._seen:
            return list(self._seen[key])
        base = self.folder(asset)
        if not self.home.is_local:
            names = self._listed(asset)[0] if self._seen is not None else objects.listed(base)
            found = sorted(
                n.partition("/")[0]
                for n in names
                if n.count("/") == 1 and n.endswith("/current.json")
            )
        else:
            found = (
                sorted(p.name for p in base.iterdir() if (p / CURRENT).exists())
                if base.exists()
                else []
            )
        if self._seen is not None:
            self._seen[key] = found
        return list(found)


def unfinished(current: Manifest | None, held: Held | None) -> bool:
    """True where a run made its version the current one and was ended, or failed, before that was
    published and told."""
    if current is None or held is None or held.code not in ("ended", "error"):
        return False
    return (held.run_id, held.fingerprint) == (current.run_id, current.fingerprint)


def copy_of(base: UPath, folder: str) -> Manifest | None:
    """The manifest beside the files of a version; None where there is none, or it is damaged."""
    try:
        return Manifest.read((base / folder / MANIFEST).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_version(path: Path | UPath) -> bool:
    """True for the folder of a version, which is named after its content."""
    return len(path.name) == 20 and all(c in "0123456789abcdef" for c in path.name)
