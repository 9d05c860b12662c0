"""Commands on who did what and who may do what: audit, users. What they do is elsewhere."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import cast

import click

from hcc_assets.commands.common import (
    existing_home,
    finish,
    home_to_change,
    say,
    with_home,
    with_json,
)
from hcc_assets.home.paths import Home


@click.group()
def audit() -> None:
    """The audit trail."""


@audit.command("verify")
@click.option(
    "--anchor",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="A copy of audit/audit.jsonl.head, or the output of hcc audit head, kept elsewhere.",
)
@with_json
@with_home
def audit_verify(home: Home, anchor: Path | None, as_json: bool) -> None:
    """Check the chain of the audit trail, and the trail against everything that stands."""
    from hcc_assets.audit.trail import trail_of
    from hcc_assets.operate.trail_check import read_anchor, trail_problems

    try:
        kept = read_anchor(anchor) if anchor is not None else None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    problems = trail_problems(existing_home(home), kept)
    entries = sum(1 for _ in trail_of(home).entries())
    say(
        {"entries": entries, "problems": problems},
        as_json,
        problems or [f"{entries} entries, the chain is whole; what stands has its lines"],
    )
    finish(bool(problems))


@audit.command("head")
@with_home
def audit_head(home: Home) -> None:
    """Print the head of the trail, to be kept elsewhere for hcc audit verify --anchor."""
    from hcc_assets.audit.trail import head_of

    head = head_of(existing_home(home))
    if head is None:
        raise click.ClickException("there is no head, or it is not genuine: hcc audit verify")
    click.echo(json.dumps(head))


@click.group()
def users() -> None:
    """People who may use the web UI."""


@users.command("add")
@click.argument("name")
@click.option(
    "--role",
    type=click.Choice(["reader", "operator", "approver"]),
    required=True,
    help="Looks; also starts and stops; also accepts, erases, withdraws and rebuilds.",
)
@with_home
def users_add(home: Home, name: str, role: str) -> None:
    """Add a user, or give one that is known a new token and role. The token is shown once."""
    from hcc_assets.audit.trail import trail_of
    from hcc_assets.home.people.subject_keys import keys_folder
    from hcc_assets.ui.users import Role, Users

    known = Users(keys_folder(home_to_change(home)))
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    try:
        token = known.add(name, cast(Role, role), now)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    trail_of(home).append("user added", details={"user": name, "role": role})
    click.echo(f"{name} is {role}. The token, which is kept nowhere else:", err=True)
    click.echo(token)


@users.command("remove")
@click.argument("name")
@with_home
def users_remove(home: Home, name: str) -> None:
    """Remove a user; what they have open is refused at once."""
    from hcc_assets.audit.trail import trail_of
    from hcc_assets.home.people.subject_keys import keys_folder
    from hcc_assets.ui.users import Users

    if not Users(keys_folder(home_to_change(home))).remove(name):
        raise click.UsageError(f"there is no user {name}")
    trail_of(home).append("user removed", details={"user": name})
    click.echo(f"{name} is removed")


@users.command("list")
@with_json
@with_home
def users_list(home: Home, as_json: bool) -> None:
    """Names and roles."""
    from hcc_assets.home.people.subject_keys import keys_folder
    from hcc_assets.ui.users import Users

    known = Users(keys_folder(existing_home(home))).all()
    shown = [{"name": n, "role": e["role"], "added": e["added"]} for n, e in sorted(known.items())]
    lines = [f"{u['name']}  {u['role']}  since {u['added'][:10]}" for u in shown]
    say({"users": shown}, as_json, lines or ["no users: only the token of the installation"])


COMMANDS = (audit, users)
