"""The bytes of a delivered file to plain cells of text, in a child process with limits.

A reader per format, the choice between them, how large a table may be, and the child that reads.
What columns and cells mean is in the folder above.
"""

from __future__ import annotations

from hcc_assets import faces

__getattr__, __dir__, __all__ = faces.lazy(
    __name__,
    {
        "Asked": "apart",
        "read_apart": "apart",
        "read_file_apart": "apart",
        "Cells": "cells",
        "read_cells": "formats",
    },
)
