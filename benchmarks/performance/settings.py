"""How large the benchmark is: four sizes. What is measured is in the sections."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Sizes of all sections.

    Attributes
    ----------
    cells
        Cells of the one new sample.
    real
        Measure the real pbmc4k too, where the shared data are there.
    base_samples, base_cells
        Samples (and cells of each) that stand in the home where the one new sample arrives.
    homes
        Number of samples at which a refresh with one new sample is measured, ascending.
    home_cells
        Cells of each of those.
    arrivals
        New samples measured at each of these sizes, one after the other.
    trial_samples, trial_cells
        The whole trial from nothing: numbers of samples, ascending, and cells of each.
    crowd, crowd_cells
        Samples at which the growth towards a million cells is measured, ascending, and cells of
        each sample.
    subjects, events
        Subjects of the endpoints, rows of adverse events.
    repeats
        Runs of the short commands; the median counts.
    """

    name: str
    cells: tuple[int, ...]
    real: bool
    base_samples: int
    base_cells: int
    homes: tuple[int, ...]
    home_cells: int
    arrivals: int
    trial_samples: tuple[int, ...]
    trial_cells: int
    crowd: tuple[int, ...]
    crowd_cells: int
    subjects: tuple[int, ...]
    events: tuple[int, ...]
    repeats: int


SIZES = {
    "tiny": Sizes(
        "tiny",
        (150, 300),
        False,
        2,
        150,
        (3, 5),
        150,
        1,
        (2,),
        150,
        (2, 3),
        150,
        (10, 20),
        (200, 400),
        1,
    ),
    "quick": Sizes(
        "quick",
        (2000, 5000),
        True,
        6,
        500,
        (10, 20, 40),
        200,
        1,
        (8,),
        1000,
        (5, 10),
        1000,
        (100, 1000, 10_000),
        (100_000, 1_000_000),
        3,
    ),
    "default": Sizes(
        "default",
        (2000, 5000, 10_000),
        True,
        8,
        1500,
        (10, 20, 40),
        500,
        3,
        (24,),
        2500,
        (10, 20, 40),
        2500,
        (100, 1000, 10_000),
        (100_000, 1_000_000),
        5,
    ),
    "full": Sizes(
        "full",
        (2000, 5000, 10_000, 20_000),
        True,
        8,
        1500,
        (10, 20, 40, 80),
        1000,
        3,
        (10, 20, 80),
        5000,
        (25, 50, 100, 200),
        5000,
        (100, 1000, 10_000),
        (100_000, 1_000_000),
        5,
    ),
}
