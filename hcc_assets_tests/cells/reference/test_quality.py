"""Whether a class may carry a conclusion."""

from __future__ import annotations

import pandas as pd

from hcc_assets.cells.reference.quality import annotation_quality


def calls(cell_class: str, n: int, confidence: float, second: str | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "cell_class": [cell_class] * n,
            "second_class": pd.Series([second] * n, dtype=object),
            "confidence": confidence,
            "qc_status": "pass",
        }
    )


def test_each_status_has_its_reason() -> None:
    table = annotation_quality(
        pd.concat(
            [
                calls("T", 100, 0.99),
                calls("B", 100, 0.60),
                calls("mast", 19, 0.99),
                calls("macrophage", 60, 0.95),
                calls("monocyte", 60, 0.95),
                calls("unassigned", 40, 0.3, "monocyte"),
                calls("NK", 500, 0.99).assign(qc_status="doublet"),
            ]
        ),
        {"T": 0.01, "macrophage": 0.2},
    ).set_index("cell_class")
    assert table["status"][["T", "B", "mast", "macrophage", "monocyte", "NK"]].to_list() == [
        "SUPPORTED",
        "SHIFTED",
        "INSUFFICIENT",
        "SHIFTED",
        "SHIFTED",
        "ABSENT",
    ]
    assert table.loc["NK", "n_cells"] == 0 and pd.isna(table.loc["NK", "mean_confidence"])
    assert pd.isna(table.loc["mast", "calibration_error"])
