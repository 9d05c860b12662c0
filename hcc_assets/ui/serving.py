"""What ``hcc ui`` serves: Dagster's web UI on loopback, for who has logged in. The daemon is
started elsewhere.

Dagster's webserver has no authentication: ``GET /graphql?query=mutation…`` wipes assets, ``POST
/report_asset_check`` forges a pass. ``--read-only`` refuses most, for everyone. Here the same
application runs in this process (a proxy would leave an open port behind it) with two locks:

1. `guard.Guard`, an ASGI layer, refuses every request of who is not known (by a log-in, by a token
   as Bearer or HTTP Basic password, or by a reverse proxy), every change that their role does not
   allow or that does not come from the served page itself (``Origin``, ``Sec-Fetch-Site``), and any
   request under a foreign ``Host``.
2. `serving_app.GuardedWebserver` gives Dagster a read-only request context unless the guard has let
   the request through as an operator's, so that
   Dagster's own permission checks hold where the guard would be mistaken, and the page shows its
   buttons disabled.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from hcc_assets.ui.access_log import AccessLog
from hcc_assets.ui.guard import LOOPBACK, App, Guard, Known, OnWrite, Writes
from hcc_assets.ui.sessions import Sessions
from hcc_assets.ui.users import Proxy, Users

HOSTS_VARIABLE = "HCC_UI_HOSTS"
TOKEN_FILE = "ui_token"  # noqa: S105  (a file name)


def token_for(folder: Path) -> str:
    """The token of this installation, created once (``O_EXCL``, mode 0600) in ``folder``/ui_token;
    remove the file to have a new one."""
    path = folder / TOKEN_FILE
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as handle:
            handle.write(secrets.token_urlsafe(32))
    token = path.read_text(encoding="ascii").strip()
    if len(token) < 32:
        raise ValueError(f"{path.name} does not hold a token; remove it to have a new one made")
    return token


def allowed_hosts(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Loopback names, and the public names of a proxy before it (``HCC_UI_HOSTS``, separated by
    spaces)."""
    return (
        *LOOPBACK,
        *(os.environ if environ is None else environ).get(HOSTS_VARIABLE, "").split(),
    )


def known_by(token: str, state: Path, keys: Path) -> Known:
    """By what the people of an installation are known.

    Parameters
    ----------
    state
        Folder of log-ins and of the access log.
    keys
        Folder of the users.
    """
    return Known(token, Sessions(state, token), Users(keys), Proxy.configured(), AccessLog(state))


def login_link(host: str, port: int, token: str) -> str:
    """The link that ``hcc ui`` prints: it sets the cookie and leads to the start page."""
    return f"http://{host}:{port}/?{urlencode({'token': token})}"


@contextlib.contextmanager
def guarded_app(
    known: Known,
    workspace: Path | None,
    *,
    module: str | None = None,
    writes: Writes = "token",
    hosts: tuple[str, ...] | None = None,
    prefix: str = "",
    on_write: OnWrite | None = None,
    private: bool = True,
    instance: Any | None = None,
) -> Iterator[App]:
    """The guarded web application.

    Parameters
    ----------
    known, writes, hosts, prefix, on_write, private
        As in `guard.Guard`; ``hosts`` by default `allowed_hosts`.
    workspace, module
        The code locations: a ``workspace.yaml``, or one Python module.
    instance
        Default: the instance of ``DAGSTER_HOME``.
    """
    import dagster as dg
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import ModuleTarget, WorkspaceFileTarget

    from hcc_assets.ui.serving_app import GuardedWebserver

    target: Any
    if workspace is not None:
        target = WorkspaceFileTarget(paths=[str(workspace)])
    elif module is not None:
        target = ModuleTarget(
            module_name=module, attribute=None, working_directory=None, location_name=None
        )
    else:
        raise ValueError("a workspace file or a module is needed")
    with contextlib.ExitStack() as stack:
        found = instance if instance is not None else stack.enter_context(dg.DagsterInstance.get())
        found.optimize_for_webserver(statement_timeout=15000, pool_recycle=3600, max_overflow=20)
        context = stack.enter_context(
            WorkspaceProcessContext(
                found, target, version=dg.__version__, read_only=writes == "nobody"
            )
        )
        app = GuardedWebserver(context, prefix, live_data_poll_rate=2000).create_asgi_app()
        yield Guard(
            app,
            known,
            writes=writes,
            hosts=hosts or allowed_hosts(),
            prefix=prefix,
            on_write=on_write,
            private=private,
        )


def serve(app: App, host: str, port: int) -> None:
    """Serve until interrupted."""
    import uvicorn

    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        # the address of a client is that of its connection: a header could name the proxy's
        proxy_headers=False,
    )
