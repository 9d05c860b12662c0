"""Versions of every asset: manifests, bundles of files, what is current, what was held. Which asset is stale is computed in ``platform.plan``.

``store/<asset>[/<partition>]/current.json`` is the commit point: it names the files of the version that stands, with their hashes, and everything that
went into it. ``held.json`` beside it tells of the newest attempt that was refused, and why.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import BaseModel
from upath import UPath

from hcc_assets.home import files as stores
from hcc_assets.home import objects as object_store
from hcc_assets.home.paths import Home, is_local

if TYPE_CHECKING:
    from anndata import AnnData

KEEP_VERSIONS = 5
"""Earlier versions of a table that stay in the store; of a sample's cells one stays."""


class CheckRecord(BaseModel):
    """One judged check as it was written into the manifest."""

    name: str
    passed: bool
    severity: str = "ERROR"
    description: str = ""
    affected: int = 0


class Manifest(BaseModel):
    """What stands for an asset (and partition), and everything that went into it."""

    asset: str
    partition: str | None = None
    data_version: str
    fingerprint: str
    code_version: str
    config_hash: str = ""
    lock_hash: str = ""
    inputs: dict[str, str] = {}
    deliveries: dict[str, str] = {}
    files: dict[str, str] = {}
    figures: list[str] = []
    rows: int | None = None
    run_id: str = ""
    at: dt.datetime
    since: dt.datetime
    previous: str | None = None
    checks: list[CheckRecord] = []
    notes: dict[str, Any] = {}


class Held(BaseModel):
    """The newest attempt that did not replace the version that stands."""

    fingerprint: str
    reason: str
    code: str = "held"
    at: dt.datetime
    attempts: int = 1
    permanent: bool = True
    run_id: str = ""
    checks: list[CheckRecord] = []


@dataclass
class Bundle:
    """What an asset computed: frames (Parquet), AnnData (h5ad), bytes and one JSON object, each under a name."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    cells: dict[str, AnnData] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    dates: dict[str, tuple[str, ...]] = field(default_factory=dict)


def digest(*parts: object) -> str:
    """Short stable hash of JSON-able parts."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def cells_digest(adata: AnnData) -> str:
    """Content hash of an AnnData's matrix, names and annotations, independent of the file's bytes."""
    h = hashlib.sha256()
    from scipy import sparse

    matrix = sparse.csr_matrix(adata.X)
    for array in (
        matrix.data.astype("int64", copy=False),
        matrix.indices.astype("int64", copy=False),
        matrix.indptr.astype("int64", copy=False),
    ):
        h.update(array.tobytes())
    for frame in (adata.obs, adata.var):
        h.update(pd.util.hash_pandas_object(frame.astype(str), index=True).to_numpy().tobytes())
    return h.hexdigest()


class Versions:
    """Manifests and version files of one home.

    Each question looks at the store anew, or, after `glance`, at what it held at that moment.
    """

    def __init__(self, home: Home):
        self.home = home
        self._seen: dict[str, Any] | None = None
        self._listings: dict[str, tuple[dict[str, object_store.Listed], dict[str, bytes]]] = {}

    def glance(self) -> None:
        """From now on answer from one look: a manifest is read once, and on an object store one listing per asset tells which there are."""
        self._seen, self._listings = {}, {}

    def look_anew(self) -> None:
        """End of a `glance`."""
        self._seen, self._listings = None, {}

    def _listed(self, asset: str) -> tuple[dict[str, object_store.Listed], dict[str, bytes]]:
        """Objects of an asset on an object store, and the contents of its manifests and holds."""
        if asset not in self._listings:
            folder = self.folder(asset)
            objects = object_store.listed(folder)
            small = {
                n: o.tag
                for n, o in objects.items()
                if n.rpartition("/")[2] in ("current.json", "held.json")
            }
            self._listings[asset] = (
                objects,
                object_store.SmallObjects(self.home.dagster_home / "manifests.db").read(
                    folder, small
                ),
            )
        return self._listings[asset]

    def folder(self, asset: str, partition: str | None = None) -> UPath:
        base = self.home.store / asset
        return base / partition if partition is not None else base

    def current(self, asset: str, partition: str | None = None) -> Manifest | None:
        """The manifest that stands, or None."""
        return self._read(asset, partition, "current.json", Manifest)

    def manifest(self, asset: str, partition: str | None, version: str) -> Manifest | None:
        """The manifest of a version, whether it stands or not; None when it is no longer kept."""
        current = self.current(asset, partition)
        if current is not None and current.data_version == version:
            return current
        try:
            return Manifest.model_validate_json(
                (self.folder(asset, partition) / version / "manifest.json").read_bytes()
            )
        except FileNotFoundError:
            return None

    def held(self, asset: str, partition: str | None = None) -> Held | None:
        return self._read(asset, partition, "held.json", Held)

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

    def tag(self, asset: str, partition: str | None = None) -> str | None:
        """What `commit` is to replace, on an object store; to be asked for before the manifest is read. None on a local disk, where a lock is held."""
        if self.home.is_local:
            return None
        if self._seen is None:
            return object_store.tag_of(self.folder(asset, partition) / "current.json")
        found = self._listed(asset)[0].get(
            "current.json" if partition is None else f"{partition}/current.json"
        )
        return found.tag if found else object_store.ABSENT

    def partitions(self, asset: str) -> list[str]:
        """Partitions of ``asset`` that have a version, sorted."""
        key = f"{asset}//partitions"
        if self._seen is not None and key in self._seen:
            return list(self._seen[key])
        base = self.folder(asset)
        if not self.home.is_local:
            objects = (
                self._listed(asset)[0] if self._seen is not None else object_store.listed(base)
            )
            found = sorted(
                n.partition("/")[0]
                for n in objects
                if n.count("/") == 1 and n.endswith("/current.json")
            )
        else:
            found = (
                sorted(p.name for p in base.iterdir() if (p / "current.json").exists())
                if base.exists()
                else []
            )
        if self._seen is not None:
            self._seen[key] = found
        return list(found)

    def write_bundle(
        self, asset: str, partition: str | None, bundle: Bundle, fence: stores.Fence
    ) -> tuple[str, dict[str, str]]:
        """Write the files of a version beside the one that stands.

        Returns
        -------
        data_version, files
            Content hash over all parts, and ``{path relative to the asset's folder: content hash}``.
        """
        payloads: dict[str, bytes] = {}
        for name, frame in bundle.frames.items():
            payloads[f"{name}.parquet"] = stores.parquet_bytes(frame, bundle.dates.get(name, ()))
        payloads |= bundle.blobs
        if bundle.facts:
            payloads["facts.json"] = json.dumps(
                bundle.facts, sort_keys=True, ensure_ascii=False, default=str
            ).encode()
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in payloads.items()}
        hashes |= {f"{name}.h5ad": cells_digest(adata) for name, adata in bundle.cells.items()}
        version = digest(hashes)
        folder = self.folder(asset, partition) / version
        for name, data in payloads.items():
            stores.write_bytes(folder / name, data, fence)
        for name, adata in bundle.cells.items():
            stores.write_h5ad(adata, folder / f"{name}.h5ad", fence)
        return version, {f"{version}/{name}": value for name, value in sorted(hashes.items())}

    def commit(
        self,
        manifest: Manifest,
        fence: stores.Fence,
        keep: int = KEEP_VERSIONS,
        seen: str | None = None,
    ) -> None:
        """Make a manifest the current one, clear a hold, keep ``keep`` earlier versions.

        Raises
        ------
        object_store.Overtaken
            The manifest that stands is not the one that was ``seen`` (see `tag`).
        """
        folder = self.folder(manifest.asset, manifest.partition)
        content = manifest.model_dump_json(indent=1).encode()
        stores.write_bytes(folder / manifest.data_version / "manifest.json", content, fence)
        stores.write_bytes(folder / "current.json", content, fence, seen)
        self.look_anew()
        self.clear_hold(manifest.asset, manifest.partition)
        spared = {manifest.data_version, manifest.previous}
        if is_local(folder):
            versions = sorted(
                (p for p in Path(str(folder)).iterdir() if p.is_dir() and is_version(p)),
                key=lambda p: p.stat().st_mtime,
            )
            for old in [p for p in versions if p.name not in spared][
                : max(0, len(versions) - keep - 1)
            ]:
                shutil.rmtree(old)
        else:
            object_store.remove_old(folder, lambda name: is_version(Path(name)), spared, keep)

    def hold(self, asset: str, partition: str | None, held: Held) -> None:
        stores.write_bytes(
            self.folder(asset, partition) / "held.json", held.model_dump_json(indent=1).encode()
        )
        self.look_anew()

    def clear_hold(self, asset: str, partition: str | None) -> None:
        path = self.folder(asset, partition) / "held.json"
        if is_local(path):
            path.unlink(missing_ok=True)
        else:
            object_store.remove(path)

    def frame(
        self, asset: str, name: str, partition: str | None = None, version: str | None = None
    ) -> pd.DataFrame:
        """A frame of the version that stands (or of ``version``)."""
        chosen = version or self.require(asset, partition).data_version
        return stores.read_frame(self.folder(asset, partition) / chosen / f"{name}.parquet")

    def cells(self, asset: str, name: str, partition: str | None = None) -> AnnData:
        return stores.read_h5ad(
            self.folder(asset, partition)
            / self.require(asset, partition).data_version
            / f"{name}.h5ad"
        )

    def blob(self, asset: str, name: str, partition: str | None = None) -> bytes:
        data: bytes = (
            self.folder(asset, partition) / self.require(asset, partition).data_version / name
        ).read_bytes()
        return data

    def facts(
        self, asset: str, partition: str | None = None, version: str | None = None
    ) -> Mapping[str, Any]:
        path = (
            self.folder(asset, partition)
            / (version or self.require(asset, partition).data_version)
            / "facts.json"
        )
        try:
            found: Mapping[str, Any] = json.loads(path.read_bytes())
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
                f"{asset}{f' of {partition}' if partition else ''} has no version yet; run hcc refresh"
            )
        return manifest


def is_version(path: Path) -> bool:
    """True for the folder of a version, which is named after its content."""
    return len(path.name) == 20 and all(c in "0123456789abcdef" for c in path.name)
