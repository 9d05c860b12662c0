"""The bill of materials of the lock file, and advisories of an offline database against it."""

from __future__ import annotations

import importlib.util
import json
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).resolve().parents[2] / "deploy" / "supply_chain.py"
LOCK = "\n".join(
    [
        "alpha==1.4.0 \\",
        "    --hash=sha256:" + "a" * 64 + " \\",
        "    --hash=sha256:" + "b" * 64,
        "beta_two[extra]==2.0 ; python_version < '4' \\",
        "    --hash=sha256:" + "c" * 64,
    ]
)


@pytest.fixture(scope="module")
def chain() -> ModuleType:
    spec = importlib.util.spec_from_file_location("supply_chain", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def advisory(name: str, *events: dict[str, str], **more: object) -> dict[str, object]:
    affected = {
        "package": {"ecosystem": "PyPI", "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
    }
    return {"id": f"T-{name}", "summary": "told", "affected": [affected], **more}


def test_every_distribution_of_the_lock_is_in_the_bill(chain: ModuleType) -> None:
    bill = chain.sbom(LOCK, "1.0")
    assert [(c["name"], c["version"], len(c["hashes"])) for c in bill["components"]] == [
        ("alpha", "1.4.0", 2),
        ("beta-two", "2.0", 1),
    ]
    assert chain.sbom(LOCK, "1.0") == bill
    own = (FILE.parents[1] / "requirements.lock").read_text()
    assert len(chain.locked(own)) == sum("==" in line for line in own.splitlines()) > 100
    assert all(hashes for _, _, hashes in chain.locked(own))


def test_an_advisory_counts_for_the_versions_that_it_names(chain: ModuleType) -> None:
    said = [
        advisory("alpha", {"introduced": "0"}, {"fixed": "1.4.1"}),
        advisory("alpha", {"introduced": "1.0"}, {"fixed": "1.4.0"}, id="fixed-before"),
        advisory("Beta_Two", {"introduced": "0"}, {"last_affected": "2.0"}, id="last"),
        advisory("alpha", {"introduced": "0"}, id="withdrawn", withdrawn="2026-01-01"),
        advisory("gamma", {"introduced": "0"}, id="other"),
    ]
    found = [row[2] for row in chain.known_against(LOCK, said)]
    assert found == ["T-alpha", "last"]


def test_a_scan_of_the_real_lock_ends_with_one_where_something_is_known(
    chain: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = tmp_path / "all.zip"
    for content, code in (({}, 0), (advisory("pandas", {"introduced": "0"}), 1)):
        with zipfile.ZipFile(database, "w") as archive:
            if content:
                archive.writestr("T.json", json.dumps(content))
        assert chain.main(["scan", str(database)]) == code
    assert "pandas" in capsys.readouterr().out
    assert chain.main(["sbom", str(tmp_path / "bill.json")]) == 0
    assert json.loads((tmp_path / "bill.json").read_text())["bomFormat"] == "CycloneDX"
