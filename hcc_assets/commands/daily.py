"""Commands of every day: demo, refresh, status, validate. What they do is elsewhere; here is what
they say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hcc_assets.commands.common import (
    finish,
    home_to_change,
    readable_home,
    say,
    with_home,
    with_json,
)
from hcc_assets.home.paths import Home

if TYPE_CHECKING:
    import dagster as dg

    from hcc_assets.assets.plan import Plan
    from hcc_assets.operate.refresh import Summary


@click.command()
@click.option(
    "--subjects",
    default=12,
    show_default=True,
    type=click.IntRange(1, 100_000),
    help="Subjects to enrol.",
)
@click.option(
    "--cells",
    default=1500,
    show_default=True,
    type=click.IntRange(50, 100_000),
    help="Cells per sample.",
)
@click.option(
    "--seed", default=0, show_default=True, type=int, help="The same seed gives the same bytes."
)
@click.option(
    "--setting",
    default="easy",
    show_default=True,
    type=click.Choice(["easy", "hard", "null", "real"]),
    help="How hard the cells are to tell apart.",
)
@with_home
def demo(home: Home, subjects: int, cells: int, seed: int, setting: str) -> None:
    """Write a simulated trial: its deliveries into landing/, its truth into truth/."""
    from hcc_assets.simulate.trial import simulate_trial

    if not home.is_local:
        raise click.UsageError(
            "hcc demo writes into a local folder; copy its landing/ to the object store"
        )
    if home.samples_csv.exists() and not (home.root / "truth").exists():
        raise click.UsageError(
            f"{home.landing} holds deliveries that are not simulated; choose another --home"
        )
    with click.progressbar(length=1, label="Simulating", show_pos=False) as bar:

        def progress(done: int, total: int, label: str) -> None:
            bar.length = total
            bar.label = f"Simulating {label}"
            bar.update(done - bar.pos)

        simulate_trial(
            Path(str(home.root)),
            subjects=subjects,
            cells=cells,
            seed=seed,
            setting=setting,
            progress=progress,
        )
    click.echo(
        f"Simulated {subjects} subjects with {cells} cells a sample (seed {seed}) "
        f"in {home.landing}; truth in {home.root / 'truth'}"
    )
    click.echo(f"Next: hcc refresh --home {home.root}")


@click.command()
@click.option(
    "--jobs",
    default=None,
    type=click.IntRange(1),
    help="Samples worked on side by side (default: the cores there are).",
)
@click.option(
    "--memory",
    default=None,
    type=click.IntRange(256),
    metavar="MB",
    help="Memory they may use together (default: 70 % of what is free).",
)
@click.option(
    "--engine",
    default="local",
    show_default=True,
    type=click.Choice(["local", "ray"]),
    help="Work on samples here, or on the nodes of a Ray cluster.",
)
@click.option(
    "--address",
    default=None,
    help="The Ray cluster: auto, host:6379 or ray://host:10001 (default: auto).",
)
@click.option(
    "--force",
    multiple=True,
    metavar="ASSET[@SAMPLE]",
    help="Compute this again although it is fresh; may be given several times.",
)
@click.option("--quiet", is_flag=True, help="No progress lines.")
@with_json
@with_home
def refresh(
    home: Home,
    jobs: int | None,
    memory: int | None,
    engine: str,
    address: str | None,
    force: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Bring everything up to date, print what changed, send the alerts that are due."""
    home_to_change(home)
    if engine == "ray" and (jobs is not None or memory is not None):
        raise click.UsageError(
            "--jobs and --memory are for this machine; "
            "a Ray node has what ray start --num-cpus and --memory said"
        )
    if engine != "ray" and address is not None:
        raise click.UsageError("--address needs --engine ray")
    from hcc_assets.operate.ray.site import RayUnfit, require_ray

    try:
        if engine == "ray":
            require_ray()
        summary = refreshed(
            home,
            quiet=quiet or as_json,
            jobs=jobs,
            memory_mb=memory,
            ray_address=(address or "auto") if engine == "ray" else None,
            force=force,
        )
    except (RayUnfit, LookupError) as unfit:
        raise click.UsageError(str(unfit)) from None
    say(_refresh_payload(summary), as_json, _refresh_lines(home, summary))
    finish(bool(summary.troubled or summary.trail))


def refreshed(home: Home, *, quiet: bool, **options: Any) -> Summary:
    """Refresh a home, with progress for a person, and deliver the alerts that are due."""
    from hcc_assets.alerts.dagster_signals import tell_of
    from hcc_assets.home.people.register import read_people
    from hcc_assets.operate.actions import refresh_home

    def progress(label: str, state: str) -> None:
        if not quiet:
            click.echo(f"  {read_people(home).in_ids(label)}: {state}", err=True)

    def alerts(plan: Plan, instance: dg.DagsterInstance) -> dict[str, Any]:
        return tell_of(plan, instance, at_once=True)

    return refresh_home(home, progress=progress, then=alerts, **options)


def _refresh_payload(summary: Summary) -> dict[str, Any]:
    return {
        "changed": [vars(c) for c in summary.changes if c.state in ("new", "changed")],
        "held": [vars(c) for c in summary.troubled],
        "new_samples": summary.new_samples,
        "findings": [vars(f) for f in summary.findings],
        "settling": summary.settling,
        "healed": [h.model_dump(mode="json") for h in summary.healed],
        "runs": summary.runs,
        "alerts": summary.alerts,
        "trail": summary.trail,
        "seconds": round(summary.seconds, 2),
    }


def _refresh_lines(home: Home, summary: Summary) -> list[str]:
    changed = [c for c in summary.changes if c.state in ("new", "changed")]
    lines = [f"New samples: {', '.join(summary.new_samples)}"] if summary.new_samples else []
    tables = [
        f"{c.asset} ({c.rows} rows)" if c.rows is not None else c.asset
        for c in changed
        if c.sample is None
    ]
    samples = sorted({c.sample for c in changed if c.sample is not None})
    if samples:
        lines.append(f"Samples worked on: {', '.join(samples)}")
    if tables:
        lines.append(f"Changed: {', '.join(tables)}")
    lines += [
        f"HELD {c.asset}{f' of {c.sample}' if c.sample else ''}: {c.reason}"
        for c in summary.troubled
    ]
    lines += [
        f"DAMAGED {h.asset}{f'/{h.partition}' if h.partition else ''}/{h.file} {h.what}; {h.how}"
        for h in summary.healed
    ]
    lines += _finding_lines(summary)
    lines += [f"AUDIT TRAIL: {fault}" for fault in summary.trail]
    lines += [f"Still settling, taken next time: {path}" for path in summary.settling]
    if not changed and not summary.troubled and not summary.healed:
        lines.append("Everything was up to date.")
    lines.append(f"Done in {summary.seconds:.1f} s. Report: {home.published / 'report.html'}")
    return lines


def _finding_lines(summary: Summary) -> list[str]:
    """One line for each check that did not pass, however many samples it is about."""
    found: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for f in summary.findings:
        found.setdefault((f.severity, f.asset, f.check), []).append((f.sample or "", f.description))
    lines = []
    for (severity, asset, check), told in found.items():
        sample, text = told[0]
        more = f" (and {len(told) - 1} more samples)" if len(told) > 1 else ""
        lines.append(f"{severity} {asset}{sample and f'/{sample}'} {check}: {text}{more}")
    return lines


@click.command()
@with_json
@with_home
def status(home: Home, as_json: bool) -> None:
    """Samples, subjects, fresh, stale and held assets, failing checks, open alerts."""
    readable_home(home)
    from hcc_assets.alerts.alerting import open_alerts
    from hcc_assets.catalogue.loading import all_assets
    from hcc_assets.operate.mending import mend_databases
    from hcc_assets.operate.status import home_status, status_lines

    mend_databases(home, lambda what: click.echo(what, err=True))
    report = home_status(home, all_assets()) | {"alerts": open_alerts(home)}
    say(report, as_json, status_lines(report))
    failing = any(c["severity"] == "ERROR" for c in report["failing_checks"])
    finish(bool(report["held"] or failing or report["store_damaged"]))


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--genome", default=None, help="Genome of a matrix file with several.")
@with_json
@with_home
def validate(path: Path, genome: str | None, as_json: bool, home: Home) -> None:
    """Judge one delivery (matrix, clinical export, file) before it is sent; no home is touched."""
    from hcc_assets.operate.validation import judge

    verdict = judge(path, home.config(), genome=genome)
    lines = [
        f"{'GOOD' if verdict['accepted'] else 'REFUSED'}  {path.name} ({verdict['kind']})",
        *(f"  {m}" for m in verdict["messages"]),
    ]
    say(verdict, as_json, lines)
    finish(not verdict["accepted"])


COMMANDS = (demo, refresh, status, validate)
