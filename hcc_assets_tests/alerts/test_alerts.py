"""The alert records and the state machine: once per incident and repeat interval, recovery told,
consequences hidden, no result and no identifier."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcc_assets.alerts.records import AlertRecord, Phase, Severity, Signal, Silence, clean
from hcc_assets.alerts.state import Kind, advance

NOW = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def signal(
    asset: str = "raw_counts",
    partition: str | None = "S01",
    check: str = "counts_are_counts",
    severity: str = "ERROR",
    **more,
) -> Signal:
    return Signal(
        asset=asset,
        partition=partition,
        check=check,
        severity=severity,
        title=more.pop("title", "Counts are whole numbers"),
        **more,
    )


def step(alerts, signals, now, **options):
    return advance(alerts, signals, now, **options)


def told(result) -> list[tuple[Kind, str]]:
    return [(t.kind, t.record.asset) for t in result.transitions]


def test_new_still_failing_repeated_recovered() -> None:
    first = step([], [signal()], NOW)
    assert told(first) == [(Kind.NEW, "raw_counts")]
    assert first.alerts[0].record.state is Phase.NEW
    second = step(first.alerts, [signal()], NOW + 23 * HOUR)
    assert told(second) == []
    assert second.alerts[0].record.state is Phase.STILL_FAILING
    assert second.alerts[0].record.first_seen == NOW
    third = step(second.alerts, [signal()], NOW + 24 * HOUR)
    assert told(third) == [(Kind.REPEAT, "raw_counts")]
    assert told(step(third.alerts, [signal()], NOW + 47 * HOUR)) == []
    last = step(third.alerts, [], NOW + 48 * HOUR)
    assert told(last) == [(Kind.RECOVERED, "raw_counts")]
    assert last.transitions[0].record.state is Phase.RECOVERED
    assert last.alerts == () and len(last.closed) == 1
    assert step(last.alerts, [], NOW + 49 * HOUR).transitions == ()


def test_the_same_step_twice_tells_once() -> None:
    first = step([], [signal(), signal()], NOW)
    assert len(first.transitions) == 1
    assert step(first.alerts, [signal()], NOW).transitions == ()


def test_a_warning_that_becomes_an_error_is_told_as_new() -> None:
    first = step([], [signal(severity="WARN")], NOW)
    second = step(first.alerts, [signal()], NOW + HOUR)
    assert told(second) == [(Kind.NEW, "raw_counts")]
    assert second.transitions[0].severity is Severity.ERROR


def test_an_error_that_becomes_a_warning_has_its_recovery_told_at_once() -> None:
    first = step([], [signal()], NOW)
    second = step(first.alerts, [signal(severity="WARN")], NOW + HOUR)
    assert told(second) == []
    assert step(second.alerts, [], NOW + 2 * HOUR).transitions[0].severity is Severity.ERROR


UPSTREAM = {
    "qc_cells": {"raw_counts"},
    "cells": {"raw_counts", "qc_cells"},
    "responses": {"subjects"},
}


def test_what_a_failed_upstream_explains_is_hidden_until_it_recovers() -> None:
    both = [signal(), signal("qc_cells"), signal("qc_cells", "S02")]
    first = step([], both, NOW, upstream_of=UPSTREAM)
    assert [(t.record.asset, t.record.partition) for t in first.transitions] == [
        ("qc_cells", "S02"),
        ("raw_counts", "S01"),
    ]
    hidden = next(
        a for a in first.alerts if a.record.asset == "qc_cells" and a.record.partition == "S01"
    )
    assert hidden.hidden_by == signal().id
    second = step(first.alerts, both[1:], NOW + HOUR, upstream_of=UPSTREAM)
    assert [(t.kind, t.record.asset, t.record.partition) for t in second.transitions] == [
        (Kind.NEW, "qc_cells", "S01"),
        (Kind.RECOVERED, "raw_counts", "S01"),
    ]


def test_one_bad_sample_does_not_hide_a_cohort_alert_but_a_table_does() -> None:
    result = step([], [signal(), signal("cells", None, "row_count")], NOW, upstream_of=UPSTREAM)
    assert len(result.transitions) == 2
    result = step(
        [], [signal("subjects", None), signal("responses", None)], NOW, upstream_of=UPSTREAM
    )
    assert told(result) == [(Kind.NEW, "subjects")]


def test_a_warning_upstream_hides_nothing() -> None:
    assert (
        len(
            step(
                [], [signal(severity="WARN"), signal("qc_cells")], NOW, upstream_of=UPSTREAM
            ).transitions
        )
        == 2
    )


def test_a_hidden_alert_that_recovers_is_not_told() -> None:
    first = step([], [signal(), signal("qc_cells")], NOW, upstream_of=UPSTREAM)
    assert told(step(first.alerts, [signal()], NOW + HOUR, upstream_of=UPSTREAM)) == []


def test_silence_ends() -> None:
    silence = Silence(asset="raw_*", until=NOW + 2 * HOUR, reason="known, core informed")
    first = step([], [signal(), signal("subjects", None)], NOW, silences=[silence])
    assert told(first) == [(Kind.NEW, "subjects")]
    assert [a.silenced for a in first.alerts if a.record.asset == "raw_counts"] == [True]
    second = step(
        first.alerts, [signal(), signal("subjects", None)], NOW + 2 * HOUR, silences=[silence]
    )
    assert told(second) == [(Kind.NEW, "raw_counts")]


def test_a_silence_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="reason"):
        Silence(until=NOW, reason="")


def test_no_evidence_is_no_recovery() -> None:
    first = step([], [signal(), signal("subjects", None)], NOW)
    second = step(first.alerts, [], NOW + HOUR, judged=lambda s: s.asset != "raw_counts")
    assert told(second) == [(Kind.RECOVERED, "subjects")]
    assert [a.record.asset for a in second.alerts] == ["raw_counts"]


def test_alerts_found_while_no_channel_was_set_up_are_told_when_there_is_one() -> None:
    first = step([], [signal()], NOW, can_tell=False)
    assert first.transitions == () and len(first.alerts) == 1
    assert told(step(first.alerts, [signal()], NOW + HOUR)) == [(Kind.NEW, "raw_counts")]


def test_a_clock_that_went_back_a_year_silences_nothing() -> None:
    first = step([], [signal()], NOW)
    second = step(first.alerts, [signal()], NOW - 24 * 365 * HOUR)
    assert told(second) == [(Kind.REPEAT, "raw_counts")]
    assert step(second.alerts, [signal()], NOW - 24 * 365 * HOUR + HOUR).transitions == ()


STEPS = st.lists(
    st.tuples(st.sets(st.sampled_from(["a", "b", "c"])), st.integers(0, 30)), max_size=25
)


@given(steps=STEPS)
def test_every_incident_is_told_once_per_repeat_interval_and_its_end_once(steps) -> None:
    now, alerts = NOW, ()
    open_since: dict[str, int] = {}
    last_told: dict[str, dt.datetime] = {}
    for failing, hours in steps:
        now += hours * HOUR
        result = step(alerts, [signal(asset, None) for asset in failing], now)
        alerts = result.alerts
        kinds = {t.record.asset: t.kind for t in result.transitions}
        assert len(kinds) == len(result.transitions)
        for asset in ("a", "b", "c"):
            if asset in failing and asset not in open_since:
                expected = Kind.NEW
            elif asset in failing:
                expected = Kind.REPEAT if now - last_told[asset] >= 24 * HOUR else None
            else:
                expected = Kind.RECOVERED if asset in open_since else None
            assert kinds.get(asset) is expected
            if expected in (Kind.NEW, Kind.REPEAT):
                last_told[asset] = now
        open_since = dict.fromkeys(failing, 0)
        assert {a.record.asset for a in alerts} == set(failing)


def test_records_carry_no_result_and_no_identifier() -> None:
    result = signal("response_rates", None, "orr_in_range", value=37.5, threshold=20.0)
    assert result.value is None and result.threshold is None
    count = signal(
        value=3.0,
        threshold=0.0,
        n_affected=7,
        row_keys=["S01/2", "姓名", "a@b.cn", "x" * 200, "5", "6", "7"],
    )
    assert count.value == 3.0
    assert count.row_keys == ("S01/2", "(withheld)", "(withheld)", "(withheld)", "5")
    text = clean("row of 13800138000, 110101199003074518, li@hospital.cn on 2026-11-22\nnext")
    assert text == "row of (withheld), (withheld), (withheld) on 2026-11-22 next"


def test_the_fields_of_a_record_are_the_promised_ones() -> None:
    assert set(AlertRecord.model_fields) == {
        "asset",
        "partition",
        "check",
        "severity",
        "title",
        "value",
        "threshold",
        "n_affected",
        "row_keys",
        "owner",
        "what_to_do",
        "held_back",
        "links",
        "run_id",
        "input_hash",
        "first_seen",
        "last_seen",
        "state",
    }
    assert signal().id == signal(severity="WARN", n_affected=3).id
    assert (
        len({signal().id, signal(partition="S02").id, signal(check="x").id, signal(asset="x").id})
        == 4
    )
