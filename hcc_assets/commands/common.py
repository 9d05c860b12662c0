"""What all commands share: the home option, JSON or text, errors that end in a sentence. No
command belongs here."""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import click

from hcc_assets.home.damage import Damaged
from hcc_assets.home.leases import LeaseLost
from hcc_assets.home.migration import OldHome, require_today
from hcc_assets.home.paths import Home
from hcc_assets.home.people.consent import RecordDamaged
from hcc_assets.home.people.subject_keys import KeyDamaged
from hcc_assets.operate.dagster_yaml import DATABASE_VARIABLE, check_database, database_is_gone
from hcc_assets.operate.mending import is_damage, is_locked, mend_databases
from hcc_assets.operate.old_homes import bring_up_to_date
from hcc_assets.study.config import ConfigError

DONE, TROUBLED, MISUSE, NOT_STARTED = 0, 1, 2, 3
"""Exit codes of every command: done; done, but something needs attention; a wrong call or setting,
which is what click itself ends with; the home is not there, of an earlier version, or cannot be
read, written or locked, and nothing was begun."""

NO_ACCESS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of a disk (errno(3)) that an operator is told in a sentence."""


class CouldNotStart(click.ClickException):
    """Nothing was begun; one sentence for the operator, exit 3."""

    exit_code = NOT_STARTED


@contextlib.contextmanager
def _in_sentences(home: Home) -> Iterator[None]:
    """What an operator can mend ends in one sentence and an exit code, everything else as it is."""
    try:
        home.config()
        check_database(home.dagster_home, os.environ.get(DATABASE_VARIABLE))
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        raise CouldNotStart(f"{home.root} cannot be read: {error.strerror}") from None
    try:
        yield
    except (RecordDamaged, KeyDamaged, OldHome) as error:
        raise CouldNotStart(str(error)) from None
    except Damaged as error:
        raise click.ClickException(f"{error}; run hcc refresh, or see hcc verify") from None
    except LeaseLost as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        if error.errno in NO_ACCESS:
            where = f": {error.filename}" if error.filename else ""
            raise CouldNotStart(f"not allowed here ({error.strerror}){where}") from None
        if error.errno in NO_ROOM:
            raise click.ClickException(
                f"the disk takes no more ({error.strerror}); what stood before stands. "
                "Make room and run it again"
            ) from None
        raise
    except Exception as error:
        _database_trouble(home, error)
        raise


def _database_trouble(home: Home, error: Exception) -> None:
    """Raise the sentence for an error that is one of a database."""
    if database_is_gone(error):
        raise click.ClickException(
            f"the database of {DATABASE_VARIABLE} cannot be reached, or went away; "
            "what was published before stands. Try again when it is back"
        ) from None
    if is_damage(error):
        mend_databases(home, lambda what: click.echo(what, err=True))
        raise click.ClickException(
            "a database below DAGSTER_HOME was damaged while it was used; what was published "
            "before stands. Run it again"
        ) from None
    if is_locked(error):
        raise CouldNotStart(
            "a database below DAGSTER_HOME is held by another process, which may have been "
            "stopped; hcc refresh ends one that holds its lock"
        ) from None


def with_home(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command a `Home`; turn a wrong ``study.toml`` or database setting into misuse, and
    whatever else the operator can mend into one sentence."""

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
        with _in_sentences(home):
            return command(*args, home=home, **kwargs)

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
    CouldNotStart
        Neither ``landing/`` nor ``store/`` is there.
    """
    if not home.landing.exists() and not home.store.exists():
        raise CouldNotStart(
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
