"""The words of an alert: messages of bounded size, one per asset, and the daily digest. Nothing is
decided or sent here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hcc_assets.alerts.records import AlertRecord, one_line
from hcc_assets.alerts.state import Kind, Transition

MAX_TITLE = 140
"""Characters that a list of mails shows in full."""
MAX_BODY = 3500
"""Characters, below the 4096 that Telegram takes."""


@dataclass(frozen=True)
class Message:
    """Plain text; ``title`` is one line of at most 140 characters, ``body`` has at most 3500."""

    title: str
    body: str


def messages(transitions: Iterable[Transition], study: str) -> list[Message]:
    """One message per asset, new ones first within it."""
    grouped: dict[str, list[Transition]] = {}
    for transition in transitions:
        grouped.setdefault(transition.record.asset, []).append(transition)
    return [_message(asset, _ordered(found), study) for asset, found in sorted(grouped.items())]


def digest(
    transitions: Iterable[Transition], study: str, since: dt.datetime | None
) -> Message | None:
    """The digest of warnings: the last word on each alert, by asset; None when there is nothing to
    say. What came and went in between is one line."""
    last: dict[str, Transition] = {}
    came: set[str] = set()
    for transition in transitions:
        if transition.kind is Kind.NEW:
            came.add(transition.record.id)
        last[transition.record.id] = transition
    if not last:
        return None
    ordered = sorted(
        last.values(),
        key=lambda t: (
            t.record.asset,
            t.kind is Kind.RECOVERED,
            t.record.partition or "",
            t.record.check,
        ),
    )
    failing = sum(t.kind is not Kind.RECOVERED for t in ordered)
    title = f"[{study}] Warnings: {failing} open, {len(ordered) - failing} gone"
    lines = [f"Since {_time(since)}:" if since else "So far:"]
    blocks = []
    for t in ordered:
        word = (
            t.kind.value
            if t.kind is not Kind.RECOVERED
            else "came and went"
            if t.record.id in came
            else "recovered"
        )
        blocks.append(
            f"{_where(t.record)} - {t.record.title} ({word}{_affected(t.record)})"
            + (f". {t.record.what_to_do}" if t.record.what_to_do else "")
        )
    return Message(one_line(title)[:MAX_TITLE], _bounded(lines, blocks))


def _message(asset: str, transitions: Sequence[Transition], study: str) -> Message:
    counts = {kind: sum(t.kind is kind for t in transitions) for kind in Kind}
    what = ", ".join(f"{n} {kind.value}" for kind, n in counts.items() if n)
    only_good = counts[Kind.RECOVERED] == len(transitions)
    title = f"[{study}] {'RECOVERED' if only_good else 'ERROR'} {asset}: " + (
        transitions[0].record.title if len(transitions) == 1 else what
    )
    return Message(one_line(title)[:MAX_TITLE], _bounded([], [_block(t) for t in transitions]))


def _block(transition: Transition) -> str:
    r = transition.record
    if transition.kind is Kind.RECOVERED:
        lines = [
            f"RECOVERED: {_where(r)} - {r.title}",
            f"failed from {_time(r.first_seen)} to {_time(r.last_seen)}",
        ]
    else:
        lines = [f"{r.severity.value} ({transition.kind.value}): {_where(r)} - {r.title}"]
        if r.value is not None:
            lines.append(
                f"value {r.value:g}"
                + (f" against {r.threshold:g}" if r.threshold is not None else "")
            )
        if r.n_affected is not None or r.row_keys:
            keys = ", ".join(r.row_keys)
            lines.append(
                "affected: "
                + " ".join(
                    part
                    for part in (
                        str(r.n_affected) if r.n_affected is not None else "",
                        f"({keys})" if keys else "",
                    )
                    if part
                )
            )
        lines += [f"held back: {r.held_back}"] if r.held_back else []
        lines += [f"what to do: {r.what_to_do}"] if r.what_to_do else []
        lines.append(f"first seen {_time(r.first_seen)}, last seen {_time(r.last_seen)}")
    lines += [f"owner: {r.owner}"] if r.owner else []
    facts = [
        f"alert {r.id}",
        *([f"run {r.run_id}"] if r.run_id else []),
        *([f"input {r.input_hash[:16]}"] if r.input_hash else []),
    ]
    return "\n".join([*lines, ", ".join(facts), *r.links])


def _where(record: AlertRecord) -> str:
    return record.asset + (f"[{record.partition}]" if record.partition else "") + f" {record.check}"


def _affected(record: AlertRecord) -> str:
    return f", {record.n_affected} affected" if record.n_affected is not None else ""


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _ordered(transitions: Sequence[Transition]) -> list[Transition]:
    return sorted(
        transitions,
        key=lambda t: (list(Kind).index(t.kind), t.record.partition or "", t.record.check),
    )


def _bounded(lead: list[str], blocks: list[str]) -> str:
    """As many blocks as fit, then how many were left out."""
    out = list(lead)
    room = MAX_BODY - 80
    for index, block in enumerate(blocks):
        if sum(len(part) + 2 for part in out) + len(block) > room:
            if index == 0:
                out.append(block[: room - sum(len(part) + 2 for part in out) - 1] + "…")
                index = 1
            if index < len(blocks):
                out.append(f"… and {len(blocks) - index} more; `hcc status` lists them all")
            break
        out.append(block)
    return "\n\n".join(out)
