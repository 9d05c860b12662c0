"""Running it: definitions for Dagster, the driver, refresh, schedules, status, instances.

What is stale is decided in ``assets.plan`` and what runs next in ``assets.waves``; here both are
asked and the runs are made. Signs of life are in ``watch``, a Ray cluster in ``ray``.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "accept_export": "actions",
        "rebuild_reference": "actions",
        "refresh_home": "actions",
        "withdraw_subject": "actions",
        "build_assets": "build",
        "instance_of": "instance",
        "Summary": "refresh",
        "home_status": "status",
        "status_lines": "status",
        "restore": "history",
    },
)
