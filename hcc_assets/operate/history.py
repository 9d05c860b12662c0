"""Dagster's history from manifests: with a lost or another ``DAGSTER_HOME`` the UI shows what
stands all the same. Events are runless; what they say is what the manifests say.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    extract_data_version_from_entry,
)

from hcc_assets.assets.definition import Asset
from hcc_assets.assets.plan import Plan
from hcc_assets.assets.telling import check_told, manifest_metadata
from hcc_assets.home.manifests import Manifest


def restore(instance: dg.DagsterInstance, plan: Plan, *, seconds: float) -> int:
    """Report what stands and Dagster does not know of.

    Parameters
    ----------
    seconds
        Time at the most; the next call goes on. A version that was begun is told with its checks.

    Returns
    -------
    int
        Events written.
    """
    written, until = 0, time.monotonic() + seconds
    for manifest in missing(instance, plan):
        asset = plan.view.assets[manifest.asset]
        for event in events_of(asset, manifest, plan):
            instance.report_runless_asset_event(event)
            written += 1
        if time.monotonic() >= until:
            break
    return written


def missing(instance: dg.DagsterInstance, plan: Plan) -> Iterator[Manifest]:
    """What stands without its materialization: versions that Dagster does not know, or another
    one than it knows."""
    view = plan.view
    tables = [a.name for a in view.assets.values() if not a.per_sample]
    keys = [dg.AssetKey(name) for name in tables]
    records = instance.event_log_storage.get_asset_records(keys)
    known = {r.asset_entry.asset_key.path[-1]: _data_version(r) for r in records}
    for name in tables:
        manifest = view.versions.current(name)
        if manifest is not None and known.get(name) != manifest.data_version:
            yield manifest
    for asset in view.assets.values():
        if not asset.per_sample:
            continue
        there = instance.get_materialized_partitions(dg.AssetKey(asset.name))
        for key in view.standing(asset.name):
            manifest = view.versions.current(asset.name, key)
            if manifest is not None and key not in there:
                yield manifest


def _data_version(record: dg.AssetRecord) -> str | None:
    entry = record.asset_entry.last_materialization
    version = extract_data_version_from_entry(entry) if entry else None
    return version.value if version else None


def events_of(
    asset: Asset, manifest: Manifest, plan: Plan
) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
    """The materialization of a version and the verdicts of its checks."""
    told: dict[str, Any] = {"at": dg.MetadataValue.timestamp(manifest.at), "restored": True}
    yield dg.AssetMaterialization(
        asset_key=asset.name,
        partition=manifest.partition,
        metadata={**manifest.notes, **manifest_metadata(asset, manifest, plan.view.home), **told},
        tags={
            DATA_VERSION_TAG: manifest.data_version,
            DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
            CODE_VERSION_TAG: manifest.code_version,
        },
    )
    known = {check.name for check in (asset.gate, *asset.checks)}
    for record in manifest.checks:
        if record.name in known:
            yield check_told(asset, record, manifest).to_evaluation(asset.name, manifest.partition)
