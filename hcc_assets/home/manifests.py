"""What a manifest says: which version of an asset stands, with its files and hashes, and everything
that went into it. Reading and writing them is in `versions`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd
from pydantic import BaseModel, ValidationError

from hcc_assets.home import files, sealing

if TYPE_CHECKING:
    from anndata import AnnData


class CheckRecord(BaseModel):
    """One judged check as it was written into the manifest."""

    name: str
    passed: bool
    severity: str = "ERROR"
    description: str = ""
    affected: int = 0
    details: dict[str, str] = {}


class Manifest(BaseModel):
    """What stands for an asset (and sample), and everything that went into it.

    Attributes
    ----------
    partition
        Key of the sample (`home.people.register`); None for an asset that has no samples.
    data_version
        Hash of the content that other assets read; figures and CSV do not count.
    version
        Folder of all files of the version, named after the hash of all of them.
    fingerprint
        Hash of code, settings, inputs and deliveries: what decides whether it is stale.
    code
        Module to hash of its source, for every module of the package that can run in it.
    settings
        Keys of ``study.toml`` that it read, with their values.
    inputs
        ``asset`` or ``asset/key`` to the data version that was read.
    deliveries
        What was read from ``landing/``, with its content.
    files
        Path below the folder of the asset to SHA-256; of an h5ad to the hash of its content.
    sizes
        Path below the folder of the asset to bytes; empty in a version of before 0.3.
    h5ad_hashes
        Path of each h5ad to the SHA-256 of its bytes.
    published
        Path below ``published/`` to the file of the version that is copied there.
    acts
        Decisions of people in force, by a hash over each: what they do, not by whom and why.
    seconds, peak_mb
        What it cost to compute: wall time, and the largest memory of the process until then.
    """

    asset: str
    partition: str | None = None
    data_version: str
    version: str = ""
    fingerprint: str
    code_version: str
    code: dict[str, str] = {}
    settings: dict[str, Any] = {}
    lock_hash: str = ""
    inputs: dict[str, str] = {}
    deliveries: dict[str, str] = {}
    files: dict[str, str] = {}
    sizes: dict[str, int] = {}
    h5ad_hashes: dict[str, str] = {}
    published: dict[str, str] = {}
    rows: int | None = None
    run_id: str = ""
    at: dt.datetime
    since: dt.datetime
    previous: str | None = None
    seconds: float = 0.0
    peak_mb: float = 0.0
    checks: list[CheckRecord] = []
    notes: dict[str, Any] = {}
    acts: dict[str, dict[str, Any]] = {}
    sealed: bool = False
    """True for what was written with a seal: without one it is damaged."""

    @classmethod
    def read(cls, content: bytes) -> Manifest | None:
        """The manifest of a file; None where the file is damaged."""
        return _unsealed(cls, content)

    def content(self) -> bytes:
        """The file of this manifest, sealed."""
        told = self.model_copy(update={"sealed": True})
        return sealing.sealed(told.model_dump_json(indent=1).encode())

    @property
    def seal(self) -> str:
        """SHA-256 over everything that it says: for whoever vouches for it from outside. The
        same before it is written and after it was read."""
        return sealing.seal_of(self.content())

    def sha(self, name: str) -> str:
        """SHA-256 of the bytes of a file of the version; empty where there is no such file, or
        none is known (an h5ad of before 0.3)."""
        file = f"{self.folder}/{name}"
        if name.endswith(".h5ad"):
            return self.h5ad_hashes.get(file, "")
        return self.files.get(file, "")

    @property
    def folder(self) -> str:
        """Name of the folder of the version; before 0.2 it was the data version."""
        return self.version or self.data_version

    def has(self, name: str) -> bool:
        """True when the version has a file of this name (``profile.parquet``)."""
        return f"{self.folder}/{name}" in self.files


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
    frames: list[str] = []
    """Where an unexpected error came from, outermost first: ``file:line:function``."""
    sealed: bool = False

    @classmethod
    def read(cls, content: bytes) -> Held | None:
        """The hold of a file; None where the file is damaged."""
        return _unsealed(cls, content)

    def content(self) -> bytes:
        """The file of this hold, sealed."""
        told = self.model_copy(update={"sealed": True})
        return sealing.sealed(told.model_dump_json(indent=1).encode())


S = TypeVar("S", bound=BaseModel)


def _unsealed(model: type[S], content: bytes) -> S | None:
    if not sealing.whole(content):
        return None
    try:
        return model.model_validate_json(content)
    except ValidationError:
        return None


@dataclass
class Bundle:
    """What an asset computed: frames (Parquet), AnnData (h5ad), bytes and one JSON object, each
    under a name; ``extras`` are bytes that no other asset reads (figures, CSV)."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    cells: dict[str, AnnData] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    dates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    extras: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """Files of a version that lie beside the one that stands: what `Manifest` says of them."""

    data_version: str
    version: str
    files: dict[str, str]
    sizes: dict[str, int]
    h5ad_hashes: dict[str, str]


def digest(*parts: object) -> str:
    """Short stable hash of JSON-able parts."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def cells_digest(adata: AnnData) -> str:
    """Content hash of an AnnData's matrix, names and annotations, independent of the file's
    bytes."""
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


def encoded(bundle: Bundle) -> dict[str, bytes]:
    """Frames, bytes and facts as files, by name, without ``extras`` and cells."""
    found = {
        f"{name}.parquet": files.parquet_bytes(frame, bundle.dates.get(name, ()))
        for name, frame in bundle.frames.items()
    } | bundle.blobs
    if bundle.facts:
        facts = json.dumps(bundle.facts, sort_keys=True, ensure_ascii=False, default=str)
        found["facts.json"] = facts.encode()
    return found
