"""The two programs beside the web server of ``hcc ui``: one code server, which web server and
daemon share, and the daemon. Started, watched, started again when they die, and ended with the UI.

Left to itself Dagster gives each of the two a code server of its own, and the daemon a new one
every minute. The socket of ours lies in a folder that nobody else may enter: whoever reaches a code
server can start runs. What it does not do is load changed code anew; for that there is ``dagster
dev``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from hcc_assets.ui.child import LOCATION

SOCKET_PATH = 100
"""Bytes: the kernel takes 107 (unix(7)), of which gRPC needs a few."""
LOG_BYTES = 5_000_000
"""A log that is longer when the UI starts is set aside; one earlier log is kept. Some months of
warnings, and quick to read."""
START_SECONDS = 300.0
"""As ``code_servers.local_startup_timeout`` of the shipped ``dagster.yaml``."""
WATCH_SECONDS = 1.0
"""Between two looks at the children: asking costs nothing."""
LONGEST_PAUSE = 60.0
"""Between two starts of a child that dies again and again, seconds; the first pause is one."""
DAEMON_SECONDS = 10.0
"""What the daemon gets to end in; a tick that is cut off is taken up by the next daemon."""
WORK_SECONDS = 30.0
"""What runs that are at work get to finish in. Both together stay below the sixty seconds that
``deploy/systemd`` gives."""

Tell = Callable[[str], None]


class ChildDied(RuntimeError):
    """A program ended before it answered; the text says where its words are."""


@dataclass
class Child:
    """One program: how it is started, and the process that runs it."""

    name: str
    arguments: list[str]
    log: Path
    patience: float
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.monotonic)
    pause: float = 1.0


def start(role: str, place: Path, log: Path) -> subprocess.Popen[bytes]:
    """A program of `child` in a session of its own, so that Ctrl-C in a terminal reaches it through
    its parent alone.

    Parameters
    ----------
    role, place
        ``code`` and the socket, or ``daemon`` and the workspace file.
    log
        What it says is written at the end of this file.
    """
    command = [sys.executable, "-m", "hcc_assets.ui.child", role, str(place)]
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            # a call that nobody waits for any more does not hold up the end
            env={**os.environ, "DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD": "5"},
            start_new_session=True,
        )


class Children:
    """Children that are started again when they die. Made by `beside`."""

    def __init__(self, logs: Path, tell: Tell):
        self._logs, self._tell = logs, tell
        self._children: list[Child] = []
        self._closing = threading.Event()
        self._watch = threading.Thread(target=self._look, name="children", daemon=True)

    def add(self, name: str, role: str, place: Path, patience: float) -> Child:
        """Start a child; it is not yet watched."""
        log = self._logs / f"{role}.log"
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        child = Child(name, [role, str(place)], log, patience, start(role, place, log))
        self._children.append(child)
        self._tell(f"{name} started (process {child.process.pid}, log {log})")
        return child

    def watch(self) -> None:
        """Start again from now on what dies."""
        self._watch.start()

    def _look(self) -> None:
        while not self._closing.wait(WATCH_SECONDS):
            for child in self._children:
                code = child.process.poll()
                if code is None:
                    continue
                lived = time.monotonic() - child.started
                child.pause = 1.0 if lived > LONGEST_PAUSE else child.pause
                self._tell(
                    f"{child.name} ended by itself (code {code}, after {lived:.0f} s); it is "
                    f"started again in {child.pause:.0f} s; its words are in {child.log}"
                )
                _kill(child.process)
                if self._closing.wait(child.pause):
                    return
                child.pause = min(2 * child.pause, LONGEST_PAUSE)
                role, place = child.arguments
                child.process = start(role, Path(place), child.log)
                child.started = time.monotonic()

    def close(self) -> None:
        """End the children, the last one first: the daemon asks for nothing more, and runs of the
        code server that are at work may finish."""
        self._closing.set()
        if self._watch.is_alive():
            self._watch.join()
        try:
            for child in reversed(self._children):
                _end(child, self._tell)
        finally:
            for child in self._children:
                _kill(child.process)


def _end(child: Child, tell: Tell) -> None:
    """Ask a child to end; tell when it takes long, since a run is at work in it."""
    child.process.send_signal(signal.SIGINT)
    for seconds in (child.patience / 2, child.patience / 2):
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(seconds)
            return
        tell(f"{child.name} is still at work")
    tell(f"{child.name} is killed; what it was at is done again after the next start")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the session of a child: it, or runs that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    pipe: IO[bytes] | None = process.stdin
    if pipe is not None:
        pipe.close()


def private_folder() -> Path:
    """A new folder for the socket that only this user may enter: on this machine, since a home may
    lie on a share that takes no sockets, and with a short name.

    Raises
    ------
    ValueError
        The folder for temporary files has too long a name.
    """
    folder = Path(tempfile.mkdtemp(prefix="hcc-ui-"))
    if len(os.fsencode(folder / "code.sock")) > SOCKET_PATH:
        folder.rmdir()
        raise ValueError(f"the name of {folder.parent} is too long for a socket; set TMPDIR")
    return folder


def wait_for(child: Child, socket: Path, *, seconds: float = START_SECONDS) -> None:
    """Until the code server answers, which it does when the code location is loaded.

    Raises
    ------
    ChildDied
        It ended, or was silent for too long.
    """
    from dagster._core.errors import DagsterUserCodeUnreachableError
    from dagster._grpc.client import DagsterGrpcClient

    client = DagsterGrpcClient(socket=str(socket))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if child.process.poll() is not None:
            raise ChildDied(f"{child.name} could not be started; its words are in {child.log}")
        with contextlib.suppress(DagsterUserCodeUnreachableError):
            client.ping("")
            return
        time.sleep(0.1)
    raise ChildDied(f"{child.name} did not answer within {seconds:.0f} s; see {child.log}")


@contextlib.contextmanager
def beside(logs: Path, tell: Tell, *, daemon: bool) -> Iterator[Path]:
    """The children, around the web server; gives the workspace file that names the code server.

    Parameters
    ----------
    logs
        Folder of ``code.log`` and ``daemon.log``.
    tell
        Takes a sentence for the person who started the UI.
    daemon
        Whether the daemon runs too.

    Raises
    ------
    ChildDied
        The code location cannot be served.
    """
    folder = private_folder()
    children = Children(logs, tell)
    try:
        socket, workspace = folder / "code.sock", folder / "workspace.yaml"
        workspace.write_text(
            f"load_from:\n  - grpc_server:\n      socket: {socket}\n"
            f"      location_name: {LOCATION}\n",
            encoding="utf-8",
        )
        code = children.add("code server", "code", socket, WORK_SECONDS)
        wait_for(code, socket)
        if daemon:
            children.add("daemon", "daemon", workspace, DAEMON_SECONDS)
        children.watch()
        yield workspace
    finally:
        children.close()
        shutil.rmtree(folder)
