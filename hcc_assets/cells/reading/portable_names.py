"""Names of delivered files and folders that mean the same on every system, and links that stay.

Which files make up a matrix is settled in ``matrix_files``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from hcc_assets.cells.reading.refused import MatrixRefused

_WINDOWS: Final = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')


def check_name(name: str) -> None:
    """Refuse a file or folder name that another system would read differently: traversal, reserved
    Windows names, control characters.

    Raises
    ------
    MatrixRefused
        Code ``bad_name``.
    """
    if (
        name in ("", ".", "..")
        or "/" in name
        or _FORBIDDEN.search(name)
        or _WINDOWS.match(name)
        or name[-1] in " ."
        or name != name.strip()
    ):
        raise MatrixRefused(
            "bad_name",
            "a file or folder name in the delivery is not portable (reserved word, '..', control "
            "character or trailing dot)",
        )


def check_inside(path: Path, root: Path) -> None:
    """Refuse a link that leads nowhere or out of ``root``, and what is no file or folder.

    Raises
    ------
    MatrixRefused
        ``dangling, symlink, not_a_file``.
    """
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise MatrixRefused("dangling", f"{path.name} is a link that leads nowhere") from None
    if not target.is_relative_to(root):
        raise MatrixRefused(
            "symlink", f"{path.name} is a link that leaves the delivery; deliver the file itself"
        )
    if not (target.is_file() or target.is_dir()):
        raise MatrixRefused("not_a_file", f"{path.name} is neither a file nor a folder")
