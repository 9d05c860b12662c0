"""Marker panels of the cell classes, as data.

Scores, cuts and calls made from them belong to ``cells``; gene programs that a treatment moves have
a module of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True)
class SeedRule:
    """Rule of a class that single genes cannot carry: at least ``minimum`` of ``any_of`` and none
    of ``none_of`` (beyond ambient level)."""

    minimum: int
    any_of: tuple[str, ...]
    none_of: tuple[str, ...]
    note: str


@dataclass(frozen=True)
class ClassMarkers:
    """Genes of one class.

    Attributes
    ----------
    compartment
        Coarse lineage: epithelial, endothelial, myeloid, lymphoid, stromal or blood.
    positive, negative
        Genes that speak for and against the class.
    lineage
        Genes shared with the neighbours of the class (hepatocyte lineage of tumour cells).
    weak
        True of the class, but carried by ambient RNA: never evidence on their own.
    subsets
        Genes of states within the class.
    rule
        Conjunctive rule, where the class has one.
    """

    compartment: str
    positive: tuple[str, ...]
    negative: tuple[str, ...] = ()
    lineage: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    subsets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rule: SeedRule | None = None


def _genes(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@lru_cache(maxsize=1)
def markers() -> Mapping[str, ClassMarkers]:
    """Marker panels by cell class (every class but ``unassigned``), in reporting order.

    Read-only.
    """
    raw = json.loads(
        files("hcc_assets.study").joinpath("data", "markers.json").read_text(encoding="utf-8")
    )
    out = {}
    for name, entry in raw["classes"].items():
        rule = entry.get("rule")
        out[name] = ClassMarkers(
            compartment=entry["compartment"],
            **{
                key: _genes(entry.get(key, ""))
                for key in ("positive", "negative", "lineage", "weak")
            },
            subsets=MappingProxyType(
                {subset: _genes(genes) for subset, genes in entry.get("subsets", {}).items()}
            ),
            rule=SeedRule(
                rule["minimum"], _genes(rule["any_of"]), _genes(rule["none_of"]), rule["note"]
            )
            if rule
            else None,
        )
    return MappingProxyType(out)


@lru_cache(maxsize=1)
def panel_genes() -> frozenset[str]:
    """Every gene that any panel names: positive, negative, lineage, weak and subsets."""
    found: set[str] = set()
    for entry in markers().values():
        found.update(
            entry.positive, entry.negative, entry.lineage, entry.weak, *entry.subsets.values()
        )
    return frozenset(found)


ONCOFETAL: tuple[str, ...] = (
    "GPC3",
    "AFP",
    "AKR1B10",
    "SPINK1",
    "PEG10",
    "DLK1",
    "MDK",
    "S100P",
    "REG3A",
    "GOLM1",
    "ROBO1",
    "CAP2",
    "COX7B2",
    "SQLE",
    "LCN2",
    "MAGEA6",
)
"""Genes that hepatocellular carcinoma expresses again or anew (onco-fetal and cancer-testis)."""

MATURE_HEPATOCYTE: tuple[str, ...] = (
    "CYP3A4",
    "CYP2E1",
    "CYP2C9",
    "CYP2C8",
    "CYP1A2",
    "HAMP",
    "ADH1B",
    "ADH4",
    "C9",
    "CFHR1",
    "TAT",
    "G6PC1",
    "HAO1",
    "SLC22A1",
)
"""Genes of the adult zonated hepatocyte that carcinoma loses."""
