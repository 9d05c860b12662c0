"""Versions that stand, as the function of an asset gets them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from hcc_assets.home.manifests import Manifest, digest
from hcc_assets.home.versions import Versions

if TYPE_CHECKING:
    from anndata import AnnData


class Version:
    """The version of an asset that stands: its frames, cells, bytes and facts, read when asked and
    compared with their hash (`home.damage.Damaged` where they are not what was written)."""

    def __init__(self, versions: Versions, manifest: Manifest):
        self._versions = versions
        self.manifest = manifest
        self._stored = versions.stored(manifest)

    @property
    def data_version(self) -> str:
        return self.manifest.data_version

    @property
    def notes(self) -> Mapping[str, Any]:
        """Metadata of the computation."""
        return self.manifest.notes

    def has(self, name: str) -> bool:
        """True when there is a frame of this name."""
        return self.manifest.has(f"{name}.parquet")

    @property
    def frames(self) -> tuple[str, ...]:
        """Names of all frames."""
        names = (f.partition("/")[2] for f in self.manifest.files)
        return tuple(n.removesuffix(".parquet") for n in names if n.endswith(".parquet"))

    @property
    def table(self) -> pd.DataFrame:
        """The published table."""
        return self.frame("table")

    def frame(self, name: str) -> pd.DataFrame:
        return self._stored.frame(name)

    def cells(self, name: str) -> AnnData:
        return self._stored.cells(name)

    def blob(self, name: str) -> bytes:
        return self._stored.blob(name)

    @property
    def facts(self) -> Mapping[str, Any]:
        return self._stored.facts

    @property
    def previous(self) -> Version | None:
        """The version before, where it is still kept."""
        m = self.manifest
        if m.previous is None:
            return None
        found = self._versions.manifest(m.asset, m.partition, m.previous)
        return Version(self._versions, found) if found else None


class BySample(Mapping[str, Version]):
    """Versions by sample id, in order of the id."""

    def __init__(self, found: Mapping[str, Version]):
        self._found = dict(sorted(found.items()))

    def __getitem__(self, sample: str) -> Version:
        return self._found[sample]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    @property
    def content(self) -> str:
        """Hash over the data versions, for what is worth computing once."""
        return digest({s: v.data_version for s, v in self._found.items()})
