"""Commands that decide or export: accept, export, withdraw, erase, health,
alerts. What they do is elsewhere."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import click

from hcc_assets.commands.common import (
    existing_home,
    finish,
    home_to_change,
    readable_home,
    say,
    with_home,
    with_json,
    worded,
)
from hcc_assets.home.paths import Home


@click.command()
@click.argument("export")
@click.option(
    "--reason",
    required=True,
    callback=worded,
    help="Why the export is right although it shrinks or rewrites history; goes into the trail.",
)
@with_json
@with_home
def accept(home: Home, export: str, reason: str, as_json: bool) -> None:
    """Release a held clinical export."""
    from hcc_assets.operate.actions import accept_export

    try:
        entry = accept_export(home_to_change(home), export, reason)
    except LookupError as error:
        raise click.UsageError(str(error)) from None
    if entry["awaited"]:
        text = f"Asked for export {export}; it is accepted when another user says so too."
        return say(entry, as_json, [text])
    unasked = (
        []
        if entry["held"]
        else ["No export is held now; the acceptance counts should this one come to be."]
    )
    return say(
        entry,
        as_json,
        [f"Accepted export {export}. Next: hcc refresh --home {home.root}", *unasked],
    )


@click.group()
def export() -> None:
    """Files to take away."""


@export.command("atlas")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["h5ad", "zarr"]),
    default="h5ad",
    show_default=True,
    help="One file, or a store of chunks that opens in part.",
)
@click.option("--sample", "samples", multiple=True, help="Only this sample; several times.")
@click.option("--class", "classes", multiple=True, help="Only this cell class; several times.")
@with_home
def export_atlas(
    home: Home, folder: Path, form: str, samples: tuple[str, ...], classes: tuple[str, ...]
) -> None:
    """Write atlas.h5ad or atlas.zarr: counts, calls, components and display embedding."""
    from hcc_assets.operate.exporting import write_atlas

    try:
        written = write_atlas(
            readable_home(home), folder, form=form, samples=samples, classes=classes
        )
    except LookupError as missing:
        raise click.UsageError(str(missing)) from None
    click.echo(f"Wrote {written}")


@export.command("adam")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@with_home
def export_adam(home: Home, folder: Path) -> None:
    """Write ADSL, ADTR, ADRS, ADTTE, ADAE as Parquet, CSV and XPT with a data dictionary."""
    from hcc_assets.operate.exporting import write_adam_datasets

    for path in write_adam_datasets(readable_home(home), folder):
        click.echo(f"Wrote {path}")


@click.command()
@click.argument("subject")
@click.option(
    "--from",
    "from_date",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="First day whose data are no longer used.",
)
@click.option("--reason", required=True, callback=worded, help="Why, for the audit trail.")
@with_home
def withdraw(home: Home, subject: str, from_date: dt.datetime, reason: str) -> None:
    """Stop following a subject; what was collected before the date stays."""
    from hcc_assets.operate.actions import withdraw_subject
    from hcc_assets.privacy.subject import nobody_of_this_name

    unknown = nobody_of_this_name(home_to_change(home), subject)
    withdraw_subject(home, subject, from_date.date(), reason)
    click.echo(
        f"{subject} is withdrawn from {from_date:%Y-%m-%d}; earlier data stay. "
        f"Next: hcc refresh --home {home.root}"
    )
    for line in unknown:
        click.echo(line)


@click.command()
@click.argument("subject")
@click.option(
    "--reference",
    "reference_text",
    default="",
    help="Reference of the request, for the audit trail; needed unless --dry-run.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Only say what would go, and the code of the subject for the job erase_subject.",
)
@click.option(
    "--yes", is_flag=True, help="Do not ask. Nobody is asked either where there is no terminal."
)
@with_json
@with_home
def erase(
    home: Home, subject: str, reference_text: str, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Remove every artefact of a subject, deliveries included, and prove it."""
    from hcc_assets.privacy.erasing import erase_subject, first_of_two, preview

    if not home.is_local:
        raise click.UsageError(
            "hcc erase works on a local home; "
            "on an object store remove the objects and their versions there"
        )
    if dry_run:
        found = preview(readable_home(home), subject)
        return say(found, as_json, found["lines"])
    if not reference_text.strip():
        raise click.UsageError("Missing option '--reference'.")
    if not yes and sys.stdin.isatty():
        click.confirm(
            f"Erase every artefact of {subject}, deliveries included? This cannot be undone",
            abort=True,
        )
    if first_of_two(home_to_change(home), subject, reference_text):
        text = "Asked for; nothing was erased. It is when another user asks for the same."
        return say({"awaited": True}, as_json, [text])
    result = erase_subject(
        home_to_change(home),
        subject,
        reference_text,
        progress=lambda what, state: click.echo(f"  {what}: {state}", err=True),
    )
    say(vars(result), as_json, result.lines)
    return finish(not (result.absent and result.complete))


@click.command()
@click.option(
    "--require-daemon",
    is_flag=True,
    help="Red also where no daemon has ever run; for a home that is to refresh by itself.",
)
@click.option(
    "--load", is_flag=True, help="Load the code location too: half a minute, and needs Dagster."
)
@with_json
@with_home
def health(home: Home, require_daemon: bool, load: bool, as_json: bool) -> None:
    """Is everything alive? For cron and monitors: exit 0 or 1, within about a second."""
    from hcc_assets.alerts.home_health import home_health

    report = home_health(existing_home(home), require_daemon=require_daemon, load=load)
    say(report, as_json, report["lines"])
    finish(not report["healthy"])


@click.group()
def alerts() -> None:
    """Alerts and their channels."""


@alerts.command("test")
@with_json
@with_home
def alerts_test(home: Home, as_json: bool) -> None:
    """Send one test message through each channel of HCC_ALERT_URLS."""
    from hcc_assets.alerts.alerting import test_channels_of

    results = test_channels_of(home)
    lines = [
        f"{r['channel']}: {'delivered' if r['delivered'] else 'FAILED: ' + r['detail']}"
        for r in results
    ] or ["HCC_ALERT_URLS names no channel"]
    say({"channels": results}, as_json, lines)
    finish(not results or not all(r["delivered"] for r in results))


@alerts.command("retry")
@with_home
def alerts_retry(home: Home) -> None:
    """Send dead letters again, once their channel works."""
    from hcc_assets.alerts.alerting import retry

    click.echo(f"{retry(home_to_change(home))} messages will be sent again")


@alerts.command("silence")
@click.argument("alert")
@click.option(
    "--until", required=True, type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="UTC."
)
@click.option("--reason", required=True, callback=worded)
@with_home
def alerts_silence(home: Home, alert: str, until: dt.datetime, reason: str) -> None:
    """Keep one alert quiet until a date."""
    from hcc_assets.alerts.alerting import silence

    if until.replace(tzinfo=dt.UTC) <= dt.datetime.now(dt.UTC):
        raise click.UsageError("--until lies in the past; nothing is silenced")
    try:
        silence(home_to_change(home), alert, until.replace(tzinfo=dt.UTC), reason)
    except LookupError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{alert} is silent until {until:%Y-%m-%d %H:%M} UTC")


COMMANDS = (accept, export, withdraw, erase, health, alerts)
