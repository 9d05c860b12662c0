"""``hcc ui``: the web UI, the code server and the daemon of one home. What is served, and to whom,
is in `ui.serving`; the programs beside it are in `ui.children`."""

from __future__ import annotations

import signal
import sys
import time
from typing import Any

import click

from hcc_assets.commands.common import home_to_change, with_home
from hcc_assets.home.paths import Home
from hcc_assets.home.people.subject_keys import keys_folder


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; put a proxy with authentication before any other than loopback.",
)
@click.option("--port", default=3000, show_default=True, type=int)
@click.option(
    "--allow-anonymous-changes",
    is_flag=True,
    help="Let everyone who reaches the port change things. Only on a machine of your own.",
)
@click.option("--no-daemon", is_flag=True, help="Only the web UI: no sensors, schedules, alerts.")
@with_home
def ui(home: Home, host: str, port: int, allow_anonymous_changes: bool, no_daemon: bool) -> None:
    """Serve the web UI and run the daemon: schedules, sensors, alerts. Open the link that is
    printed on a terminal, or log in with the token of `hcc users add`."""
    from hcc_assets.audit.trail import trail_of
    from hcc_assets.operate.instance import instance_of
    from hcc_assets.ui.children import ChildDied, beside
    from hcc_assets.ui.serving import (
        TOKEN_FILE,
        guarded_app,
        known_by,
        login_link,
        serve,
        token_for,
    )

    signal.signal(signal.SIGTERM, _leave)
    with instance_of(home_to_change(home)):
        pass
    token = token_for(home.dagster_home)

    def noted(name: str, what: str) -> None:
        details = {"user": name or "anybody"}
        trail_of(home).append("ui change", why=what, details=details)
        _tell(f"{what} was asked for by {details['user']}")

    try:
        with (
            beside(home.dagster_home, _tell, daemon=not no_daemon) as workspace,
            guarded_app(
                known_by(token, home.dagster_home, keys_folder(home)),
                workspace,
                writes="anyone" if allow_anonymous_changes else "token",
                on_write=noted,
            ) as app,
        ):
            if sys.stdout.isatty():
                click.echo(f"Open:   {login_link(host, port, token)}")
            else:  # a log is no place for a token
                click.echo(
                    f"Open:   http://{host}:{port}/ (token: {home.dagster_home / TOKEN_FILE})"
                )
            click.echo(f"Report: {home.published / 'report.html'}")
            _tell(f"serving on port {port}; end with Ctrl-C")
            serve(app, host, port)
    except ChildDied as died:
        raise click.ClickException(str(died)) from None
    finally:
        _tell("ended")


def _tell(sentence: str) -> None:
    """A line of the log of the UI."""
    click.echo(f"{time.strftime('%H:%M:%S')} {sentence}")


def _leave(*_: Any) -> None:
    """SIGTERM: leave in order. The web server hands the signal on when it has ended, and the
    default action would end this process at once and leave its children behind."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(0)


COMMANDS = (ui,)
