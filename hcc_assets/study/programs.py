"""Gene programs of the study, fixed before any result: the "related genes" of the primary outcome.

Scores and tests are ``stats.programs``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True)
class Program:
    """One program.

    Attributes
    ----------
    title
        Words for a person.
    theme
        Group of programs that are shown together.
    weights
        Weight of each gene symbol: +1, or -1 where the program lowers the gene. In reporting order.
    expected
        ``up`` or ``down`` where the drug's targets suggest a direction, for plausibility; never
        used in a test.
    source
        Where the list comes from, when it is not the study's own.
    """

    title: str
    theme: str
    weights: Mapping[str, float]
    expected: str | None
    source: str


@lru_cache(maxsize=1)
def programs() -> Mapping[str, Program]:
    """All programs by name, in reporting order.

    Raises
    ------
    ValueError
        The file names a program or a gene within a program twice.
    """
    raw = json.loads(
        files("hcc_assets.study").joinpath("data", "programs.json").read_text(encoding="utf-8")
    )
    out: dict[str, Program] = {}
    for entry in raw["programs"]:
        genes = [*entry["up"], *entry["down"]]
        if entry["program"] in out or len(set(genes)) != len(genes):
            raise ValueError(
                f"gene program {entry['program']} is listed twice, or lists a gene twice"
            )
        weights = {**dict.fromkeys(entry["up"], 1.0), **dict.fromkeys(entry["down"], -1.0)}
        out[entry["program"]] = Program(
            entry["title"],
            entry["theme"],
            MappingProxyType(weights),
            entry["expected"],
            entry["source"],
        )
    return MappingProxyType(out)


TARGET_AXES = ("vegfr_axis", "fgfr_axis", "csf1r_axis")
"""Programs of the receptors that the drug inhibits (VEGFR1 to 3, FGFR1, CSF1R): the calls of a
sensitivity analysis are made without their genes (SINGLE_CELL.md, section 6.6)."""


@lru_cache(maxsize=1)
def target_genes() -> frozenset[str]:
    """Symbols of the genes of `TARGET_AXES`."""
    return frozenset(g for name in TARGET_AXES for g in programs()[name].weights)
