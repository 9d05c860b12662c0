"""``python -m hcc_assets`` is ``hcc``."""

from hcc_assets.cli import main

main()
