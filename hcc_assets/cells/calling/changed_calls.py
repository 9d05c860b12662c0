"""Which calls differ between two sets of calls of the same samples. How calls are made is in
``annotation``.
"""

from __future__ import annotations

import pandas as pd

from hcc_assets.schemas.base import conform
from hcc_assets.schemas.reference import LabelChanges


def label_changes(old: dict[str, pd.DataFrame], new: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Published table ``reference_changes``: cells whose class or status differs between two sets
    of calls (sample id to ``Annotation.calls``).
    """
    columns = ["barcode", "cell_class", "qc_status", "confidence", "reference_version"]
    rows = []
    for sample_id in sorted(set(old) | set(new)):
        blank = pd.DataFrame(columns=columns, dtype=object)
        both = old.get(sample_id, blank)[columns].merge(
            new.get(sample_id, blank)[columns], on="barcode", how="outer", suffixes=("_old", "_new")
        )
        differs = (both["cell_class_old"].fillna("") != both["cell_class_new"].fillna("")) | (
            both["qc_status_old"].fillna("") != both["qc_status_new"].fillna("")
        )
        rows.append(both[differs].assign(sample_id=sample_id))
    table = (
        pd.concat(rows, ignore_index=True)
        if rows
        else pd.DataFrame(columns=["sample_id", "barcode"])
    )
    names = {
        "cell_class": "class",
        "qc_status": "qc_status",
        "confidence": "confidence",
        "reference_version": "version",
    }
    renamed = {f"{k}_{side}": f"{side}_{v}" for k, v in names.items() for side in ("old", "new")}
    out = (
        table.rename(columns=renamed)
        .reindex(columns=list(LabelChanges.to_schema().columns))
        .sort_values(["sample_id", "barcode"], kind="stable")
    )
    return conform(LabelChanges, out)
