"""What stands in a home, for ``hcc status``, the report and the alerts: one dictionary, nothing
computed beyond comparing versions."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from hcc_assets.assets.accounting import account, total_line, totals, unlisted
from hcc_assets.assets.definition import Asset
from hcc_assets.assets.healing import healed_since
from hcc_assets.assets.inputs import Node
from hcc_assets.assets.plan import Plan, make_plan
from hcc_assets.assets.view import HomeView
from hcc_assets.home.damage import Damaged
from hcc_assets.home.manifests import CheckRecord, Manifest
from hcc_assets.home.paths import Home
from hcc_assets.home.published import damaged


def home_status(home: Home, assets: Mapping[str, Asset]) -> dict[str, Any]:
    """State of samples, subjects, assets and checks.

    Returns
    -------
    dict
        ``samples`` by state, ``subjects``, ``assets`` by state, ``stale`` and ``held`` nodes,
        ``failing_checks``, ``export``, ``settling``, ``refused``; ``deliveries`` by fate, those
        ``left_out``, files in landing that are ``unlisted``, and published files that are
        ``damaged``.
    """
    view = HomeView(home, assets)
    plan = make_plan(view)
    received = _if_whole(view, lambda: account(view), [])
    left_out = [f"{r.path}: {r.reason}" for r in received if r.fate == "left out"]
    deliveries = {"deliveries": totals(received), "left_out": left_out, "unlisted": unlisted(view)}
    return (
        plan_status(view, plan)
        | deliveries
        | {"damaged": damaged(view.versions, manifests_of(plan))}
        | {"store_damaged": _store_damaged(view, plan), "healed": _healed(view)}
    )


def _if_whole(view: HomeView, ask: Callable[[], Any], otherwise: Any) -> Any:
    """An answer from a stored file, or the other one while that is damaged."""
    try:
        return ask()
    except Damaged as error:
        view.versions.note(error.damage)
        return otherwise


def _store_damaged(view: HomeView, plan: Plan) -> list[str]:
    return [str(d) for node in plan.states for d in view.versions.damages(*node)]


HEALED_DAYS = 7
"""How long a damage that was made good is told: own choice, a week as the driver's decisions."""


def _healed(view: HomeView) -> list[str]:
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=HEALED_DAYS)
    return [
        f"{'/'.join(filter(None, (h.asset, h.partition)))} {h.file} {h.what}: {h.how} at "
        f"{h.at:%Y-%m-%d %H:%M} UTC"
        for h in healed_since(view.home, since)
    ]


def plan_status(view: HomeView, plan: Plan) -> dict[str, Any]:
    """The same for a plan that is already made."""
    landing = view.landing
    samples = Counter(d.state for d in landing.samples.values())
    held = [_held(view, plan, node) for node in plan.of("held")]
    return {
        "home": str(view.home.root),
        "samples": {
            "in_sheet": len(landing.sheet.rows),
            "standing": len(view.standing("annotated_cells")),
            **samples,
        },
        "sheet_problems": [f"{where}: {what}" for where, what in landing.sheet.problems]
        + ([landing.sheet.refused] if landing.sheet.refused else []),
        "subjects": _rows(view, "subjects"),
        "export": _if_whole(view, lambda: _export_of(view), None),
        "cutoff": _if_whole(view, lambda: view.cutoff.isoformat(), "unknown"),
        "reference": _reference(view),
        "reference_lacks": _if_whole(view, lambda: _reference_lacks(view), {}),
        "short_sd": _if_whole(view, lambda: _short_sd(view), None),
        "assets": dict(Counter(s.state for s in plan.states.values())),
        "stale": [label(view, n) for n in plan.of("stale") if view.assets[n[0]].automatic],
        "waiting": [label(view, n) for n in plan.of("waiting")],
        "held": held,
        "failing_checks": failing_checks(view, plan),
        "confounded": _if_whole(view, lambda: _confounded(view), []),
        "settling": [d.path for d in landing.settling],
        "incomplete": [
            f"{d.id}: {d.reason}" for d in landing.samples.values() if d.state == "incomplete"
        ],
        "refused": [f"{d.path}: {d.reason}" for d in landing.beside if d.state == "refused"],
    }


def _export_of(view: HomeView) -> str | None:
    if view.versions.current("clinical_export") is None:
        return None
    return str(view.versions.facts("clinical_export").get("export_id"))


def _confounded(view: HomeView) -> list[str]:
    """Contrasts without a verdict on composition, with what goes with the timepoint."""
    if view.versions.current("design_confounding") is None:
        return []
    from hcc_assets.stats.design_confounding import confounded_contrasts

    table = view.versions.frame("design_confounding", "table")
    held = table[table["contrast"].isin(confounded_contrasts(table))]
    bad = held[held["verdict"].isin(["WARN", "CONFOUNDED"])]
    return [f"{r.contrast}: {r.factor} {r.statement}" for r in bad.itertuples()]


def label(view: HomeView, node: Node) -> str:
    """``asset`` or ``asset/sample``, with the id of the sample."""
    return node[0] if node[1] is None else f"{node[0]}/{view.people.sample(node[1])}"


def manifests_of(plan: Plan) -> list[Manifest]:
    """What stands, in the order of the plan."""
    found = (plan.view.versions.current(*node) for node in plan.states)
    return [manifest for manifest in found if manifest is not None]


def failing_checks(view: HomeView, plan: Plan) -> list[dict[str, Any]]:
    """Checks of standing versions that did not pass, and gates of held ones."""
    held = set(plan.of("held"))
    found = []
    for node in plan.states:
        manifest = view.versions.current(*node)
        refused = view.versions.held(*node) if node in held else None
        checks = [*(manifest.checks if manifest else []), *(refused.checks if refused else [])]
        found += [_failing(view, node, check) for check in checks if not check.passed]
    return found


def _failing(view: HomeView, node: Node, check: CheckRecord) -> dict[str, Any]:
    sample = view.people.sample(node[1]) if node[1] else None
    told = {**check.model_dump(exclude={"passed"})}
    told["description"] = view.people.in_ids(check.description)
    return {"asset": node[0], "sample": sample, **told}


def _held(view: HomeView, plan: Plan, node: Node) -> dict[str, Any]:
    current = view.versions.current(*node)
    held = view.versions.held(*node)
    return {
        "asset": node[0],
        "sample": view.people.sample(node[1]) if node[1] else None,
        "reason": view.people.in_ids(plan.states[node].reason),
        "held_at": held.at.isoformat() if held else None,
        "stands_since": current.since.isoformat() if current else None,
    }


def _rows(view: HomeView, asset: str) -> int | None:
    manifest = view.versions.current(asset)
    return manifest.rows if manifest else None


def _reference(view: HomeView) -> str | None:
    manifest = view.versions.current("annotation_reference")
    return str(manifest.notes.get("version")) if manifest else None


def _reference_lacks(view: HomeView) -> dict[str, int]:
    """What a provisional reference lacks to be frozen: seed cells of these classes, and
    ``samples``, with what there is."""
    if not (_reference(view) or "").startswith("provisional"):
        return {}
    from hcc_assets.cells.reference.freezing import lacking_seeds

    keys = view.standing("qc_cells")
    seeds = [view.versions.frame("qc_cells", "seeds", key) for key in keys]
    lacks = lacking_seeds(pd.concat(seeds)) if seeds else {}
    few = len(keys) < view.config.single_cell.reference_min_samples
    return ({"samples": len(keys)} if few else {}) | lacks


def _short_sd(view: HomeView) -> dict[str, int] | None:
    """Column ``n_short_sd`` of the published rates, treated population, by source; None before
    there are rates."""
    if view.versions.current("response_rates") is None:
        return None
    rates = view.versions.frame("response_rates", "table")
    rates = rates[rates["CRITERION"] == view.config.recist.criteria[0]]
    counts = rates[rates["population"] == "TREATED"].groupby("source")["n_short_sd"].max()
    return {
        "days": view.config.recist.sd_minimum_days - view.config.recist.visit_window_days,
        **{str(k): int(v) for k, v in counts.items()},
    }


def _lacks_line(report: Mapping[str, Any]) -> list[str]:
    lacks = dict(report.get("reference_lacks") or {})
    if not lacks:
        return []
    from hcc_assets.cells.reference.freezing import SEEDS_TO_FREEZE

    parts = [f"samples {lacks.pop('samples')}"] if "samples" in lacks else []
    if lacks:
        told = ", ".join(f"{name} {n}" for name, n in lacks.items())
        parts.append(f"seed cells (of {SEEDS_TO_FREEZE}): {told}")
    return [f"            too few to be frozen: {'; '.join(parts)}"]


def status_lines(report: Mapping[str, Any]) -> list[str]:
    """The status for a person."""
    samples = report["samples"]
    lines = [
        f"Home        {report['home']}",
        f"Samples     {samples['standing']} standing of {samples['in_sheet']} in samples.csv",
        "Subjects    "
        f"{report['subjects'] if report['subjects'] is not None else 'no clinical export yet'}",
        f"Export      {report['export'] or 'none'} (data cut-off {report['cutoff']})",
        f"Reference   {report['reference'] or 'none yet'}",
        *_lacks_line(report),
        "Assets      " + ", ".join(f"{n} {state}" for state, n in sorted(report["assets"].items())),
    ]
    if report["short_sd"]:
        n = report["short_sd"]
        lines.append(
            f"Stable      with an SD minimum of {n['days']} days BOR would change for "
            f"{n['BOR']} subjects, CBOR for {n['CBOR']}"
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
    lines += [f"  {text}: run hcc refresh" for text in report.get("store_damaged", [])]
    lines += [f"  healed      {text}" for text in report.get("healed", [])]
    lines += [f"  settling    {path}" for path in report["settling"]]
    lines += [f"  incomplete  {text}" for text in report["incomplete"]]
    lines += [f"  refused     {text}" for text in report["refused"]]
    lines += [f"  sheet       {text}" for text in report["sheet_problems"]]
    if report["stale"]:
        lines.append(
            "  stale       "
            f"{', '.join(report['stale'][:8])}{' …' if len(report['stale']) > 8 else ''}: "
            "run hcc refresh"
        )
    lines += [
        f"  CONFOUNDED  {text}; no change of composition has a verdict"
        for text in report.get("confounded", [])
    ]
    for held in report["held"]:
        since = (
            f"; the version of {held['stands_since'][:16]} stands"
            if held["stands_since"]
            else "; there is no earlier version"
        )
        lines.append(
            f"  HELD        {held['asset']}{'/' + held['sample'] if held['sample'] else ''}: "
            f"{held['reason']}{since}"
        )
    for check in report["failing_checks"]:
        lines.append(
            f"  {check['severity']:<11} "
            f"{check['asset']}{'/' + check['sample'] if check['sample'] else ''} "
            f"{check['name']}: {check['description']}"
        )
    for alert in report.get("alerts", []):
        where = (
            f"{alert['asset']}{'/' + alert['partition'] if alert['partition'] else ''} "
            f"{alert['check']}"
        )
        lines.append(
            f"  alert       {alert['id']} {alert['severity']} {where}: {alert['state']} "
            f"since {alert['first_seen']:%Y-%m-%d %H:%M}"
        )
    return lines
