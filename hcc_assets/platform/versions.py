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

from hcc_assets.platform import stores
from hcc_assets.platform.home import Home, is_local

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
    for array in (matrix.data.astype("int64", copy=False), matrix.indices.astype("int64", copy=False), matrix.indptr.astype("int64", copy=False)):
        h.update(array.tobytes())
    for frame in (adata.obs, adata.var):
        h.update(pd.util.hash_pandas_object(frame.astype(str), index=True).to_numpy().tobytes())
    return h.hexdigest()


class Versions:
    """Manifests and version files of one home."""

    def __init__(self, home: Home):
        self.home = home

    def folder(self, asset: str, partition: str | None = None) -> UPath:
        base = self.home.store / asset
        return base / partition if partition is not None else base

    def current(self, asset: str, partition: str | None = None) -> Manifest | None:
        """The manifest that stands, or None."""
        return self._read(self.folder(asset, partition) / "current.json", Manifest)

    def held(self, asset: str, partition: str | None = None) -> Held | None:
        return self._read(self.folder(asset, partition) / "held.json", Held)

    @staticmethod
    def _read(path: UPath, model: type[Any]) -> Any:
        try:
            return model.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None

    def partitions(self, asset: str) -> list[str]:
        """Partitions of ``asset`` that have a version, sorted."""
        base = self.folder(asset)
        if not base.exists():
            return []
        return sorted(p.name for p in base.iterdir() if (p / "current.json").exists())

    def write_bundle(self, asset: str, partition: str | None, bundle: Bundle, fence: stores.Fence) -> tuple[str, dict[str, str]]:
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
            payloads["facts.json"] = json.dumps(bundle.facts, sort_keys=True, ensure_ascii=False, default=str).encode()
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in payloads.items()}
        hashes |= {f"{name}.h5ad": cells_digest(adata) for name, adata in bundle.cells.items()}
        version = digest(hashes)
        folder = self.folder(asset, partition) / version
        for name, data in payloads.items():
            stores.write_bytes(folder / name, data, fence)
        for name, adata in bundle.cells.items():
            stores.write_h5ad(adata, folder / f"{name}.h5ad", fence)
        return version, {f"{version}/{name}": value for name, value in sorted(hashes.items())}

    def commit(self, manifest: Manifest, fence: stores.Fence, keep: int = KEEP_VERSIONS) -> None:
        """Make a manifest the current one, clear a hold, keep ``keep`` earlier versions."""
        folder = self.folder(manifest.asset, manifest.partition)
        stores.write_bytes(folder / "current.json", manifest.model_dump_json(indent=1).encode(), fence)
        self.clear_hold(manifest.asset, manifest.partition)
        if is_local(folder):
            versions = sorted((p for p in Path(str(folder)).iterdir() if p.is_dir() and _is_version(p)), key=lambda p: p.stat().st_mtime)
            spared = {manifest.data_version, manifest.previous}
            for old in [p for p in versions if p.name not in spared][: max(0, len(versions) - keep - 1)]:
                shutil.rmtree(old)

    def hold(self, asset: str, partition: str | None, held: Held) -> None:
        stores.write_bytes(self.folder(asset, partition) / "held.json", held.model_dump_json(indent=1).encode())

    def clear_hold(self, asset: str, partition: str | None) -> None:
        (self.folder(asset, partition) / "held.json").unlink(missing_ok=True)

    def frame(self, asset: str, name: str, partition: str | None = None, version: str | None = None) -> pd.DataFrame:
        """A frame of the version that stands (or of ``version``)."""
        chosen = version or self.require(asset, partition).data_version
        return stores.read_parquet(self.folder(asset, partition) / chosen / f"{name}.parquet")

    def cells(self, asset: str, name: str, partition: str | None = None) -> AnnData:
        return stores.read_h5ad(self.folder(asset, partition) / self.require(asset, partition).data_version / f"{name}.h5ad")

    def blob(self, asset: str, name: str, partition: str | None = None) -> bytes:
        data: bytes = (self.folder(asset, partition) / self.require(asset, partition).data_version / name).read_bytes()
        return data

    def facts(self, asset: str, partition: str | None = None, version: str | None = None) -> Mapping[str, Any]:
        path = self.folder(asset, partition) / (version or self.require(asset, partition).data_version) / "facts.json"
        found: Mapping[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
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
            raise LookupError(f"{asset}{f' of {partition}' if partition else ''} has no version yet; run hcc refresh")
        return manifest


def _is_version(path: Path) -> bool:
    return len(path.name) == 20 and all(c in "0123456789abcdef" for c in path.name)
