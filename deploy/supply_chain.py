"""What an installation is made of, and what is known against it, without a network.

``python deploy/supply_chain.py sbom [FILE]`` writes a CycloneDX 1.5 bill of materials of
``requirements.lock``; ``python deploy/supply_chain.py scan DATABASE`` compares the lock with a copy
of the OSV database for PyPI (``all.zip`` as osv.dev publishes it, fetched where there is a network)
and ends with 1 where an advisory names a locked version.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"


def locked(text: str) -> list[tuple[str, str, list[str]]]:
    """Name, version and hashes (SHA-256, hex) of each locked distribution, sorted; one that is
    locked in two versions, for two systems, is there twice."""
    found = []
    for block in re.split(r"\n(?=\S)", text.replace("\\\n", " ")):
        head = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", block)
        if head:
            hashes = re.findall(r"sha256:([0-9a-f]{64})", block)
            found.append((head.group(1).lower().replace("_", "-"), head.group(2), hashes))
    return sorted(found)


def sbom(lock: str, version: str) -> dict[str, Any]:
    """A CycloneDX 1.5 document; same lock, same document."""
    parts = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{number}",
            "name": name,
            "version": number,
            "purl": f"pkg:pypi/{name}@{number}",
            "hashes": [{"alg": "SHA-256", "content": sha} for sha in sorted(hashes)],
        }
        for name, number, hashes in locked(lock)
    ]
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(parts, sort_keys=True) + version)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "hcc_assets", "version": version}
        },
        "components": parts,
    }


def advisories(database: Path) -> Iterator[dict[str, Any]]:
    """Every advisory of an OSV archive."""
    with zipfile.ZipFile(database) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".json"):
                yield json.loads(archive.read(name))


def known_against(lock: str, found: Iterable[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """Distribution, version, advisory and its summary for each advisory that names a locked
    version and was not withdrawn."""
    here = locked(lock)
    out = set()
    for advisory in found:
        for affected in [] if "withdrawn" in advisory else advisory.get("affected", []):
            package = affected.get("package", {})
            name = str(package.get("name", "")).lower().replace("_", "-")
            if package.get("ecosystem") != "PyPI":
                continue
            for version in (v for n, v, _ in here if n == name and _affects(affected, v)):
                summary = str(advisory.get("summary", "")).strip()
                out.add((name, version, str(advisory["id"]), summary))
    return sorted(out)


def _affects(affected: dict[str, Any], version: str) -> bool:
    if version in affected.get("versions", []):
        return True
    mine = Version(version)
    for span in affected.get("ranges", []):
        if span.get("type") != "ECOSYSTEM":
            continue
        inside = False
        for event in sorted(span.get("events", []), key=_place):
            ((kind, at),) = event.items()
            limit = _version(at)
            if kind == "introduced" and mine >= limit:
                inside = True
            elif (kind == "fixed" and mine >= limit) or (kind == "last_affected" and mine > limit):
                inside = False
        if inside:
            return True
    return False


def _place(event: dict[str, str]) -> Version:
    return _version(next(iter(event.values())))


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(arguments: list[str]) -> int:
    lock = LOCK.read_text(encoding="utf-8")
    if arguments[:1] == ["sbom"]:
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
        text = json.dumps(sbom(lock, version), indent=1) + "\n"
        target = Path(arguments[1]) if len(arguments) > 1 else ROOT / "build" / "sbom.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        _tell(f"{target}: {len(locked(lock))} distributions")
        return 0
    if arguments[:1] == ["scan"] and len(arguments) == 2:
        found = known_against(lock, advisories(Path(arguments[1])))
        for name, version, identifier, summary in found:
            _tell(f"{name} {version}: {identifier} {summary}")
        _tell(f"{len(locked(lock))} distributions, {len(found)} advisories")
        return int(bool(found))
    _tell(str(__doc__))
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
