"""What lies in a folder of ``landing/``, and which of it can be a delivery by name and header. When
it is taken is decided in `settling`, what it says where it is read.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Final

from upath import UPath

from hcc_assets.home import objects
from hcc_assets.home.landing.delivered_files import ARCHIVES, CONTROL_FILES
from hcc_assets.home.paths import is_local

TABLES = (".csv", ".xlsx", ".xpt", ".sas7bdat", ".parquet", ".json", ".ndjson")
LABEL_MAP: Final = "label_map.csv"
CURATION: Final = "curation.csv"
COLUMNS: Final = {
    LABEL_MAP: ("source_label", "cell_class"),
    CURATION: ("sample_id", "barcode", "from_class", "cell_class", "who", "reason"),
}
CALLS: Final = (".csv", ".parquet")
RESERVED: Final = ("own", "consensus")
"""Names of annotators that no folder can have."""
_HEADER_BYTES: Final = 1 << 16
"""Of a header line that is read: far more than any has (own choice)."""


def entries(folder: UPath) -> list[UPath]:
    if not is_local(folder):
        below = [
            folder / name
            for name in dict.fromkeys(
                n.partition("/")[0] for n, o in objects.listed(folder).items() if o.below
            )
        ]
    else:
        below = list(folder.iterdir()) if folder.exists() else []
    told = (
        p
        for p in below
        if p.name not in CONTROL_FILES
        and not p.name.startswith(".")
        and not p.name.lower().startswith("readme")
    )
    return sorted(told, key=lambda p: p.name)


def annotation_entries(folder: UPath) -> Iterator[tuple[str, UPath, bool]]:
    """Files below ``landing/annotations/`` and of the folder of each tool: name, path, and whether
    ``_DONE`` lies beside it."""
    for path in entries(folder):
        below = entries(path) if objects.is_folder(path) else []
        done = ((path if below else folder) / "_DONE").exists()
        if below:
            yield from ((f"{path.name}/{p.name}", p, done) for p in below)
        else:
            yield path.name, path, done


def is_export(path: UPath) -> bool:
    """True for a folder, and for a file that somebody means as an export: it is refused by its
    name, so that it does not vanish."""
    return objects.is_folder(path) or path.name.lower().endswith((*ARCHIVES, *TABLES))


def misplaced(kind: str, path: UPath) -> str:
    """Why a delivery of this kind cannot be one by its name; empty when it can."""
    name = path.name.lower()
    if name.endswith(ARCHIVES):
        return "is an archive, and archives are not opened; send the files that are in it"
    if kind == "annotation":
        return _annotation_problem(path)
    if kind == "clinical" and not objects.is_folder(path):
        return (
            "lies beside the exports; an export is a folder landing/clinical/<export_id>/ with "
            "its files"
        )
    if kind == "reference" and not (
        name.endswith(".h5ad") or (name.startswith("ctcae") and name.endswith((".csv", ".xlsx")))
    ):
        return (
            "is neither ctcae_v5.csv, ctcae_v5.xlsx nor an .h5ad file and is not used; take it "
            "away or give it its name"
        )
    return ""


def _annotation_problem(path: UPath) -> str:
    """Why a file below ``landing/annotations/`` is not used; empty when it is."""
    if objects.is_folder(path):
        return "holds no file of calls, or is a folder in the folder of a tool"
    if path.name in COLUMNS and path.parent.name == "annotations":
        return _header_problem(path)
    if path.parent.name == "annotations":
        return "is neither label_map.csv, curation.csv nor in the folder of a tool"
    if path.parent.name in RESERVED:
        return f"no tool can be named {path.parent.name}; give its folder another name"
    if not path.name.endswith(CALLS):
        return "calls of a tool are <sample_id>.csv or <sample_id>.parquet"
    return ""


def _header_problem(path: UPath) -> str:
    try:
        with path.open("rb") as handle:
            line = handle.readline(_HEADER_BYTES)
    except OSError:
        return ""  # told by whoever judges the bytes
    text = line.decode("utf-8-sig", errors="replace")
    header = [cell.strip() for cell in next(csv.reader([text]), [])]
    missing = [c for c in COLUMNS[path.name] if c not in header]
    if missing:
        return f"has no column {', '.join(missing)}; save it as CSV UTF-8 with a header line"
    return ""
