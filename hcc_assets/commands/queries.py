"""Commands on queries to the sites: list them, confirm one that was answered. What they do is
elsewhere."""

from __future__ import annotations

from typing import Any

import click

from hcc_assets.commands.common import (
    home_to_change,
    readable_home,
    say,
    with_home,
    with_json,
    worded,
)
from hcc_assets.home.paths import Home


@click.group()
def query() -> None:
    """Queries to the sites."""


@query.command("list")
@click.option("--site", default=None, help="Only this site, as SITEID of dm has it.")
@click.option(
    "--all", "everything", is_flag=True, help="Also confirmed and closed ones and echoes."
)
@with_json
@with_home
def list_queries(home: Home, site: str | None, everything: bool, as_json: bool) -> None:
    """The queries that wait for an answer; letters lie in published/queries."""
    import pandas as pd

    from hcc_assets.operate.query_answers import standing_queries, waiting

    try:
        table = standing_queries(readable_home(home), site)
    except LookupError as error:
        raise click.UsageError(str(error)) from None
    shown = table if everything else waiting(table)
    rows = shown.assign(opened=shown["opened"].dt.strftime("%Y-%m-%d")).to_dict("records")
    found = [{k: None if pd.isna(v) else v for k, v in row.items()} for row in rows]
    say({"queries": found, "open": len(waiting(table))}, as_json, _lines(found, len(table)))


def _lines(found: list[dict[Any, Any]], known: int) -> list[str]:
    if not found:
        return [f"No query is open; {known} are known. hcc query list --all shows them."]
    lines = []
    for row in found:
        place = " ".join(str(row[c]) for c in ("visit", "record", "field") if row[c])
        who = row["subject_id"] or "the delivery"
        echo = f" (echo of {row['echo_of']})" if row["echo_of"] else ""
        lines += [
            f"{row['query_id']}  {row['status']:<9}  {row['age_days']:>4} d  site "
            f"{row['site'] or '–'}  {who}  {row['check_id']}{echo}",
            f"    {place + ': ' if place else ''}{row['message']}",
        ]
    return [
        *lines,
        f"{len(found)} queries. Where a value is right: hcc query confirm ID --reason …",
    ]


@query.command("confirm")
@click.argument("query_id", metavar="ID")
@click.option(
    "--reason",
    required=True,
    callback=worded,
    help="Why the value is right; goes into the trail.",
)
@with_json
@with_home
def confirm(home: Home, query_id: str, reason: str, as_json: bool) -> None:
    """Close a query whose value is right, for as long as the value stays."""
    from hcc_assets.operate.query_answers import confirm_query

    try:
        entry = confirm_query(home_to_change(home), query_id, reason)
    except LookupError as error:
        raise click.UsageError(str(error)) from None
    blocks = (
        ["It still blocks what rests on the record: a confirmation stops the question alone."]
        if entry["severity"] == "E"
        else []
    )
    say(
        entry,
        as_json,
        [f"Confirmed {entry['query']}. Next: hcc refresh --home {home.root}", *blocks],
    )


COMMANDS = (query,)
