"""Judging an HDF5 file before any of its data are read: links out of the file, foreign storage,
filters, claims beyond the file's size.

What the file should hold belongs to the readers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import h5py

from hcc_assets.cells.reading.refused import MatrixRefused

_FILTERS: Final = {
    1: "deflate",
    2: "shuffle",
    3: "fletcher32",
    4: "szip",
    5: "nbit",
    6: "scaleoffset",
    32000: "lzf",
}
"""Filters that are part of HDF5 or h5py itself; any other would load code from a plugin."""
_PACKING: Final = 1100
"""More than deflate can pack (1032:1, zlib's technical note)."""
_SLACK: Final = 1 << 20
"""Bytes that any data set may claim: own choice, 1 MB."""
_MAX_OBJECTS: Final = 100_000
"""Own choice: no matrix file needs as many."""
_MAX_DEPTH: Final = 32
"""Own choice: anndata nests four deep."""


def _check_dataset(dataset: Any, name: str) -> None:
    plist = dataset.id.get_create_plist()
    layout = plist.get_layout()
    if layout == h5py.h5d.VIRTUAL:
        raise MatrixRefused(
            "virtual_dataset",
            f"{name} has a virtual data set, which reads other files; write the data into the "
            "file itself",
        )
    if plist.get_external_count() > 0:
        raise MatrixRefused(
            "external_link", f"{name} keeps data in another file; write them into the file itself"
        )
    for k in range(plist.get_nfilters()):
        if plist.get_filter(k)[0] not in _FILTERS:
            raise MatrixRefused(
                "unknown_filter",
                f"{name} is packed with a filter that HDF5 does not bring along; write it with "
                "gzip or none",
            )
    if dataset.shape is None:
        return
    claimed = int(dataset.dtype.itemsize)
    for n in dataset.shape:
        claimed *= int(n)
    packed = plist.get_nfilters() > 0
    if claimed > int(dataset.id.get_storage_size()) * (_PACKING if packed else 1) + _SLACK:
        raise MatrixRefused("lying_header", f"{name} claims more data than it stores")


def walk(file: Any, name: str) -> None:
    """Visit every object of an open HDF5 file by its links.

    Parameters
    ----------
    file
        Open ``h5py.File``.
    name
        File name for the message.

    Raises
    ------
    MatrixRefused
        ``external_link, soft_link, virtual_dataset, unknown_filter, lying_header, too_large,
        damaged``.
    """
    seen: set[int] = set()
    stack: list[tuple[Any, int]] = [(file, 0)]
    objects = 0
    while stack:
        group, depth = stack.pop()
        if depth > _MAX_DEPTH:
            raise MatrixRefused("too_large", f"{name} is nested too deeply")
        for key in group:
            objects += 1
            if objects > _MAX_OBJECTS:
                raise MatrixRefused("too_large", f"{name} has too many objects")
            link = group.get(key, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise MatrixRefused(
                    "external_link",
                    f"{name} links to another file; deliver one file that holds all data",
                )
            if not isinstance(link, h5py.HardLink):
                raise MatrixRefused(
                    "soft_link", f"{name} has a soft or user-defined link; write the data in place"
                )
            item = group[key]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                continue
            seen.add(address)
            if isinstance(item, h5py.Group):
                stack.append((item, depth + 1))
            elif isinstance(item, h5py.Dataset):
                _check_dataset(item, name)


def open_h5(path: Path) -> Any:
    """Open an HDF5 file for reading and walk it.

    Raises
    ------
    MatrixRefused
        ``truncated`` where HDF5 cannot open it, and those of `walk`.
    """
    try:
        file = h5py.File(path, "r", locking=False)
    except (OSError, RuntimeError, ValueError, KeyError):
        raise MatrixRefused(
            "truncated", f"{path.name} is cut off, damaged or no HDF5 file; send it again"
        ) from None
    try:
        walk(file, path.name)
    except MatrixRefused:
        file.close()
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, MemoryError):
        file.close()
        raise MatrixRefused("damaged", f"{path.name} is damaged inside; send it again") from None
    return file
