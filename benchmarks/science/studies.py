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
from benchmarks.science.bars import Tables, annotation_bars, bar, real_bars

NOT_STUDIES = ("performance", "science", "endpoints")
_SCALES: dict[str, dict[str, dict[str, Any]]] = {
    "real_cells": {"tiny": {"per_column": 10}},
    "annotation": {"tiny": {"patients": 3, "cells": 250}, "quick": {"patients": 4, "cells": 1000}},
    "doublets": {"tiny": {"n_cells": 400, "seeds": 1}, "quick": {"n_cells": 2000, "seeds": 1}},
    "calibration": {
        "tiny": {"replicates": 60, "null_replicates": 100, "pairs": (8, 12)},
        "quick": {"replicates": 400, "null_replicates": 1000},
    },
    "tumours": {
        "tiny": {"patients": 3, "cells": 300, "cases": ("as it comes",)},
        "quick": {"patients": 4, "cells": 600},
    },
    "doubt": {"tiny": {"replicates": 40}, "quick": {"replicates": 100}},
    "confounding": {"tiny": {"designs": 5}, "quick": {"designs": 20}},
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
        bar(
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
        one
        for r in uneven.to_dict("records")
        for one in (
            bar(
                f"type I error of the lowest class, tumour varies threefold, {r['n_pairs']} pairs",
                r["null_rate_lowest"],
                0.03,
                at_least=True,
            ),
            bar(
                f"type I error of the highest class, tumour varies threefold, {r['n_pairs']} pairs",
                r["null_rate_highest"],
                0.07,
                at_least=False,
            ),
            bar(
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


def _tumours(module: Any, size: str) -> Findings:
    table = module.compare(**_SCALES["tumours"].get(size, {}))
    bars = []
    for r in table.to_dict("records"):
        case = f"{r['case']}, seed {r['seed']}"
        for text, column, limit, at_least in _TUMOUR_BARS:
            if pd.notna(r[column]):
                bars.append(bar(f"{text}, {case}", r[column], limit, at_least=at_least))
    worst = table.sort_values("worst_recall")
    return Findings({"Simulated biopsies, worst class first": worst}, pd.DataFrame(bars))


_TUMOUR_BARS = (
    ("macro-F1", "macro_f1", 0.95, True),
    ("composition error", "composition_error", 0.03, False),
    ("bias of the change of the worst class, log2", "bias", 0.15, False),
    ("known cells unassigned", "known_lost", 0.03, False),
    ("novel cells unassigned", "novel_unassigned", 0.8, True),
    ("hepatocytes called tumour", "false_tumour", 0.05, False),
)
"""Own aims for the own simulator, as in SINGLE_CELL.md, section 6."""


def _doubt(module: Any, size: str) -> Findings:
    table = module.compare(**_SCALES["doubt"].get(size, {}))
    published = table[table["counted"].str.contains("published")]
    bars = [
        one
        for r in published.to_dict("records")
        for one in (
            bar(f"coverage, {_doubtful(r)}", r["coverage"], 0.93, at_least=True),
            bar(f"type I error, {_doubtful(r)}", r["null_rate"], 0.07, at_least=False),
        )
    ]
    return Findings({"Ways to count, simulated": table}, pd.DataFrame(bars))


def _doubtful(row: dict[str, Any]) -> str:
    return f"{row['doubt']:.0%} of cells in doubt, {row['n_pairs']} pairs"


def _confounding(module: Any, size: str) -> Findings:
    table = module.compare(**_SCALES["confounding"].get(size, {}))
    bars = [
        bar(
            f"{r['design']} designs flagged, {r['factor']}",
            r["flagged"],
            1.0 if r["design"] == "confounded" else 0.05,
            at_least=r["design"] == "confounded",
        )
        for r in table.to_dict("records")
    ]
    return Findings({"Designs, simulated": table}, pd.DataFrame(bars))


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
    Study("Tumours simulated from real profiles", "tumours", _tumours),
    Study("Change of composition: calibration and power", "calibration", _calibration),
    Study("Change of composition: doubt of the calls", "doubt", _doubt),
    Study("Confounded designs", "confounding", _confounding),
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
