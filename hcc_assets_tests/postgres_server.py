"""A PostgreSQL server of the machine for tests, on loopback, thrown away afterwards; skips with the
reason where there is none."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def _program(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(found[-1]) if found else None)


class PostgresServer:
    """A server that can be ended as a power cut ends it (`crash`) and started again on the same
    data."""

    def __init__(self, folder: Path, port: int, pg_ctl: str, as_user: list[str]):
        self.folder, self.port, self._pg_ctl, self._as_user = folder, port, pg_ctl, as_user

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://hcc@127.0.0.1:{self.port}/postgres"

    def run(self, *command: str) -> None:
        # what the server prints goes into files: it would hold a pipe open for as long as it lives
        subprocess.run(
            [*self._as_user, *command],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            timeout=120,
        )

    def start(self) -> None:
        # fsync off does not matter to a crash of the server alone: what it wrote is with the
        # operating system
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off"
        )
        self.run(
            self._pg_ctl,
            "-D",
            str(self.folder / "data"),
            "-w",
            "-l",
            str(self.folder / "log"),
            "-o",
            options,
            "start",
        )

    def crash(self) -> None:
        """Every connection is cut, nothing is finished; the next start recovers from the log."""
        self.run(self._pg_ctl, "-D", str(self.folder / "data"), "-m", "immediate", "-w", "stop")

    @property
    def alive(self) -> bool:
        return (self.folder / "data" / "postmaster.pid").exists()


@contextlib.contextmanager
def postgres_process() -> Iterator[PostgresServer]:
    """A fresh server, started."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("no PostgreSQL server programs on this machine: not run against PostgreSQL")
    as_user: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="hcc-pg-"))
    if os.geteuid() == 0:  # the server refuses to run as root
        runuser = shutil.which("runuser")
        if runuser is None:
            pytest.skip("PostgreSQL does not run as root and there is no runuser")
        as_user = [runuser, "-u", "nobody", "--"]
        shutil.chown(folder, "nobody")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = PostgresServer(folder, port, pg_ctl, as_user)
    try:
        server.run(
            initdb,
            "-D",
            str(folder / "data"),
            "-U",
            "hcc",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
        )
        server.start()
        yield server
    finally:
        if server.alive:
            server.crash()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """URL ``postgresql+psycopg2://hcc@127.0.0.1:port/postgres`` of a fresh server."""
    with postgres_process() as server:
        yield server.url
