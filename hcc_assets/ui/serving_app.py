"""Dagster's webserver with its request context chosen per request: read-only unless the guard in
`serving` let an operator through. Nothing else.

Apart from `serving`, so that the webserver is imported only by the process that serves. Leans on
`DagsterWebserver._make_request_context` and `WorkspaceRequestContext` of dagster 1.13 (the version
is pinned, and `test_serving` runs the real server).
"""

from __future__ import annotations

from typing import Any

from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster_webserver.webserver import DagsterWebserver


class GuardedWebserver(DagsterWebserver[WorkspaceProcessContext, WorkspaceRequestContext]):
    """The webserver whose requests may change something only when ``scope["hcc_operator"]`` is
    true."""

    def _make_request_context(self, conn: Any) -> WorkspaceRequestContext:
        process = self._process_context
        return WorkspaceRequestContext(
            instance=process.instance,
            current_workspace=process.get_current_workspace(),
            process_context=process,
            version=process.version,
            source=conn,
            read_only=process.read_only or conn.scope.get("hcc_operator") is not True,
        )
