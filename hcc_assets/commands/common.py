"""What all commands share: the home option, JSON or text, errors that end with exit code 2. No
command belongs here."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from typing import Any

import click

from hcc_assets.home.damage import Damaged
from hcc_assets.home.migration import OldHome, require_today
from hcc_assets.home.paths import Home
from hcc_assets.home.people.consent import RecordDamaged
from hcc_assets.home.people.subject_keys import KeyDamaged
from hcc_assets.operate.dagster_yaml import DATABASE_VARIABLE, check_database, database_is_gone
from hcc_assets.operate.old_homes import bring_up_to_date
from hcc_assets.study.config import ConfigError

DONE, TROUBLED, MISUSE = 0, 1, 2
"""Exit codes of every command; 2 is what click itself ends with after a wrong call."""


def with_home(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command a `Home`; turn a wrong ``study.toml``, database setting, record or key, and
    a home of 0.1 that cannot be read yet, into misuse, a database that is gone into one
    sentence."""

    @click.option(
        "--home",
        "home_path",
        metavar="DIR",
        default=None,
        help="Data home: folder or URL prefix (default: HCC_HOME, else ./hcc_home).",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, home_path: str | None, **kwargs: Any) -> Any:
        home = Home.at(home_path)
        try:
            home.config()
            check_database(home.dagster_home, os.environ.get(DATABASE_VARIABLE))
        except ConfigError as error:
            raise click.UsageError(str(error)) from None
        try:
            return command(*args, home=home, **kwargs)
        except (RecordDamaged, KeyDamaged, OldHome) as error:
            raise click.UsageError(str(error)) from None
        except Damaged as error:
            raise click.ClickException(f"{error}; run hcc refresh, or see hcc verify") from None
        except Exception as error:
            if not database_is_gone(error):
                raise
            raise click.ClickException(
                f"the database of {DATABASE_VARIABLE} cannot be reached, or went away; "
                "what was published before stands. Try again when it is back"
            ) from None

    return wrapped


def with_json(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json``."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object for programs."
    )(command)


def worded(_context: click.Context, option: click.Parameter, value: str) -> str:
    """Callback of an option whose text goes into the audit trail: blanks are no reason."""
    if not value.strip():
        raise click.BadParameter("say why in words; it goes into the audit trail", param=option)
    return value.strip()


def say(payload: dict[str, Any], as_json: bool, lines: list[str]) -> None:
    """Print the payload for a program or the lines for a person."""
    if as_json:
        click.echo(json.dumps(payload, indent=1, default=str, ensure_ascii=False))
    else:
        for line in lines:
            click.echo(line)


def finish(troubled: bool) -> None:
    """End with 1 when something is held or failed."""
    raise SystemExit(TROUBLED if troubled else DONE)


def existing_home(home: Home) -> Home:
    """The home, when there is anything in it.

    Raises
    ------
    click.UsageError
        Neither ``landing/`` nor ``store/`` is there.
    """
    if not home.landing.exists() and not home.store.exists():
        raise click.UsageError(
            f"{home.root} has no landing/ folder; put deliveries there, "
            f"or run: hcc demo --home {home.root}"
        )
    return home


def home_to_change(home: Home) -> Home:
    """The same for commands that change it: one of version 0.1 is brought up to date first."""
    return bring_up_to_date(existing_home(home))


def readable_home(home: Home) -> Home:
    """The same for commands that only read.

    Raises
    ------
    OldHome
        It is one of version 0.1 that was not migrated yet.
    """
    return require_today(existing_home(home))
