"""A program of Dagster as a child of ``hcc ui``: ``python -m hcc_assets.ui.child code|daemon …``.
It ends with its parent: standard input is a pipe that only the parent holds open. Started and
watched in `children`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from hcc_assets.home.private import private_process
from hcc_assets.ui.warm import warm_runs

MODULE = "hcc_assets.definitions"
LOCATION = "hcc_assets"
QUIET = ["--log-level", "warning"]
"""Every look of a sensor is two lines otherwise: megabytes a day that nobody reads."""


def main() -> None:
    """``code SOCKET``: register what has landed, then serve the code location; ``daemon
    WORKSPACE``: run the daemon."""
    private_process()
    role, place = sys.argv[1:3]
    # a parent in the background was started with SIGINT ignored, which is inherited
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    if role == "code":
        _register()
        warm_runs()
        # the server starts runs with this interpreter, wherever `dagster` is on the PATH
        sys.argv = ["dagster", "api", "grpc", "--socket", place, "--module-name", MODULE]
        sys.argv += ["--location-name", LOCATION, "--use-python-environment-entry-point"]
        sys.argv += QUIET
        from dagster._cli import main as program
    else:
        sys.argv = ["dagster-daemon", "run", "--workspace", place, *QUIET]
        from dagster._daemon.cli import main as program
    program()


def _end_with_parent() -> None:
    """Wait until the pipe is closed, however the parent came to its end; then end as on request."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _register() -> None:
    """Partitions of what has landed, so that a home that is opened first in the UI offers its
    samples."""
    import dagster as dg

    from hcc_assets.assets.view import HomeView
    from hcc_assets.catalogue.loading import all_assets
    from hcc_assets.home.paths import Home
    from hcc_assets.operate.sensors import register_samples

    with dg.DagsterInstance.get() as instance:
        new = register_samples(instance, HomeView(Home.at(), all_assets()))
    print(f"{len(new)} samples are new", flush=True)  # noqa: T201  (its log)


if __name__ == "__main__":
    main()
