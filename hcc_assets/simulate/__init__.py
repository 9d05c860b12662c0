"""The simulated trial and its truth: cells, biopsies, clinical tables.

A seed gives the same bytes. Nothing that analyses data belongs here, and nothing of the platform
depends on it.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "make_world": "cells",
        "simulate_sample": "cells",
        "TRIAL_DAYS": "clinical",
        "simulate_clinical": "clinical",
        "stories": "clinical",
        "write_mex": "matrices",
        "simulate_real_sample": "real_cells",
        "RealSettings": "real_settings",
        "make_real_world": "real_world",
        "SimulationSettings": "settings",
        "CLEAN": "sites.habits",
        "Habits": "sites.habits",
        "USUAL": "sites.habits",
        "START": "subjects",
        "SEQUENCING_DAYS": "trial",
        "biopsies": "trial",
        "simulate_trial": "trial",
    },
)
