"""The command line ``hcc``. Commands live in ``hcc_assets.commands``; each imports what it needs
when it runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Run ``hcc``; exit 0 for done, 1 for done but something needs attention, 2 for misuse,
    3 for what could not be started."""
    from hcc_assets.home.private import private_process

    private_process()
    from hcc_assets.commands import hcc

    sys.exit(hcc(standalone_mode=True))
