"""The child with limits: what it may know and have."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hcc_assets.confined.child import environment


def test_the_child_has_no_network_and_few_files() -> None:
    program = """
import resource
from hcc_assets.confined.within import confine
confine(512, 60)
import socket
for attempt in (
    lambda: socket.socket(),
    lambda: socket.create_connection(("127.0.0.1", 9)),
    lambda: socket.getaddrinfo("localhost", 80),
):
    try:
        attempt()
    except PermissionError:
        continue
    raise SystemExit(1)
assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= 64
assert resource.getrlimit(resource.RLIMIT_DATA)[0] == 512 << 20
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr


def test_the_child_inherits_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HCC_ALERT_URLS", "secret")
    assert "secret" not in "".join(environment().values())
