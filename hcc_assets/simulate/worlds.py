"""The world of a named setting, whichever simulator makes it: the invented one or the one from real
profiles.
"""

from __future__ import annotations

from typing import Final

from hcc_assets.simulate.cells import SimulatedSample, expected_composition, simulate_sample
from hcc_assets.simulate.real_cells import simulate_real_sample
from hcc_assets.simulate.real_settings import RealSettings
from hcc_assets.simulate.real_world import RealWorld, expected_real_composition, make_real_world
from hcc_assets.simulate.settings import SimulationSettings
from hcc_assets.simulate.world import World, make_world

REAL: Final = "real"
"""Name of the setting of `real_world`."""


def settings_of(setting: str) -> SimulationSettings | RealSettings:
    """Strengths of ``easy``, ``hard``, ``null`` or ``real``.

    Raises
    ------
    ValueError
        For any other name.
    """
    return RealSettings() if setting == REAL else SimulationSettings.named(setting)


def world_of(settings: SimulationSettings | RealSettings, seed: int) -> World | RealWorld:
    """World of these settings and this seed."""
    if isinstance(settings, RealSettings):
        return make_real_world(seed, settings)
    return make_world(seed, settings)


def sample_of(
    world: World | RealWorld,
    patient: int,
    timepoint: str,
    n_cells: int,
    seed: int,
    *,
    empty_droplets: int = 0,
) -> SimulatedSample:
    """One biopsy of a world; see `cells.simulate_sample`."""
    if isinstance(world, RealWorld):
        return simulate_real_sample(
            world, patient, timepoint, n_cells, seed, empty_droplets=empty_droplets
        )
    return simulate_sample(world, patient, timepoint, n_cells, seed, empty_droplets=empty_droplets)


def classes_of(world: World | RealWorld) -> list[str]:
    """Classes that a biopsy of the world may hold, sorted."""
    if isinstance(world, RealWorld):
        return sorted(expected_real_composition(world, world.patient(0), "pre"))
    return sorted(expected_composition(world, world.patient(0), "pre"))


def chemistry_of(world: World | RealWorld, patient: int, timepoint: str) -> str:
    """Chemistry of a biopsy in the sample sheet."""
    if isinstance(world, RealWorld):
        return world.chemistry_of(patient, timepoint)
    return "SC3Pv3"
