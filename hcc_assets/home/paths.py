"""The data home: every path the platform reads or writes has its name here.

No reading or writing belongs here, but for ``study.toml``.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from upath import UPath

from hcc_assets.study.config import ConfigError, StudyConfig, parse_config

DEFAULT_HOME = "./hcc_home"


@dataclass(frozen=True)
class Home:
    """The data home at ``root``: a folder, or an fsspec URL prefix such as ``s3://bucket/prefix``.

    Notes
    -----
    Dagster's own state is always local: ``DAGSTER_HOME``, else ``<root>/dagster`` for a local home,
    else a folder of the user's state directory.
    """

    root: UPath

    @classmethod
    def at(cls, root: str | Path | UPath | None = None) -> Home:
        """``root``, else ``HCC_HOME``, else ``./hcc_home``."""
        chosen = root if root is not None else os.environ.get("HCC_HOME") or DEFAULT_HOME
        path = UPath(chosen)
        # a listing that was kept would hide from a daemon what arrived after it
        return cls(
            UPath(path.absolute()) if is_local(path) else UPath(chosen, use_listings_cache=False)
        )

    @property
    def study_toml(self) -> UPath:
        return self.root / "study.toml"

    @property
    def landing(self) -> UPath:
        return self.root / "landing"

    @property
    def samples_csv(self) -> UPath:
        return self.landing / "samples.csv"

    @property
    def clinical(self) -> UPath:
        return self.landing / "clinical"

    @property
    def reference(self) -> UPath:
        return self.landing / "reference"

    @property
    def annotations(self) -> UPath:
        return self.landing / "annotations"

    @property
    def people_json(self) -> UPath:
        """Opaque keys of subjects and samples (`home.people.register`)."""
        return self.root / "people.json"

    @property
    def store(self) -> UPath:
        return self.root / "store"

    @property
    def published(self) -> UPath:
        return self.root / "published"

    @property
    def figures(self) -> UPath:
        return self.published / "figures"

    @property
    def quarantine(self) -> UPath:
        return self.root / "quarantine"

    @property
    def is_local(self) -> bool:
        return is_local(self.root)

    @property
    def dagster_home(self) -> Path:
        """Local folder of Dagster's state, locks and the alert outbox."""
        given = os.environ.get("DAGSTER_HOME")
        if given:
            return Path(given).absolute()
        if self.is_local:
            return Path(str(self.root)) / "dagster"
        from platformdirs import user_state_path

        return (
            user_state_path("hcc_assets") / hashlib.sha256(str(self.root).encode()).hexdigest()[:16]
        )

    @property
    def records(self) -> Path:
        """Local folder of keys, tombstones and withdrawals: the home itself, or beside Dagster's
        state where the home is on an object store."""
        return Path(str(self.root)) if self.is_local else self.dagster_home

    @property
    def withdrawals_csv(self) -> Path:
        return self.records / "withdrawals.csv"

    @property
    def tombstones_json(self) -> Path:
        return self.records / "tombstones.json"

    @property
    def locks(self) -> Path:
        return self.dagster_home / "locks"

    @property
    def heartbeats(self) -> Path:
        return self.dagster_home / "heartbeats"

    @property
    def leases(self) -> Path:
        return self.dagster_home / "leases"

    def config(self) -> StudyConfig:
        """The study's choices: ``study.toml``, or the defaults where there is none.

        Raises
        ------
        ConfigError
            A key or type is wrong.
        """
        if not self.study_toml.exists():
            return StudyConfig()
        try:
            text = self.study_toml.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ConfigError("study.toml is not UTF-8 text; save it as UTF-8") from None
        return parse_config(text)


def is_local(path: UPath) -> bool:
    """True for a path of this machine's file system."""
    return path.protocol in ("", "file", "local")
