"""The web UI of a home: Dagster's own, behind a guard, with the programs beside it. What is shown
comes from Dagster; the command is in `commands.serving`.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "Guard": "guard",
        "beside": "children",
        "guarded_app": "serving",
        "known_by": "serving",
        "serve": "serving",
        "token_for": "serving",
    },
)
