"""The bars of ``docs/science.md``: what each study is held to."""

from __future__ import annotations

from typing import Any

import pandas as pd

Tables = dict[str, pd.DataFrame]


def bar(text: str, value: float, limit: float, *, at_least: bool) -> dict[str, Any]:
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
                bar(
                    f"novel cells left unassigned, {name}",
                    float(row["novel_unassigned"]),
                    0.80,
                    at_least=True,
                )
            )
            continue
        bars.append(
            bar(
                f"macro-F1, {name}", float(row["macro_f1"]), 0.95 if labels else 0.90, at_least=True
            )
        )
        bars.append(
            bar(
                f"composition error, {name}",
                float(row["composition_error"]),
                0.02 if labels else 0.04,
                at_least=False,
            )
        )
        bars.append(bar(f"unassigned, {name}", float(row["unassigned"]), 0.03, at_least=False))
        bars += [
            bar(f"F1 of {c}, {name}", float(row[f"f1_{c}"]), limit, at_least=True)
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
        bars.append(bar(f"real {name}: macro-F1", row["macro_f1"], 0.85, at_least=True))
        bars.append(
            bar(f"real {name}: calibration error", row["calibration_error"], 0.05, at_least=False)
        )
    for row in tables.get("Recall by the authors' label", pd.DataFrame()).to_dict("records"):
        if row["set"] == "blood":
            limit = _BLOOD_BARS[row["kind"]]
            bars.append(
                bar(f"real blood: recall of {row['kind']}", row["recall"], limit, at_least=True)
            )
    for row in tables.get("Epithelium of another organ", pd.DataFrame()).to_dict("records"):
        if row["tissue"] == "normal":
            text = f"real {row['set']}: normal epithelium called tumour"
            bars.append(bar(text, row["called_tumour"], 0.05, at_least=False))
    stored = tables.get("Confidence, each set judged by a map without its study", pd.DataFrame())
    for row in stored.to_dict("records"):
        text = f"calibration error, map without its study, {row['set']}"
        if row["accuracy"] >= _CALIBRATED_FROM:
            bars.append(bar(text, row["error"], 0.05, at_least=False))
    left = "Cells drawn from a study that the prior does not have"
    for row in tables.get(left, pd.DataFrame()).to_dict("records"):
        text = f"macro-F1 without {row['left_out']} in the prior"
        bars.append(bar(text, row["macro_f1"], 0.85, at_least=True))
    return bars
