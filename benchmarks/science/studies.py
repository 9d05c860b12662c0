"""The studies that ``docs/science.md`` is made of: what each runs at which size, and the bars it is
held to. The studies are modules of ``benchmarks``.

A module of ``benchmarks`` with a function ``compare()`` that is not named here is run with its
defaults and shown without bars, so that none is forgotten.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

import benchmarks

Tables = dict[str, pd.DataFrame]
NOT_STUDIES = ("performance", "science", "endpoints")
_SCALES: dict[str, dict[str, dict[str, Any]]] = {
    "real_cells": {"tiny": {"per_column": 10}},
    "annotation": {"tiny": {"patients": 3, "cells": 250}, "quick": {"patients": 4, "cells": 1000}},
    "doublets": {"tiny": {"n_cells": 400, "seeds": 1}, "quick": {"n_cells": 2000, "seeds": 1}},
    "calibration": {
        "tiny": {"replicates": 60, "null_replicates": 100, "pairs": (8, 12)},
        "quick": {"replicates": 400, "null_replicates": 1000},
    },
}
"""Arguments by study and size; the full size is the study's own."""


@dataclass
class Findings:
    """Tables by title, bars (``bar, value, limit, met``) and, for figures, the table drawn."""

    tables: Tables
    bars: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["bar", "value", "met"])
    )


@dataclass(frozen=True)
class Study:
    """One study: title, module, and the function that runs it at a size (``tiny``, ``quick`` or
    ``full``)."""

    title: str
    module: str
    run: Callable[[Any, str], Findings]

    def load(self) -> Any:
        """The module."""
        return importlib.import_module(f"benchmarks.{self.module}")


def _bar(text: str, value: float, limit: float, *, at_least: bool) -> dict[str, Any]:
    sign = "at least" if at_least else "at most"
    return {
        "bar": f"{text}: {sign} {limit:g}",
        "value": value,
        "met": bool(value >= limit if at_least else value <= limit),
    }


_CLASS_BARS = {
    "neutrophil": 0.90,
    "mast": 0.85,
    "monocyte": 0.90,
    "macrophage": 0.90,
    "dendritic": 0.90,
}


_BLOOD_BARS = {
    "T_CD4": 0.95,
    "T_CD8": 0.95,
    "T_unconventional": 0.90,
    "NK": 0.90,
    "B": 0.95,
    "monocyte": 0.95,
    "cDC": 0.80,
    "pDC": 0.90,
}
"""SINGLE_CELL.md, section 6."""


def annotation_bars(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Bars of the annotation study from its table (index ``case``; ``f1_<class>`` columns)."""
    bars = []
    for case, row in table.iterrows():
        name = str(case)
        labels = ", labels" in name
        if "unknown" in name:
            bars.append(
                _bar(
                    f"novel cells left unassigned, {name}",
                    float(row["novel_unassigned"]),
                    0.80,
                    at_least=True,
                )
            )
            continue
        bars.append(
            _bar(
                f"macro-F1, {name}", float(row["macro_f1"]), 0.95 if labels else 0.90, at_least=True
            )
        )
        bars.append(
            _bar(
                f"composition error, {name}",
                float(row["composition_error"]),
                0.02 if labels else 0.04,
                at_least=False,
            )
        )
        bars.append(_bar(f"unassigned, {name}", float(row["unassigned"]), 0.03, at_least=False))
        bars += [
            _bar(f"F1 of {c}, {name}", float(row[f"f1_{c}"]), limit, at_least=True)
            for c, limit in _CLASS_BARS.items()
            if f"f1_{c}" in row
        ]
    return bars


_CALIBRATED_FROM = 0.75
"""Accuracy from which a set has a bar: own choice, below it calls and not confidence are amiss."""


def real_bars(tables: Tables) -> list[dict[str, Any]]:
    """Bars of the real sets; none for a set that is not there."""
    bars = []
    for row in tables["Real sets"].dropna(subset=["macro_f1"]).to_dict("records"):
        name = row["set"]
        bars.append(_bar(f"real {name}: macro-F1", row["macro_f1"], 0.85, at_least=True))
        bars.append(
            _bar(f"real {name}: calibration error", row["calibration_error"], 0.05, at_least=False)
        )
    for row in tables.get("Recall by the authors' label", pd.DataFrame()).to_dict("records"):
        if row["set"] == "blood":
            limit = _BLOOD_BARS[row["kind"]]
            bars.append(
                _bar(f"real blood: recall of {row['kind']}", row["recall"], limit, at_least=True)
            )
    for row in tables.get("Epithelium of another organ", pd.DataFrame()).to_dict("records"):
        if row["tissue"] == "normal":
            text = f"real {row['set']}: normal epithelium called tumour"
            bars.append(_bar(text, row["called_tumour"], 0.05, at_least=False))
    stored = tables.get("Confidence, each set judged by a map without its study", pd.DataFrame())
    for row in stored.to_dict("records"):
        text = f"calibration error, map without its study, {row['set']}"
        if row["accuracy"] >= _CALIBRATED_FROM:
            bars.append(_bar(text, row["error"], 0.05, at_least=False))
    left = "Cells drawn from a study that the prior does not have"
    for row in tables.get(left, pd.DataFrame()).to_dict("records"):
        text = f"macro-F1 without {row['left_out']} in the prior"
        bars.append(_bar(text, row["macro_f1"], 0.85, at_least=True))
    return bars


def _real(module: Any, size: str) -> Findings:
    tables = module.compare(**_SCALES["real_cells"].get(size, {}))
    return Findings(tables, pd.DataFrame(real_bars(tables)))


def _annotation(module: Any, size: str) -> Findings:
    table = module.compare(**_SCALES["annotation"].get(size, {})).set_index("case")
    by_class = table.filter(regex="^f1_")
    by_class.columns = [c.removeprefix("f1_") for c in by_class.columns]
    tables = {
        "Cohorts": table.drop(columns=[c for c in table if c.startswith("f1_")]).reset_index(),
        "F1 by class": by_class.T.rename_axis("class").reset_index(),
    }
    blood = pd.DataFrame(module.blood())
    if len(blood):
        tables[
            (
                "Real blood (pbmc4k): recall of the author's labels, and the share called a class "
                "that blood does not have"
            )
        ] = blood
    return Findings(tables, pd.DataFrame(annotation_bars(table)))


def _doublets(module: Any, size: str) -> Findings:
    table = module.compare(**_SCALES["doublets"].get(size, {}))
    kind = table["case"].str.replace(r", seed \d+$", "", regex=True)
    means = table.drop(columns="case").groupby(kind, sort=False).mean().reset_index()
    bars = [
        _bar(
            f"AUPRC less that of Scrublet, {r['case']}",
            r["auprc_own"] - r["auprc_scrublet"],
            0.0,
            at_least=True,
        )
        for r in means.to_dict("records")
    ]
    return Findings(
        {"Own score and Scrublet on the same doublets, means over seeds": means}, pd.DataFrame(bars)
    )


def _calibration(module: Any, size: str) -> Findings:
    scale = _SCALES["calibration"].get(size, {})
    table = module.calibrate(**scale)
    uneven = module.class_by_class(replicates=2 * scale.get("replicates", 1000))
    bars = [
        bar
        for r in uneven.to_dict("records")
        for bar in (
            _bar(
                f"type I error of the lowest class, tumour varies threefold, {r['n_pairs']} pairs",
                r["null_rate_lowest"],
                0.03,
                at_least=True,
            ),
            _bar(
                f"type I error of the highest class, tumour varies threefold, {r['n_pairs']} pairs",
                r["null_rate_highest"],
                0.07,
                at_least=False,
            ),
            _bar(
                f"unchanged classes rightly said when 8 of 14 fall, {r['n_pairs']} pairs",
                r["rightly_said"],
                0.9,
                at_least=True,
            ),
        )
    ]
    return Findings(
        {"Worst class, simulated": uneven, "Methods": table},
        pd.concat([pd.DataFrame(bars), module.verdict(table)], ignore_index=True),
    )


def _any(module: Any, size: str) -> Findings:
    found = module.compare()
    if isinstance(found, pd.DataFrame):
        found = {"Results": found}
    if not isinstance(found, Mapping):
        found = {"Results": pd.DataFrame(found)}
    return Findings({str(k): pd.DataFrame(v) for k, v in found.items()})


KNOWN = (
    Study("Real cells", "real_cells", _real),
    Study("Cell classes, simulated", "annotation", _annotation),
    Study("Doublets", "doublets", _doublets),
    Study("Change of composition: calibration and power", "calibration", _calibration),
)


def studies() -> list[Study]:
    """The known studies whose module is there, then every other module of ``benchmarks`` that has
    ``compare``."""
    there = sorted(m.name for m in pkgutil.iter_modules(benchmarks.__path__))
    known = {s.module for s in KNOWN}
    found = [s for s in KNOWN if s.module in there]
    for name in there:
        if (
            name not in known
            and name not in NOT_STUDIES
            and hasattr(importlib.import_module(f"benchmarks.{name}"), "compare")
        ):
            found.append(Study(name.replace("_", " ").capitalize(), name, _any))
    return found


def run_study(module: str, size: str) -> dict[str, Any]:
    """Run one study.

    Returns
    -------
    dict
        ``title, module, about`` (the module's words), ``tables`` and ``bars`` as lists of rows,
        ``cpu_s, wall_s``.
    """
    study = next(s for s in studies() if s.module == module)
    started = time.monotonic()
    loaded = study.load()
    found = study.run(loaded, size)
    used = resource.getrusage(resource.RUSAGE_SELF)
    tables = {
        title: json.loads(table.to_json(orient="records", double_precision=6))
        for title, table in found.tables.items()
    }
    return {
        "title": study.title,
        "module": module,
        "about": " ".join((loaded.__doc__ or "").split("\n\n")[0].split()),
        "tables": tables,
        "bars": json.loads(found.bars.to_json(orient="records", double_precision=6)),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "wall_s": round(time.monotonic() - started, 1),
    }
