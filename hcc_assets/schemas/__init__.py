"""One Pandera model per table, input and output: the single place where a column is named, typed
and described.

What every model shares is in ``base``; the dictionary and safe CSV are made from the models. No
derivation belongs here: each model is imported from the module of its subject.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "ADAM_MODELS": "adam",
        "Table": "base",
        "TableRefused": "base",
        "columns": "base",
        "conform": "base",
        "empty": "base",
        "records": "base",
        "to_csv_bytes": "csv_safe",
        "data_dictionary": "dictionary",
        "dictionary_html": "dictionary",
    },
)
