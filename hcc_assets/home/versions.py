"""Versions of every asset: manifests, bundles of files, what is current, what was held.

``store/<asset>[/<key>]/current.json`` is the commit point: it names the files of the version that
stands, with their hashes, and everything that went into it. ``held.json`` beside it tells of the
newest attempt that was refused, and why. Which asset is stale is computed in ``assets.plan``.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from upath import UPath

from hcc_assets.home import files, leases, objects
from hcc_assets.home.looking import CURRENT, HELD, MANIFEST, Looking, is_version
from hcc_assets.home.manifests import Held, Manifest
from hcc_assets.home.paths import is_local
from hcc_assets.home.stored import Stored

if TYPE_CHECKING:
    from anndata import AnnData

KEEP_VERSIONS = 5
"""Earlier versions of a table that stay in the store; of a sample's cells one stays."""


class Versions(Looking):
    """Manifests and version files of one home: looking (`home.looking`), reading, committing."""

    def commit(
        self,
        manifest: Manifest,
        *,
        seen: str,
        keep: int = KEEP_VERSIONS,
        fence: files.Fence = lambda: None,
    ) -> None:
        """Make a manifest the current one if the one that stands is still the one that was seen.

        This is the only way in which writers keep apart, on a disk and on an object store. The
        hold stays until the version is published (`unfinished`).

        Parameters
        ----------
        seen
            `tag` from before the inputs were read.
        keep
            Earlier versions that stay.
        fence
            Called just before; raises when the run that computed this was given up.

        Raises
        ------
        objects.Overtaken
            Another writer came between.
        """
        folder = self.folder(manifest.asset, manifest.partition)
        content = manifest.content()
        fence()
        self._swap(folder / CURRENT, content, seen)
        # after it: a copy without the manifest that stands means that this was lost
        self.copy(manifest)
        self._noted.pop((manifest.asset, manifest.partition), None)
        self.look_anew()
        spared = {manifest.folder, manifest.previous}
        if not is_local(folder):
            objects.remove_old(folder, lambda name: is_version(Path(name)), spared, keep)
            return
        here = Path(str(folder))
        kept = sorted((p for p in here.iterdir() if is_version(p)), key=lambda p: p.stat().st_mtime)
        old = [p for p in kept if p.name not in spared][: max(0, len(kept) - keep - 1)]
        for path in old:
            shutil.rmtree(path, ignore_errors=True)

    def _swap(self, pointer: UPath, content: bytes, seen: str) -> None:
        if not is_local(pointer):
            files.write_bytes(pointer, content, seen=seen)
            return
        self.home.locks.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(str(pointer).encode()).hexdigest()[:20]
        with leases.hold(self.home.locks / f"{name}.lock") as lock:
            if objects.content_tag(pointer) != seen:
                raise objects.Overtaken(f"{pointer.parent.name} was replaced in the meantime")
            files.write_bytes(pointer, content, fence=lock.check)

    def hold(self, asset: str, partition: str | None, held: Held) -> None:
        files.write_bytes(self.folder(asset, partition) / HELD, held.content())
        self.look_anew()

    def clear_hold(self, asset: str, partition: str | None) -> None:
        path = self.folder(asset, partition) / HELD
        if is_local(path):
            path.unlink(missing_ok=True)
        else:
            objects.remove(path)

    def restore(self, manifest: Manifest) -> None:
        """Write a manifest that was found again by its copy, and its copy where that is damaged.

        Raises
        ------
        objects.Overtaken
            Another writer came between.
        """
        folder = self.folder(manifest.asset, manifest.partition)
        seen = self.tag(manifest.asset, manifest.partition)
        content = manifest.content()
        self._swap(folder / CURRENT, content, seen)
        self.copy(manifest)
        self.look_anew()

    def copy(self, manifest: Manifest) -> None:
        """Write the copy of a manifest beside the files of its version."""
        folder = self.folder(manifest.asset, manifest.partition)
        files.write_bytes(folder / manifest.folder / MANIFEST, manifest.content())

    def drop(self, manifest: Manifest) -> None:
        """Remove the files of a version that no longer stands."""
        folder = self.folder(manifest.asset, manifest.partition) / manifest.folder
        if is_local(folder):
            shutil.rmtree(str(folder), ignore_errors=True)
            return
        for name in objects.listed(folder):
            objects.remove(folder / name)

    def stored(self, manifest: Manifest) -> Stored:
        """What a version holds; every byte is compared with its hash when it is read."""
        return Stored(self.folder(manifest.asset, manifest.partition), manifest)

    def _chosen(self, asset: str, partition: str | None, version: str | None) -> Stored:
        if version is None:
            return self.stored(self.require(asset, partition))
        found = self.manifest(asset, partition, version)
        if found is None:
            raise LookupError(f"the version {version} of {asset} is no longer kept")
        return self.stored(found)

    def frame(
        self, asset: str, name: str, partition: str | None = None, version: str | None = None
    ) -> pd.DataFrame:
        """A frame of the version that stands (or of the folder ``version``)."""
        return self._chosen(asset, partition, version).frame(name)

    def cells(self, asset: str, name: str, partition: str | None = None) -> AnnData:
        return self._chosen(asset, partition, None).cells(name)

    def blob(
        self, asset: str, name: str, partition: str | None = None, version: str | None = None
    ) -> bytes:
        return self._chosen(asset, partition, version).blob(name)

    def facts(
        self, asset: str, partition: str | None = None, version: str | None = None
    ) -> Mapping[str, Any]:
        return self._chosen(asset, partition, version).facts

    def require(self, asset: str, partition: str | None = None) -> Manifest:
        """The manifest that stands.

        Raises
        ------
        LookupError
            The asset has no version yet.
        """
        manifest = self.current(asset, partition)
        if manifest is None:
            raise LookupError(
                f"{asset}{f' of {partition}' if partition else ''} has no version yet; run "
                "hcc refresh"
            )
        return manifest
