"""Lines at the end of a file: added whole and synced, or not at all. What they say: `chain`."""

from __future__ import annotations

import errno
import os
from pathlib import Path

TAIL_BYTES = 65536
"""Read at a time from the end: more than a line has, and a single read of a disk."""


def append_line(path: Path, line: bytes) -> None:
    """Add a line; on return it is on the disk.

    Raises
    ------
    OSError
        It could not be written; the file is as it was.
    """
    created = not path.exists()
    with path.open("ab", buffering=0) as handle:
        before = handle.tell()
        try:
            if handle.write(line + b"\n") != len(line) + 1:
                raise OSError(errno.ENOSPC, "the line was written in part")
            os.fsync(handle.fileno())
        except OSError:
            # nothing was acknowledged; half a line would look like tampering
            handle.truncate(before)
            raise
    if created:
        sync_folder(path.parent)


def cut_torn_line(path: Path) -> bytes | None:
    """Remove what a dying process left without an end of line (never acknowledged)."""
    if not path.exists():
        return None
    with path.open("rb+") as handle:
        content = handle.read()
        keep = content.rfind(b"\n") + 1
        if keep == len(content):
            return None
        handle.truncate(keep)
        os.fsync(handle.fileno())
    return content[keep:]


def last_line(path: Path) -> bytes:
    """The last whole line, from the end of the file, so that it costs the same in the tenth year
    as on the first day."""
    tail = b""
    with path.open("rb") as handle:
        position = handle.seek(0, os.SEEK_END)
        while position > 0 and len(tail.split(b"\n")) < 3:
            step = min(TAIL_BYTES, position)
            position = handle.seek(position - step)
            tail = handle.read(step) + tail
    return tail.split(b"\n")[-2]


def sync_folder(folder: Path) -> None:
    """Make names in a folder last through a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
