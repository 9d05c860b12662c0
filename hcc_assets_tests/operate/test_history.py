"""With a lost DAGSTER_HOME the UI is told again what stands, from manifests and in seconds."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import Plan, make_plan
from hcc_assets.catalogue.loading import all_assets
from hcc_assets.home.manifests import Manifest
from hcc_assets.home.paths import Home
from hcc_assets.operate.history import missing, restore
from hcc_assets.operate.sensors import landing_sensor, register_samples
from hcc_assets.operate.status import manifests_of
from hcc_assets_tests.operate.instances import instance_at
from hcc_assets_tests.tiny import Tiny


def plan_of(tiny: Tiny) -> Plan:
    return make_plan(Workbench(Home.at(tiny.root), all_assets()))


def test_an_empty_history_over_a_full_home_is_filled(tiny: Tiny, place: Path) -> None:
    plan = plan_of(tiny)
    manifests = manifests_of(plan)
    with instance_at(place / "dagster") as instance:
        register_samples(instance, plan.view)
        assert {key(m) for m in missing(instance, plan)} == {key(m) for m in manifests}
        written = restore(instance, plan, seconds=600)
        assert written == len(manifests) + sum(len(m.checks) for m in manifests)
        assert list(missing(instance, plan)) == []
        assert restore(instance, plan, seconds=600) == 0
        for manifest in manifests:
            assert_told(instance, manifest)


def key(manifest: Manifest) -> tuple[str, str | None]:
    return manifest.asset, manifest.partition


def assert_told(instance: dg.DagsterInstance, manifest: Manifest) -> None:
    """Dagster's newest materialization and checks are those of the manifest."""
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(
            asset_key=dg.AssetKey(manifest.asset),
            asset_partitions=[manifest.partition] if manifest.partition else None,
        ),
        limit=2,
    ).records
    (event,) = [r.asset_materialization for r in records]
    assert event is not None and event.tags is not None
    assert event.tags["dagster/data_version"] == manifest.data_version
    assert event.tags["dagster/code_version"] == manifest.code_version
    if manifest.rows is not None:
        assert event.metadata["dagster/row_count"].value == manifest.rows
    for check in manifest.checks:
        (record,) = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(dg.AssetKey(manifest.asset), check.name),
            limit=1,
            partition_filter=None,
        )
        assert record.status.value in ("SUCCEEDED", "FAILED")


def test_it_goes_on_where_it_was_cut_off(tiny: Tiny, place: Path) -> None:
    plan = plan_of(tiny)
    with instance_at(place / "dagster") as instance:
        register_samples(instance, plan.view)
        total = len(list(missing(instance, plan)))
        first = next(missing(instance, plan))
        assert restore(instance, plan, seconds=0.0) == 1 + len(first.checks)
        assert len(list(missing(instance, plan))) == total - 1


def test_the_landing_sensor_registers_samples_and_then_fills_the_history(
    tiny: Tiny, place: Path
) -> None:
    home = Home.at(tiny.root)
    sensor = landing_sensor(lambda: home, all_assets())
    keys = Workbench(home, all_assets()).keys
    with instance_at(place / "dagster") as instance:
        first = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
        (added,) = first.dynamic_partitions_requests or []
        assert sorted(added.partition_keys) == sorted(keys)
        assert {e.partition for e in first.asset_events} == set(keys)
        instance.add_dynamic_partitions("sample", list(keys))
        second = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
        assert "events of what stands were written into the history" in str(second.skip_message)
        for _ in range(5):
            message = str(
                sensor.evaluate_tick(dg.build_sensor_context(instance=instance)).skip_message
            )
            if message == "nothing new landed":
                break
        assert message == "nothing new landed"
        assert not second.run_requests


@pytest.mark.parametrize("asset", ["subjects", "responses"])
def test_what_dagster_knows_is_not_told_again(tiny: Tiny, place: Path, asset: str) -> None:
    plan = plan_of(tiny)
    version = plan.view.versions.require(asset).data_version
    with instance_at(place / "dagster") as instance:
        for told in (version, "another"):
            instance.report_runless_asset_event(
                dg.AssetMaterialization(asset, tags={"dagster/data_version": told})
            )
            assert (asset in {m.asset for m in missing(instance, plan)}) == (told != version)
