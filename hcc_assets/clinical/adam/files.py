"""ADaM datasets as files: Parquet, CSV and SAS transport (XPT version 5) with labels.

Building the datasets is in ``datasets``.

The same datasets give the same bytes: the transport writer stamps the time of writing into its
header, which is replaced by the data cutoff.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from hcc_assets.schemas.adam import ADAM_MODELS, labels
from hcc_assets.schemas.base import Table, columns
from hcc_assets.schemas.csv_safe import to_csv_bytes
from hcc_assets.schemas.dictionary import data_dictionary, dictionary_html

XPT_TEXT: Final = 200
"""Bytes of a text that XPT version 5 holds; longer text is cut there (it is whole in Parquet and
CSV)."""

_SPELLED = str.maketrans(
    {
        "≥": ">=",
        "≤": "<=",
        "−": "-",
        "–": "-",
        "—": "-",
        "…": "...",
        "µ": "u",
        "’": "'",
        "“": '"',
        "”": '"',
    }
)
_STAMP = re.compile(rb"\d{2}[A-Z]{3}\d{2}:\d{2}:\d{2}:\d{2}")
_HEADER_BYTES = 80 * 8
"""Eight records of 80 bytes before the first variable hold the times of writing (SAS TS-140)."""

XPT_LABEL: Final = 40
"""Bytes of a label in XPT version 5 (SAS TS-140)."""

SAS_EPOCH: Final = dt.date(1960, 1, 1)
"""Day 0 of SAS dates."""


def _ascii(text: str) -> str:
    """Text in the characters of XPT version 5: accents dropped, signs spelled, anything else
    ``?``."""
    spelled = text.translate(_SPELLED)
    plain = "".join(
        c for c in unicodedata.normalize("NFKD", spelled) if not unicodedata.combining(c)
    )
    return plain.encode("ascii", "replace").decode()[:XPT_TEXT]


def _parquet(frame: pd.DataFrame, model: type[Table], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names, spec = labels(model), columns(model)
    types = {
        "text": pa.string(),
        "number": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
    }
    fields, arrays = [], []
    for name, meta in spec.items():
        values = frame[name].dt.date if meta["dtype"] == "date" else frame[name]
        fields.append(
            pa.field(
                name,
                types[meta["dtype"]],
                metadata={
                    "label": names[name],
                    "description": meta["description"],
                    "unit": meta["unit"],
                },
            )
        )
        arrays.append(pa.array(values, type=types[meta["dtype"]], from_pandas=True))
    pq.write_table(
        pa.Table.from_arrays(
            arrays,
            schema=pa.schema(fields, metadata={"label": (model.__doc__ or "").splitlines()[0]}),
        ),
        path,
    )


def _xpt(frame: pd.DataFrame, name: str, model: type[Table], path: Path, stamp: dt.date) -> None:
    import pyreadstat

    out, formats = pd.DataFrame(index=frame.index), {}
    for column, meta in columns(model).items():
        values = frame[column]
        if meta["dtype"] == "date":
            days = (values - pd.Timestamp(SAS_EPOCH)).dt.days.astype("float64")
            out[column], formats[column] = days, "DATE9."
        elif meta["dtype"] == "text":
            known = {v: _ascii(str(v)) for v in values.dropna().unique()}
            out[column] = values.map(known).fillna("").astype(object)
        else:
            out[column] = values.astype("float64")
    options: Any = {
        "column_labels": labels(model),
        "table_name": name,
        "file_format_version": 5,
        "variable_format": formats,
    }
    title = (model.__doc__ or "").splitlines()[0].split(": ", 1)[-1].split(".")[0]
    pyreadstat.write_xport(out, str(path), file_label=_ascii(title)[:XPT_LABEL], **options)
    content = path.read_bytes()
    mark = stamp.strftime("%d%b%y").upper().encode() + b":00:00:00"
    path.write_bytes(_STAMP.sub(mark, content[:_HEADER_BYTES]) + content[_HEADER_BYTES:])


def write_adam(adam: Mapping[str, pd.DataFrame], folder: str | Path) -> list[Path]:
    """Write each dataset as ``<name>.parquet``, ``<name>.csv`` and ``<name>.xpt`` (lower-case
    names), and ``define.csv`` and ``define.html`` beside them.

    Parameters
    ----------
    adam
        Result of ``datasets.build_adam``.
    folder
        Created when absent; files of the same names are replaced.

    Returns
    -------
    list of Path
        Files written. The same datasets give the same bytes.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    cutoffs = (
        adam["ADSL"]["DCUTDT"].dropna() if "ADSL" in adam else pd.Series(dtype="datetime64[ns]")
    )
    stamp = cutoffs.max().date() if len(cutoffs) else SAS_EPOCH
    written = []
    for name, frame in adam.items():
        model, base = ADAM_MODELS[name], target / name.lower()
        _parquet(frame, model, base.with_suffix(".parquet"))
        base.with_suffix(".csv").write_bytes(to_csv_bytes(frame))
        _xpt(frame, name, model, base.with_suffix(".xpt"), stamp)
        written += [base.with_suffix(s) for s in (".parquet", ".csv", ".xpt")]
    models = [ADAM_MODELS[name] for name in adam]
    for file, content in (
        ("define.csv", to_csv_bytes(data_dictionary(models))),
        ("define.html", dictionary_html(models).encode()),
    ):
        (target / file).write_bytes(content)
        written.append(target / file)
    return written
