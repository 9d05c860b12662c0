"""Versions of every asset: manifests, bundles of files, what is current, what was held.

``store/<asset>[/<key>]/current.json`` is the commit point: it names the files of the version that
stands, with their hashes, and everything that went into it. ``held.json`` beside it tells of the
newest attempt that was refused, and why. Which asset is stale is computed in ``assets.plan``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from upath import UPath

from hcc_assets.home import files, leases, objects
from hcc_assets.home.manifests import Bundle, Held, Manifest, Written, cells_digest, digest, encoded
from hcc_assets.home.paths import Home, is_local

if TYPE_CHECKING:
    from anndata import AnnData

CURRENT, HELD, MANIFEST = "current.json", "held.json", "manifest.json"

KEEP_VERSIONS = 5
"""Earlier versions of a table that stay in the store; of a sample's cells one stays."""


class Versions:
    """Manifests and version files of one home.

    Each question looks at the store anew, or, after `glance`, at what it held at that moment.
    """

    def __init__(self, home: Home):
        self.home = home
        self._seen: dict[str, Any] | None = None
        self._listings: dict[str, tuple[dict[str, objects.Listed], dict[str, bytes]]] = {}

    def glance(self) -> None:
        """From now on answer from one look: a manifest is read once, and on an object store one
        listing per asset tells which there are."""
        self._seen, self._listings = {}, {}

    def look_anew(self) -> None:
        """End of a `glance`."""
        self._seen, self._listings = None, {}

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
            try:
                found = Manifest.model_validate_json((base / name / MANIFEST).read_bytes())
            except (FileNotFoundError, NotADirectoryError):
                continue
            if version in (found.data_version, found.folder):
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
        try:
            if self._seen is None or self.home.is_local:
                found = model.model_validate_json(
                    (self.folder(asset, partition) / name).read_bytes()
                )
            else:
                found = model.model_validate_json(
                    self._listed(asset)[1][name if partition is None else f"{partition}/{name}"]
                )
        except (FileNotFoundError, KeyError):
            found = None
        if self._seen is not None:
            self._seen[key] = found
        return found

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

    def write_bundle(self, asset: str, partition: str | None, bundle: Bundle) -> Written:
        """Write the files of a version beside the one that stands; nothing reads them yet."""
        payloads = encoded(bundle)
        read = {name: hashlib.sha256(data).hexdigest() for name, data in payloads.items()}
        read |= {f"{name}.h5ad": cells_digest(adata) for name, adata in bundle.cells.items()}
        extras = {name: hashlib.sha256(data).hexdigest() for name, data in bundle.extras.items()}
        version = digest(read | extras)
        folder = self.folder(asset, partition) / version
        for name, data in (payloads | bundle.extras).items():
            files.write_bytes(folder / name, data)
        for name, adata in bundle.cells.items():
            files.write_h5ad(adata, folder / f"{name}.h5ad")
        hashes = sorted((read | extras).items())
        return Written(digest(read), version, {f"{version}/{n}": sha for n, sha in hashes})

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
        content = manifest.model_dump_json(indent=1).encode()
        files.write_bytes(folder / manifest.folder / MANIFEST, content)
        fence()
        self._swap(folder / CURRENT, content, seen)
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
        files.write_bytes(
            self.folder(asset, partition) / HELD, held.model_dump_json(indent=1).encode()
        )
        self.look_anew()

    def clear_hold(self, asset: str, partition: str | None) -> None:
        path = self.folder(asset, partition) / HELD
        if is_local(path):
            path.unlink(missing_ok=True)
        else:
            objects.remove(path)

    def path(
        self, asset: str, name: str, partition: str | None = None, version: str | None = None
    ) -> UPath:
        """A file of the version that stands (or of the folder ``version``)."""
        chosen = version or self.require(asset, partition).folder
        return self.folder(asset, partition) / chosen / name

    def frame(
        self, asset: str, name: str, partition: str | None = None, version: str | None = None
    ) -> pd.DataFrame:
        """A frame of the version that stands (or of the folder ``version``)."""
        return files.read_frame(self.path(asset, f"{name}.parquet", partition, version))

    def cells(self, asset: str, name: str, partition: str | None = None) -> AnnData:
        return files.read_h5ad(self.path(asset, f"{name}.h5ad", partition))

    def blob(
        self, asset: str, name: str, partition: str | None = None, version: str | None = None
    ) -> bytes:
        data: bytes = self.path(asset, name, partition, version).read_bytes()
        return data

    def facts(
        self, asset: str, partition: str | None = None, version: str | None = None
    ) -> Mapping[str, Any]:
        try:
            found: Mapping[str, Any] = json.loads(
                self.path(asset, "facts.json", partition, version).read_bytes()
            )
        except FileNotFoundError:
            return {}
        return found

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


def unfinished(current: Manifest | None, held: Held | None) -> bool:
    """True where a run made its version the current one and was ended, or failed, before that was
    published and told."""
    if current is None or held is None or held.code not in ("ended", "error"):
        return False
    return (held.run_id, held.fingerprint) == (current.run_id, current.fingerprint)


def is_version(path: Path | UPath) -> bool:
    """True for the folder of a version, which is named after its content."""
    return len(path.name) == 20 and all(c in "0123456789abcdef" for c in path.name)
