"""Who may still write: a lease per run, revoked when the run is given up, asked for before every replacement. When that is, `reaper` decides."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from upath import UPath

from hcc_assets.home import files as stores

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")


class StaleWriter(RuntimeError):
    """This run was given up; what it computed must not replace what stands."""


class Leases:
    """The leases of all runs, one small file each.

    Parameters
    ----------
    folder
        Local folder shared by the processes that write and the one that reaps.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def grant(self, run_id: str) -> str:
        """Token of a run; all processes of the run get the same one.

        Raises
        ------
        StaleWriter
            The run was already given up.
        """
        with self._locked(run_id):
            lease = self._read(run_id)
            if lease is None:
                lease = {"token": secrets.token_hex(16), "revoked": None}
                self._write(run_id, lease)
        if lease["revoked"] is not None:
            raise StaleWriter(f"run {run_id} was given up ({lease['revoked']}); it may not write")
        return str(lease["token"])

    def check(self, run_id: str, token: str) -> None:
        """Raise `StaleWriter` unless ``token`` is the live token of the run."""
        lease = self._read(run_id)
        if lease is None or lease["token"] != token:
            raise StaleWriter(f"run {run_id} has no lease; it may not write")
        if lease["revoked"] is not None:
            raise StaleWriter(
                f"run {run_id} was given up ({lease['revoked']}); its late write is refused and the version that stands stays"
            )

    def fence(self, run_id: str) -> Callable[[], None]:
        """The check of one run, as `stores.write_file` takes it."""
        token = self.grant(run_id)
        return lambda: self.check(run_id, token)

    def revoke(self, run_id: str, reason: str) -> None:
        """From now on the run writes nothing; also when it had no lease yet."""
        with self._locked(run_id):
            lease = self._read(run_id) or {"token": secrets.token_hex(16), "revoked": None}
            if lease["revoked"] is None:
                self._write(run_id, {**lease, "revoked": reason})

    def drop(self, run_id: str) -> None:
        """Remove the lease of a run that ended in order."""
        for path in (self._path(run_id), self._path(run_id).with_suffix(".lock")):
            path.unlink(missing_ok=True)

    def _path(self, run_id: str) -> Path:
        if not _RUN_ID.fullmatch(run_id):
            raise ValueError("a run id holds letters, digits and hyphens only")
        return self._folder / f"{run_id}.json"

    def _locked(self, run_id: str) -> contextlib.AbstractContextManager[object]:
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(str(self._path(run_id).with_suffix(".lock")), timeout=30)

    def _read(self, run_id: str) -> dict[str, str | None] | None:
        try:
            found: dict[str, str | None] = json.loads(self._path(run_id).read_bytes())
        except FileNotFoundError:
            return None
        return found

    def _write(self, run_id: str, lease: dict[str, str | None]) -> None:
        stores.write_bytes(UPath(self._path(run_id)), json.dumps(lease).encode())
