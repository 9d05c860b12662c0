"""A home with two tables that stand, are published and told, made without computing anything."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from hcc_assets.audit.trail import trail_of
from hcc_assets.home.bundles import write_bundle
from hcc_assets.home.manifests import Bundle, Held, Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.published import promote
from hcc_assets.home.versions import Versions

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


def small_home(root: Path) -> Home:
    """``first`` and ``second`` with a delivery, settings, a record of people and a trail."""
    delivery = root / "landing" / "clinical" / "2026-05-01"
    delivery.mkdir(parents=True)
    (delivery / "dm.csv").write_text("USUBJID\nHCC-001\n")
    (root / "study.toml").write_text("[samples]\nsettle_seconds = 0\n")
    (root / "people.json").write_text('{"subjects": []}')
    home = Home.at(root)
    for name in ("first", "second"):
        publish(home, name, 1)
    return home


def publish(home: Home, name: str, value: int) -> Manifest:
    """A new version of a table, in the order of the engine: held, committed, published, told."""
    versions = Versions(home)
    fingerprint = f"{name}{value}"
    ended = Held(fingerprint=fingerprint, reason="ended", code="ended", at=NOW, run_id="r")
    versions.hold(name, None, ended)
    seen = versions.tag(name)
    bundle = Bundle(frames={"table": pd.DataFrame({"n": [value]})}, extras={"table.csv": b"n\n"})
    written = write_bundle(versions, name, None, bundle)
    manifest = Manifest(
        asset=name,
        data_version=written.data_version,
        version=written.version,
        fingerprint=fingerprint,
        code_version="c",
        files=written.files,
        sizes=written.sizes,
        h5ad_hashes=written.h5ad_hashes,
        published={f"{name}.parquet": "table.parquet", f"{name}.csv": "table.csv"},
        run_id="r",
        at=NOW,
        since=NOW,
    )
    versions.commit(manifest, seen=seen)
    promote(versions, manifest)
    told = {"asset": name, "sample": None, "fingerprint": fingerprint, "run_id": "r"}
    trail_of(home).append("materialize", details=told, to_hash=written.data_version)
    versions.clear_hold(name, None)
    return manifest
