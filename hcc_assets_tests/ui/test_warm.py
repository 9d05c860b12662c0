"""What a run finds imported when it starts as a fork."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from hcc_assets.ui.warm import warm_context


def loaded(queue):
    names = ("hcc_assets.definitions", "hcc_assets.cells.calling.annotation", "scanpy", "lifelines")
    queue.put([name for name in names if name in sys.modules])


if __name__ == "__main__":
    context = warm_context()
    queue = context.Queue()
    run = context.Process(target=loaded, args=(queue,))
    run.start()
    found = queue.get(timeout=120)
    run.join()
    print(len(found), run.exitcode)
"""


def test_a_run_has_everything_imported_and_its_own_end(tmp_path: Path) -> None:
    script = tmp_path / "code_server.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=200, check=True
    )
    assert done.stdout.split() == ["4", "0"], done.stderr
