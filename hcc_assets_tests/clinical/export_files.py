"""Small clinical exports: writers in every accepted format, and reading with the default settings.

No assertions here.
"""

from __future__ import annotations

import ctypes
import json
from pathlib import Path
from typing import Any

import pandas as pd

from hcc_assets.clinical.reading.exports import Export, read_export
from hcc_assets.study.config import StudyConfig

CONFIG = StudyConfig()
BASE: dict[str, list[dict[str, str]]] = {
    "dm": [
        {
            "USUBJID": "001",
            "SITEID": "07",
            "RFICDTC": "2024-01-02",
            "AGE": "61",
            "SEX": "M",
            "DTHDTC": "",
            "DTHFL": "",
            "ARM": "SURUFATINIB",
        },
        {
            "USUBJID": "1E5",
            "SITEID": "07",
            "RFICDTC": "2024-01",
            "AGE": "48",
            "SEX": "F",
            "DTHDTC": "2024-09",
            "DTHFL": "Y",
            "ARM": "NA",
        },
    ],
    "ex": [
        {
            "USUBJID": "001",
            "EXSEQ": "1",
            "EXTRT": "SURUFATINIB",
            "EXDOSE": "300",
            "EXDOSU": "mg",
            "EXSTDTC": "2024-01-10",
            "EXENDTC": "",
        },
        {
            "USUBJID": "1E5",
            "EXSEQ": "1",
            "EXTRT": "SURUFATINIB",
            "EXDOSE": "250",
            "EXDOSU": "mg",
            "EXSTDTC": "2024-01-15",
            "EXENDTC": "2024-08-20",
        },
    ],
    "tr": [
        {
            "USUBJID": "001",
            "VISITNUM": "0",
            "VISIT": "SCREENING",
            "TRDTC": "2024-01-03",
            "TRLNKID": "T01",
            "TRGRPID": "TARGET",
            "TRTESTCD": "LDIAM",
            "TRORRES": "32.4",
            "TRORRESU": "mm",
            "TULOC": "LIVER",
        },
        {
            "USUBJID": "001",
            "VISITNUM": "1",
            "VISIT": "WEEK 6",
            "TRDTC": "2024-02-21",
            "TRLNKID": "T01",
            "TRGRPID": "TARGET",
            "TRTESTCD": "LDIAM",
            "TRORRES": "30",
            "TRORRESU": "mm",
            "TULOC": "LIVER",
        },
    ],
    "ae": [
        {
            "USUBJID": "1E5",
            "AESEQ": "1",
            "AETERM": "NA",
            "AEDECOD": "Hypertension",
            "AESTDTC": "2024-02",
            "AEENDTC": "",
            "AETOXGR": "3",
            "AEOUT": "NOT RECOVERED/NOT RESOLVED",
            "AEREL": "Y",
            "AESER": "N",
        },
    ],
}
NUMERIC = frozenset({"AGE", "EXSEQ", "EXDOSE", "VISITNUM", "AESEQ"})


def frames(**changes: list[dict[str, str]]) -> dict[str, pd.DataFrame]:
    """The small export as text frames; ``dm=[…]`` replaces a domain."""
    return {
        domain: pd.DataFrame(rows, dtype=object) for domain, rows in {**BASE, **changes}.items()
    }


def read(folder: Path, **kwargs: object) -> Export:
    """Read an export folder with the default settings."""
    return read_export(folder, CONFIG, **kwargs)  # type: ignore[arg-type]


def write_csv(
    folder: Path, tables: dict[str, pd.DataFrame], *, encoding: str = "utf-8", sep: str = ","
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for domain, frame in tables.items():
        frame.to_csv(
            folder / f"{domain}.csv", index=False, encoding=encoding, sep=sep, lineterminator="\n"
        )
    return folder


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Number columns as floats, as binary formats carry them; empty text stays empty."""
    out = frame.copy()
    for name in out.columns:
        if name in NUMERIC:
            out[name] = pd.to_numeric(out[name])
        else:
            out[name] = out[name].fillna("").astype(object)
    return out


def write(folder: Path, tables: dict[str, pd.DataFrame], kind: str) -> Path:
    """Write all domains in one format: csv, xlsx, xpt, sas7bdat, parquet, json10, json11 or
    ndjson."""
    folder.mkdir(parents=True, exist_ok=True)
    for domain, frame in tables.items():
        typed = _typed(frame)
        if kind == "csv":
            frame.to_csv(folder / f"{domain}.csv", index=False)
        elif kind == "xlsx":
            typed.to_excel(folder / f"{domain}.xlsx", index=False, sheet_name=domain.upper())
        elif kind == "xpt":
            import pyreadstat

            pyreadstat.write_xport(
                typed,
                str(folder / f"{domain}.xpt"),
                table_name=domain.upper(),
                file_format_version=5,
            )
        elif kind == "sas7bdat":
            write_sas7bdat(folder / f"{domain}.sas7bdat", typed)
        elif kind == "parquet":
            typed.to_parquet(folder / f"{domain}.parquet", index=False)
        else:
            _write_json(folder, domain, typed, kind)
    return folder


def _write_json(folder: Path, domain: str, frame: pd.DataFrame, kind: str) -> None:
    columns = [
        {
            "itemOID": f"IT.{domain}.{c}",
            "name": c,
            "label": c,
            "dataType": "float" if c in NUMERIC else "string",
        }
        for c in frame.columns
    ]
    rows = [
        [None if isinstance(v, float) and v != v else v for v in row]
        for row in frame.itertuples(index=False)
    ]
    head: dict[str, Any] = {
        "datasetJSONVersion": "1.1.0",
        "name": domain.upper(),
        "records": len(rows),
        "columns": columns,
    }
    if kind == "json11":
        (folder / f"{domain}.json").write_text(json.dumps({**head, "rows": rows}), encoding="utf-8")
    elif kind == "ndjson":
        (folder / f"{domain}.ndjson").write_text(
            "\n".join(json.dumps(x) for x in [head, *rows]) + "\n", encoding="utf-8"
        )
    else:
        items = [{"OID": "ITEMGROUPDATASEQ", "name": "ITEMGROUPDATASEQ", "type": "integer"}] + [
            {"OID": c["itemOID"], "name": c["name"]} for c in columns
        ]
        group = {
            "records": len(rows),
            "name": domain.upper(),
            "items": items,
            "itemData": [[i, *row] for i, row in enumerate(rows, 1)],
        }
        content = {
            "datasetJSONVersion": "1.0.0",
            "clinicalData": {"studyOID": "S", "itemGroupData": {f"IG.{domain.upper()}": group}},
        }
        (folder / f"{domain}.json").write_text(json.dumps(content), encoding="utf-8")


def write_sas7bdat(path: Path, frame: pd.DataFrame) -> None:
    """A SAS data set, written by the ReadStat library that pyreadstat carries (its Python face
    writes no sas7bdat)."""
    import pyreadstat

    found = sorted(Path(pyreadstat.__file__).parent.glob("_readstat_writer*.so"))
    if not found:
        raise NotImplementedError("the ReadStat writer of pyreadstat is not a shared library here")
    lib = ctypes.CDLL(str(found[0]))
    pointer = ctypes.c_void_p
    for name in ("readstat_writer_init", "readstat_add_variable"):
        getattr(lib, name).restype = pointer
    chunks: list[bytes] = []
    callback_type = ctypes.CFUNCTYPE(ctypes.c_ssize_t, pointer, ctypes.c_size_t, pointer)

    def take(data: int, length: int, _: object) -> int:
        chunks.append(ctypes.string_at(data, length))
        return length

    callback = callback_type(take)
    writer = pointer(lib.readstat_writer_init())
    lib.readstat_set_data_writer(writer, callback)
    lib.readstat_add_variable.argtypes = [pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t]
    lib.readstat_insert_double_value.argtypes = [pointer, pointer, ctypes.c_double]
    lib.readstat_begin_writing_sas7bdat.argtypes = [pointer, pointer, ctypes.c_long]
    variables = []
    for name in frame.columns:
        number = name in NUMERIC
        width = 8 if number else max(1, max((len(str(v).encode()) for v in frame[name]), default=1))
        variables.append(
            (
                pointer(
                    lib.readstat_add_variable(
                        writer, name.encode(), 5 if number else 0, 0 if number else width
                    )
                ),
                number,
            )
        )
    lib.readstat_begin_writing_sas7bdat(writer, None, len(frame))
    for row in frame.itertuples(index=False):
        lib.readstat_begin_row(writer)
        for (variable, number), value in zip(variables, row, strict=True):
            if number and value != value:
                lib.readstat_insert_missing_value(writer, variable)
            elif number:
                lib.readstat_insert_double_value(writer, variable, float(value))
            else:
                lib.readstat_insert_string_value(writer, variable, str(value).encode())
        lib.readstat_end_row(writer)
    lib.readstat_end_writing(writer)
    lib.readstat_writer_free(writer)
    path.write_bytes(b"".join(chunks))
