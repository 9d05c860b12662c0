"""The files of one export folder: which is which domain, which lie beside them, and the manifest.
Nothing is opened here but the manifest."""

from __future__ import annotations

import re
from pathlib import Path

from hcc_assets.clinical.issues import IssueLog
from hcc_assets.clinical.reading.files.formats import SUFFIXES
from hcc_assets.study.sdtm_variables import DOMAINS

MANIFEST = "manifest.sha256"
DONE = "_DONE"
_MANIFEST_BYTES = 1 << 20
"""Ours: ten thousand lines; an export has a dozen files."""
_SIDE_FILES = frozenset(
    {
        MANIFEST,
        DONE.lower(),
        "readme.txt",
        "readme.md",
        "readme",
        "define.xml",
        "thumbs.db",
        "desktop.ini",
    }
)


def domain_of(path: Path) -> str | None:
    """Domain that a file name stands for (``dm.csv``, ``AE.XPT``), or null."""
    stem = path.stem.strip().lower()
    return stem if path.suffix.lower() in SUFFIXES and stem in DOMAINS else None


def find_files(folder: Path, log: IssueLog) -> dict[str, list[Path]]:
    """Domain to the files that claim to be it; a file that is no domain is told as RD11."""
    out: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if (
            not path.is_file()
            or path.name.startswith((".", "~$"))
            or path.name.lower() in _SIDE_FILES
        ):
            continue
        domain = domain_of(path)
        if domain:
            out.setdefault(domain, []).append(path)
        else:
            shown = (
                path.name
                if re.fullmatch(r"[\w.-]{1,40}", path.name, re.ASCII)
                and not re.search(r"\d{4}", path.name)
                else f"*{path.suffix}"
            )
            log.add(
                "RD11",
                "I",
                "export",
                f"the file {shown} is no domain that the platform reads and was left aside",
            )
    return out


def read_manifest(folder: Path) -> dict[str, str]:
    """File name to sha256 of ``manifest.sha256``; empty where the delivery has none."""
    path = folder / MANIFEST
    if not path.exists():
        return {}
    out = {}
    with path.open("rb") as file:
        text = file.read(_MANIFEST_BYTES).decode("utf-8", errors="replace")
    for line in text.splitlines():
        match = re.fullmatch(r"([0-9a-fA-F]{64})\s+\*?(?:\./)?(.+?)\s*", line)
        if match:
            out[match[2]] = match[1].lower()
    return out
