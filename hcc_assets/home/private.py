"""Who may read what the platform writes: its own user, whatever the umask of the shell was."""

from __future__ import annotations

import os
from pathlib import Path

UMASK_VARIABLE = "HCC_UMASK"
PRIVATE_UMASK = 0o077
"""Files 0600 and folders 0700: data of patients are for one user until somebody says otherwise."""
OTHERS = 0o007
"""The bits of everybody else (chmod(1)); a group that was let in stays."""


def umask() -> int:
    """What is taken from the modes of new files: all of group and others, or what ``HCC_UMASK``
    (octal, as 027) says."""
    given = os.environ.get(UMASK_VARIABLE, "")
    try:
        return int(given, 8) & 0o777 if given else PRIVATE_UMASK
    except ValueError:
        return PRIVATE_UMASK


def private_process() -> None:
    """Set the umask of this process and of those that it starts: the first act of every one."""
    os.umask(umask())


def close_to_others(*folders: Path) -> None:
    """Take the way in from everybody else; for folders of before files were private. Those that
    are another's are left."""
    if umask() & OTHERS != OTHERS:
        return
    for folder in folders:
        if not folder.is_dir():
            continue
        found = folder.stat()
        if found.st_uid == os.getuid() and found.st_mode & OTHERS:
            folder.chmod(found.st_mode & 0o7777 & ~OTHERS)
