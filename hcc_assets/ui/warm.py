"""Runs that start warm: the code server of ``hcc ui`` forks each run from a process that has
everything imported.

Dagster starts a run in a new interpreter, which then imports for five seconds what the one before
it had imported, and a new patient is sixteen runs. A process that does nothing but import and fork
(`multiprocessing`'s fork server: no threads of its own, so that a fork of it is safe) saves that;
its pages are shared by the runs, and they run the very code that the code server has read. A run
is still a process of its own, with its own end.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from typing import Any

PRELOADED = ["hcc_assets.ui.child", "hcc_assets.definitions", "hcc_assets.ui.preloaded"]
"""The main module of the code server, which a run would import again, and what runs need."""


def warm_context() -> ForkServerContext:
    """A context whose processes are forks of one that has imported `PRELOADED`; that one is
    started here, so that the first run finds it ready."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    forkserver.ensure_running()
    return context


def warm_runs() -> None:
    """Make the code server of this process fork its runs; a Dagster that starts them otherwise is
    left as it is."""
    from dagster._grpc.server import DagsterApiServer

    context = warm_context()
    made = DagsterApiServer.__init__

    def init(self: Any, *args: Any, **named: Any) -> None:
        made(self, *args, **named)
        self._mp_ctx = context

    DagsterApiServer.__init__ = init  # type: ignore[method-assign]
