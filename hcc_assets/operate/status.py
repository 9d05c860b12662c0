"""What stands in a home, for ``hcc status``, the report and the alerts: one dictionary, nothing computed beyond comparing versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hcc_assets.assets.accounting import account, total_line, totals, unlisted
from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.plan import Plan, make_plan
from hcc_assets.assets.recipes import Recipe
from hcc_assets.home.mending import damaged
from hcc_assets.home.paths import Home


def home_status(home: Home, recipes: Mapping[str, Recipe]) -> dict[str, Any]:
    """State of samples, subjects, assets and checks.

    Returns
    -------
    dict
        ``samples`` by state, ``subjects``, ``assets`` by state, ``stale`` and ``held`` nodes, ``failing_checks``, ``export``, ``settling``, ``refused``;
        ``deliveries`` by fate, those ``left_out``, files in landing that are ``unlisted``, and published files that are
        ``damaged``.
    """
    bench = Workbench(home, recipes)
    plan = make_plan(bench)
    received = account(bench)
    left_out = [f"{r.path}: {r.reason}" for r in received if r.fate == "left out"]
    deliveries = {"deliveries": totals(received), "left_out": left_out, "unlisted": unlisted(bench)}
    return plan_status(bench, plan) | deliveries | {"damaged": damaged(bench)}


def plan_status(bench: Workbench, plan: Plan) -> dict[str, Any]:
    """The same for a plan that is already made."""
    landing = bench.landing
    samples = Counter(d.state for d in landing.samples.values())
    held = [_held(bench, plan, node) for node in plan.of("held")]
    return {
        "home": str(bench.home.root),
        "samples": {
            "in_sheet": len(landing.sheet.rows),
            "standing": len(bench.standing("annotated_cells")),
            **samples,
        },
        "sheet_problems": [f"{where}: {what}" for where, what in landing.sheet.problems]
        + ([landing.sheet.refused] if landing.sheet.refused else []),
        "subjects": _rows(bench, "subjects"),
        "export": bench.versions.facts("clinical_export").get("export_id")
        if bench.versions.current("clinical_export")
        else None,
        "cutoff": bench.cutoff.isoformat(),
        "reference": _reference(bench),
        "short_sd": _short_sd(bench),
        "assets": dict(Counter(s.state for s in plan.states.values())),
        "stale": [label(n) for n in plan.of("stale") if bench.recipes[n[0]].automatic],
        "waiting": [label(n) for n in plan.of("waiting")],
        "held": held,
        "failing_checks": failing_checks(bench, plan),
        "settling": [d.path for d in landing.settling],
        "incomplete": [
            f"{d.id}: {d.reason}" for d in landing.samples.values() if d.state == "incomplete"
        ],
        "refused": [f"{d.path}: {d.reason}" for d in landing.references if d.state == "refused"],
    }


def label(node: tuple[str, str | None]) -> str:
    """``asset`` or ``asset/sample``."""
    return node[0] if node[1] is None else f"{node[0]}/{node[1]}"


def failing_checks(bench: Workbench, plan: Plan) -> list[dict[str, Any]]:
    """Checks of standing versions that did not pass, and gates of held ones."""
    found = []
    for node in plan.states:
        manifest = bench.versions.current(*node)
        for check in manifest.checks if manifest else []:
            if not check.passed:
                found.append(
                    {"asset": node[0], "sample": node[1], **check.model_dump(exclude={"passed"})}
                )
    for node in plan.of("held"):
        held = bench.versions.held(*node)
        for check in held.checks if held else []:
            if not check.passed:
                found.append(
                    {"asset": node[0], "sample": node[1], **check.model_dump(exclude={"passed"})}
                )
    return found


def _held(bench: Workbench, plan: Plan, node: tuple[str, str | None]) -> dict[str, Any]:
    current = bench.versions.current(*node)
    held = bench.versions.held(*node)
    return {
        "asset": node[0],
        "sample": node[1],
        "reason": plan.states[node].reason,
        "held_at": held.at.isoformat() if held else None,
        "stands_since": current.since.isoformat() if current else None,
    }


def _rows(bench: Workbench, asset: str) -> int | None:
    manifest = bench.versions.current(asset)
    return manifest.rows if manifest else None


def _reference(bench: Workbench) -> str | None:
    manifest = bench.versions.current("annotation_reference")
    return str(manifest.notes.get("version")) if manifest else None


def _short_sd(bench: Workbench) -> dict[str, int] | None:
    """Column ``n_short_sd`` of the published rates, treated population, by source; None before there are rates."""
    if bench.versions.current("response_rates") is None:
        return None
    rates = bench.versions.frame("response_rates", "table")
    counts = rates[rates["population"] == "TREATED"].groupby("source")["n_short_sd"].max()
    return {
        "days": bench.config.recist.sd_minimum_days - bench.config.recist.visit_window_days,
        **{str(k): int(v) for k, v in counts.items()},
    }


def status_lines(report: Mapping[str, Any]) -> list[str]:
    """The status for a person."""
    samples = report["samples"]
    lines = [
        f"Home        {report['home']}",
        f"Samples     {samples['standing']} standing of {samples['in_sheet']} in samples.csv",
        f"Subjects    {report['subjects'] if report['subjects'] is not None else 'no clinical export yet'}",
        f"Export      {report['export'] or 'none'} (data cut-off {report['cutoff']})",
        f"Reference   {report['reference'] or 'none yet'}",
        "Assets      " + ", ".join(f"{n} {state}" for state, n in sorted(report["assets"].items())),
    ]
    if report["short_sd"]:
        n = report["short_sd"]
        lines.append(
            f"Stable      with an SD minimum of {n['days']} days BOR would change for {n['BOR']} subjects, CBOR for {n['CBOR']}"
        )
    if "deliveries" in report:
        lines.insert(3, f"Deliveries  {total_line(report['deliveries'])}")
        lines += [
            f"  damaged     {name} in published/ is gone or was changed: run hcc refresh"
            for name in report["damaged"]
        ]
        lines += [f"  left out    {text}" for text in report["left_out"]]
        lines += [
            f"  unlisted    {n} files in landing/{place} belong to no delivery"
            for place, n in report["unlisted"].items()
        ]
    lines += [f"  settling    {path}" for path in report["settling"]]
    lines += [f"  incomplete  {text}" for text in report["incomplete"]]
    lines += [f"  refused     {text}" for text in report["refused"]]
    lines += [f"  sheet       {text}" for text in report["sheet_problems"]]
    if report["stale"]:
        lines.append(
            f"  stale       {', '.join(report['stale'][:8])}{' …' if len(report['stale']) > 8 else ''}: run hcc refresh"
        )
    for held in report["held"]:
        since = (
            f"; the version of {held['stands_since'][:16]} stands"
            if held["stands_since"]
            else "; there is no earlier version"
        )
        lines.append(
            f"  HELD        {held['asset']}{'/' + held['sample'] if held['sample'] else ''}: {held['reason']}{since}"
        )
    for check in report["failing_checks"]:
        lines.append(
            f"  {check['severity']:<11} {check['asset']}{'/' + check['sample'] if check['sample'] else ''} {check['name']}: {check['description']}"
        )
    for alert in report.get("alerts", []):
        where = f"{alert['asset']}{'/' + alert['partition'] if alert['partition'] else ''} {alert['check']}"
        lines.append(
            f"  alert       {alert['id']} {alert['severity']} {where}: {alert['state']} since {alert['first_seen']:%Y-%m-%d %H:%M}"
        )
    return lines
