"""The alert state machine, pure: from what was open and what fails now to what is open and what is
to be told. No clock, no storage, no sending."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from hcc_assets.alerts.records import AlertRecord, Phase, Severity, Signal, Silence

CLOCK_SLACK = dt.timedelta(minutes=5)
"""Ours: machines of one study differ by seconds; more is a clock that was set back."""


class OpenAlert(BaseModel):
    """An alert that is failing: its record, when and as what it was last told, and why it is not
    told now."""

    model_config = ConfigDict(frozen=True)
    record: AlertRecord
    told_at: AwareDatetime | None = None
    told_severity: Severity | None = None
    hidden_by: str | None = None
    """Id of the failing upstream alert that explains this one."""
    silenced: bool = False


class Kind(StrEnum):
    NEW = "new"
    REPEAT = "still failing"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class Transition:
    """Something to tell. ERROR at once (also the recovery of what was told as an ERROR), WARN in
    the digest."""

    kind: Kind
    record: AlertRecord
    severity: Severity


@dataclass(frozen=True)
class Advance:
    """``alerts``: what is open now; ``closed``: ids that recovered; ``transitions``: what is to be
    told."""

    alerts: tuple[OpenAlert, ...]
    closed: tuple[str, ...]
    transitions: tuple[Transition, ...]


def advance(
    open_alerts: Sequence[OpenAlert],
    signals: Iterable[Signal],
    now: dt.datetime,
    repeat_hours: float = 24,
    *,
    silences: Collection[Silence] = (),
    upstream_of: Mapping[str, Collection[str]] | None = None,
    judged: Callable[[Signal], bool] = lambda _: True,
    can_tell: bool = True,
) -> Advance:
    """One step of the state machine.

    Parameters
    ----------
    open_alerts
        What was open after the last step.
    signals
        Everything that fails now; of several with one id the most severe counts.
    now
        Aware time of this step. A clock that went back does not silence a repeat.
    repeat_hours
        What still fails is told again after this time.
    silences
        What matches is kept but not told; told when the silence ends and it still fails.
    upstream_of
        All ancestors of each asset. What lies below an ERROR of the same partition, or of an
        unpartitioned ancestor, is not told while that lasts.
    judged
        False for an open alert on which this step has no evidence: its absence from ``signals`` is
        then no recovery.
    can_tell
        False while no channel is set up: alerts are kept and told as new once there is one.
    """
    current: dict[str, Signal] = {}
    for signal in signals:
        known = current.get(signal.id)
        if known is None or (known.severity is Severity.WARN and signal.severity is Severity.ERROR):
            current[signal.id] = signal
    before = {alert.record.id: alert for alert in open_alerts}
    kept = {i: a for i, a in before.items() if i not in current and not judged(a.record)}
    roots = _roots([*current.values(), *(a.record for a in kept.values())], upstream_of or {})
    alerts: list[OpenAlert] = list(kept.values())
    transitions: list[Transition] = []
    for identity in sorted(
        current, key=lambda i: (current[i].asset, current[i].partition or "", current[i].check)
    ):
        signal, old = current[identity], before.get(identity)
        record = AlertRecord.of(
            signal,
            first_seen=min(old.record.first_seen, now) if old else now,
            last_seen=now,
            state=Phase.STILL_FAILING if old else Phase.NEW,
        )
        silenced = any(s.covers(signal, now) for s in silences)
        told_at, told_severity = (old.told_at, old.told_severity) if old else (None, None)
        hidden_by = roots.get(identity)
        if can_tell and not silenced and hidden_by is None:
            kind = _due(told_at, told_severity, signal.severity, now, repeat_hours)
            if kind is not None:
                transitions.append(Transition(kind, record, signal.severity))
                told_at, told_severity = now, signal.severity
        alerts.append(
            OpenAlert(
                record=record,
                told_at=told_at,
                told_severity=told_severity,
                hidden_by=hidden_by,
                silenced=silenced,
            )
        )
    closed = sorted(set(before) - set(current) - set(kept))
    for identity in closed:
        old = before[identity]
        if old.told_at is not None and can_tell:
            record = old.record.model_copy(
                update={"state": Phase.RECOVERED, "last_seen": max(old.record.last_seen, now)}
            )
            transitions.append(
                Transition(Kind.RECOVERED, record, old.told_severity or old.record.severity)
            )
    return Advance(
        tuple(sorted(alerts, key=lambda a: a.record.id)), tuple(closed), tuple(transitions)
    )


def _due(
    told_at: dt.datetime | None,
    told: Severity | None,
    severity: Severity,
    now: dt.datetime,
    repeat_hours: float,
) -> Kind | None:
    if told_at is None:
        return Kind.NEW
    if told is Severity.WARN and severity is Severity.ERROR:
        return Kind.NEW
    elapsed = now - told_at
    return (
        Kind.REPEAT
        if elapsed >= dt.timedelta(hours=repeat_hours) or elapsed < -CLOCK_SLACK
        else None
    )


def _roots(signals: Sequence[Signal], upstream_of: Mapping[str, Collection[str]]) -> dict[str, str]:
    """For each signal that an ERROR of an ancestor explains, the id of that ancestor's alert."""
    failing: dict[str, list[Signal]] = {}
    for signal in signals:
        if signal.severity is Severity.ERROR:
            failing.setdefault(signal.asset, []).append(signal)
    found: dict[str, str] = {}
    for signal in signals:
        causes = sorted(
            cause.id
            for ancestor in upstream_of.get(signal.asset, ())
            if ancestor != signal.asset
            for cause in failing.get(ancestor, ())
            if cause.partition is None or cause.partition == signal.partition
        )
        if causes:
            found[signal.id] = causes[0]
    return found
