"""Promises G2 and G12: whatever is uploaded, cut off, sent again, renamed, withdrawn, erased or
interrupted, in any order, nothing vanishes, landing is never changed, what is published is a judged
version, and a second refresh computes nothing. Hypothesis chooses the order and shrinks what fails;
harm that is done on purpose shows that each invariant sees it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from hcc_assets.audit import trail
from hcc_assets.audit.trail import trail_of
from hcc_assets_tests.journeys.reconciliation_machine import Reconciliation, ThroughDagster

Harm = Callable[[Reconciliation], object]


def first_of(folder: Path, pattern: str) -> Path:
    return min(folder.glob(pattern))


def newest_export_is_deleted(machine: Reconciliation) -> None:
    shutil.rmtree(machine.root / "landing" / max(machine.done))


def reason_is_lost(machine: Reconciliation) -> None:
    machine.upload_export("shrunk")
    machine.tick()
    machine.after_a_refresh_all_is_judged_and_published()
    shutil.rmtree(machine.root / "quarantine")


def published_table_is_replaced(machine: Reconciliation) -> None:
    first, second = sorted((machine.root / "published").glob("*.parquet"))[:2]
    shutil.copy(first, second)


def published_table_is_deleted(machine: Reconciliation) -> None:
    machine.published_tables_are_judged_versions()
    first_of(machine.root / "published", "*.parquet").unlink()


def version_loses_its_manifest(machine: Reconciliation) -> None:
    for manifest in (machine.root / "store" / "subjects").rglob("*.json"):
        manifest.unlink()


def erased_name_is_published(machine: Reconciliation) -> None:
    machine.erased = {machine.people()[0]}


def later_export_is_not_worked_on(machine: Reconciliation) -> None:
    machine.upload_export("good")
    machine.clean = True


def entry_of_the_trail_is_cut_out(machine: Reconciliation) -> None:
    path = trail_of(machine.home).path
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:1] + lines[2:]))


def trail_is_begun_anew(machine: Reconciliation) -> None:
    machine.the_trail_is_whole_and_names_nobody_erased()
    shutil.rmtree(trail_of(machine.home).path.parent)
    trail._trail.cache_clear()


def trail_names_the_erased(machine: Reconciliation) -> None:
    machine.erased = {"S-001"}
    trail_of(machine.home).append("accept", why="S-001 is right")


HARMS: dict[Harm, Harm] = {
    newest_export_is_deleted: Reconciliation.nothing_vanishes,
    reason_is_lost: Reconciliation.after_a_refresh_all_is_judged_and_published,
    published_table_is_replaced: Reconciliation.published_tables_are_judged_versions,
    published_table_is_deleted: Reconciliation.published_tables_are_judged_versions,
    version_loses_its_manifest: Reconciliation.published_tables_are_judged_versions,
    erased_name_is_published: Reconciliation.published_tables_are_judged_versions,
    later_export_is_not_worked_on: Reconciliation.after_a_refresh_all_is_judged_and_published,
    entry_of_the_trail_is_cut_out: Reconciliation.the_trail_is_whole_and_names_nobody_erased,
    trail_is_begun_anew: Reconciliation.the_trail_is_whole_and_names_nobody_erased,
    trail_names_the_erased: Reconciliation.the_trail_is_whole_and_names_nobody_erased,
}
"""What must not happen to a home, and what of the machine sees it."""


@pytest.mark.parametrize("harm", list(HARMS), ids=lambda harm: harm.__name__)
def test_the_machine_sees_harm(harm: Harm) -> None:
    machine = Reconciliation()
    try:
        machine.a_home_with_an_export()
        HARMS[harm](machine)
        harm(machine)
        with pytest.raises(AssertionError):
            HARMS[harm](machine)
    finally:
        machine.teardown()


def play(machine: type[Reconciliation], examples: int, steps: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=checks,
        derandomize=True,
        database=None,
        print_blob=True,
    )
    run_state_machine_as_test(machine, settings=chosen)


def test_any_order_of_events_short() -> None:
    play(Reconciliation, 5, 7)


@pytest.mark.faults
@pytest.mark.timeout(3000)
def test_any_order_of_events() -> None:
    play(Reconciliation, 40, 20)


@pytest.mark.faults
@pytest.mark.timeout(3000)
def test_any_order_of_events_through_dagster() -> None:
    play(ThroughDagster, 3, 10)
