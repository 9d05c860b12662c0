"""Commands about the annotation reference: rebuild it, list its versions, compare two."""

from __future__ import annotations

import click

from hcc_assets.commands.common import (
    finish,
    home_to_change,
    readable_home,
    say,
    with_home,
    with_json,
    worded,
)
from hcc_assets.home.paths import Home


@click.group()
def reference() -> None:
    """The annotation reference."""


@reference.command("rebuild")
@click.option(
    "--reason",
    default="asked for by the operator",
    show_default=True,
    callback=worded,
    help="Why, for the audit trail.",
)
@with_json
@with_home
def rebuild(home: Home, reason: str, as_json: bool) -> None:
    """Make a new version of the reference from all samples and relabel every cell."""
    from hcc_assets.commands.daily import refreshed
    from hcc_assets.operate.actions import rebuild_reference

    summary = rebuild_reference(
        home_to_change(home), reason=reason, refresh=lambda: refreshed(home, quiet=as_json)
    )
    say(
        summary,
        as_json,
        [
            f"Reference {summary['before'] or 'none'} -> {summary['after']}; "
            f"{summary['changed_calls']} calls changed"
        ],
    )
    finish(bool(summary["held"]))


@reference.command("list")
@with_json
@with_home
def list_(home: Home, as_json: bool) -> None:
    """Versions of the reference that the store keeps."""
    from hcc_assets.operate.reference_comparison import kept_references

    found = kept_references(readable_home(home))
    lines = [
        f"{r['version']}  since {r['since'][:16]} UTC{'  stands' if r['stands'] else ''}"
        for r in found
    ]
    say({"references": found}, as_json, lines or ["there is no reference yet; run hcc refresh"])


@reference.command("compare")
@click.argument("first")
@click.argument("second")
@with_json
@with_home
def compare(home: Home, first: str, second: str, as_json: bool) -> None:
    """The primary endpoint under two references: `standing`, a version that the store keeps, or a
    labelled .h5ad. Nothing is published."""
    from hcc_assets.operate.reference_comparison import compare_references, comparison_lines

    def progress(sample: str) -> None:
        if not as_json:
            click.echo(f"  {sample}", err=True)

    try:
        found = compare_references(readable_home(home), first, second, progress=progress)
    except LookupError as unknown:
        raise click.UsageError(str(unknown)) from None
    say(found, as_json, comparison_lines(found))


COMMANDS = (reference,)
