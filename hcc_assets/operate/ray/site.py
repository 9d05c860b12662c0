"""What a node of a Ray cluster must have before it may work on a home, and what is said where
something is missing. Sending work is in `engine`."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from hcc_assets.assets.closure import has_module, lock_hash
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.manifests import digest
from hcc_assets.home.paths import Home
from hcc_assets.operate.dagster_yaml import DATABASE_VARIABLE

INSTALL = (
    "pip install 'hcc-assets[ray]' (in a checkout: .venv/bin/uv pip install --require-hashes "
    "-r requirements-ray.lock)"
)


class RayUnfit(RuntimeError):
    """The cluster cannot do this work; the text says what is missing and what to do."""


@dataclass(frozen=True)
class Site:
    """What a node must have: the home, Dagster's folder, the same code, the same storage."""

    root: str
    dagster_home: str
    code: str
    only_host: str | None
    database: bool

    def problem(self) -> str | None:
        """Why this node may not work, or None."""
        here = socket.gethostname()
        if self.only_host not in (None, here):
            return several_hosts([here])
        if self.database and not os.environ.get(DATABASE_VARIABLE):
            return (
                f"node {here} has no {DATABASE_VARIABLE}; set it in the environment in which "
                "ray start is called there"
            )
        if not (Path(self.dagster_home) / "locks" / "refresh.lock").exists():
            return (
                f"node {here} does not see {self.dagster_home}; DAGSTER_HOME must be one folder "
                "that all nodes share under one path"
            )
        home = Home.at(self.root)
        if not (home.landing.exists() or home.store.exists()):
            return (
                f"node {here} does not see the home {self.root}; it must be one that all nodes "
                "reach under one name"
            )
        if code_digest() != self.code:
            return (
                f"node {here} has another version of hcc_assets or of its packages; install the "
                "same one, then restart Ray there"
            )
        return None


def code_digest() -> str:
    """Hash over the code of all assets and the locked packages."""
    return digest(sorted((name, a.code_version) for name, a in all_assets().items()), lock_hash())


def several_hosts(others: list[str]) -> str:
    """What is said where SQLite would be asked by more than one host."""
    return (
        f"the cluster has other hosts than this one ({', '.join(others)}), and Dagster's storage "
        f"is SQLite, which serves one host only; set {DATABASE_VARIABLE} to a PostgreSQL database "
        "before the first start"
    )


def require_ray() -> None:
    """Raise `RayUnfit` with the command that installs Ray, where it is not installed."""
    if not has_module("ray"):
        raise RayUnfit(f"Ray is not installed here; install it with: {INSTALL}")


def answering(address: str) -> str:
    """The address, when something answers there; Ray itself would go on trying for minutes."""
    from ray._private.services import canonicalize_bootstrap_address

    if address.startswith("ray://"):
        return address
    found: str | None = canonicalize_bootstrap_address(address)
    if found is None:
        raise ConnectionError("no cluster was found on this machine, nor is one in RAY_ADDRESS")
    host, _, port = found.rpartition(":")
    # five seconds are many times a round trip between nodes of one cluster
    socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    return found
