"""What a version holds, as values: frames, cells, bytes and facts. Every byte is compared with its
hash before anything is made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from upath import UPath

from hcc_assets.home import files
from hcc_assets.home.damage import check_file, checked_bytes
from hcc_assets.home.manifests import Manifest
from hcc_assets.home.paths import is_local

if TYPE_CHECKING:
    from anndata import AnnData

_SMALL = 1 << 15
"""Bytes of a file that is worth remembering: tables across samples ask for the same small frames of
every sample again and again."""


class Stored:
    """The files of one version.

    Parameters
    ----------
    folder
        The folder of the asset (of the sample).

    Raises
    ------
    damage.Damaged
        Each method: the file is missing or is not what was written.
    """

    def __init__(self, folder: UPath, manifest: Manifest):
        self._folder = folder
        self._manifest = manifest

    def blob(self, name: str) -> bytes:
        """Bytes of a file by its name."""
        return checked_bytes(self._folder, self._manifest, name)

    def frame(self, name: str) -> pd.DataFrame:
        """A frame; a small local one is read once, as long as its file stays what it is."""
        file = f"{name}.parquet"
        path = self._folder / self._manifest.folder / file
        if is_local(path):
            try:
                seen = Path(str(path)).stat()
            except OSError:
                return files.parquet_frame(self.blob(file))
            if seen.st_size <= _SMALL:
                wanted = self._manifest.sha(file)
                key = _Key(str(path), seen.st_mtime_ns, seen.st_size, wanted, self, file)
                return _remembered(key).copy()
        return files.parquet_frame(self.blob(file))

    def cells(self, name: str) -> AnnData:
        """An AnnData, in memory."""
        check_file(self._folder, self._manifest, f"{name}.h5ad")
        found: AnnData = files.read_h5ad(self._folder / self._manifest.folder / f"{name}.h5ad")
        return found

    @property
    def facts(self) -> Mapping[str, Any]:
        """The facts of the version; empty where it has none."""
        if not self._manifest.has("facts.json"):
            return {}
        found: Mapping[str, Any] = json.loads(self.blob("facts.json"))
        return found


class _Key:
    """A file as it is now, with the way to read it."""

    def __init__(self, path: str, mtime: int, size: int, sha: str, stored: Stored, file: str):
        self._same = (path, mtime, size, sha)
        self._stored, self._file = stored, file

    def __hash__(self) -> int:
        return hash(self._same)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._same == other._same

    def read(self) -> pd.DataFrame:
        return files.parquet_frame(self._stored.blob(self._file))


@lru_cache(maxsize=1024)
def _remembered(key: _Key) -> pd.DataFrame:
    return key.read()
