"""Named checks of the validated tables; each returns rows and none raises for data.

Here belong the rules of the list of checks [CLINICAL.md 2] and what a finding stops. What is found
on the way in is made in ``reading`` (its titles are in ``on_reading``); nothing is corrected here.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "response_discordance": "cross",
        "read_terms": "ctcae",
        "CHECKS": "run",
        "ROWS_NOT_COUNTED": "run",
        "Check": "registry",
        "READERS_KEPT": "run",
        "blocked": "run",
        "rows_left_out": "run",
        "run_checks": "run",
    },
)
