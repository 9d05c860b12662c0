"""``hcc ui``: the web UI and the daemon of one home. What is served, and to whom, is in
``platform.serving``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click

from hcc_assets.commands.common import existing_home, with_home
from hcc_assets.home.paths import Home

WORKSPACE = "load_from:\n  - python_module:\n      module_name: hcc_assets.definitions\n      location_name: hcc_assets\n"


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
    """Serve the web UI and run the daemon: schedules, sensors, alerts. Anyone may look; to change
    something use the printed link."""
    from hcc_assets.audit.trail import trail_of
    from hcc_assets.operate.instance import instance_of
    from hcc_assets.ui.serving import guarded_app, login_link, serve, token_for

    with instance_of(existing_home(home)):
        pass
    token = token_for(home.dagster_home)
    workspace = home.dagster_home / "workspace.yaml"
    workspace.write_text(WORKSPACE, encoding="utf-8")
    daemon = None if no_daemon else _start_daemon(workspace)
    click.echo(f"Read:   http://{host}:{port}/")
    click.echo(f"Change: {login_link(host, port, token)}")
    click.echo(f"Report: {home.published / 'report.html'}")

    def noted(what: str) -> None:
        trail_of(home).append("ui change", why=what)

    try:
        with guarded_app(
            token,
            workspace,
            writes="anyone" if allow_anonymous_changes else "token",
            on_write=noted,
        ) as app:
            serve(app, host, port)
    finally:
        if daemon is not None:
            daemon.send_signal(signal.SIGINT)
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()


def _start_daemon(workspace: Path) -> subprocess.Popen[bytes]:
    """The daemon as a child that takes SIGINT even when this process was started in the
    background."""
    log = (workspace.parent / "daemon.log").open("ab")
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); from dagster._daemon.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "run", "-w", str(workspace)],
        stdout=log,
        stderr=log,
        env=dict(os.environ),
        start_new_session=True,
    )


COMMANDS = (ui,)
