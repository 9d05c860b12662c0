"""Fields that several tables share."""

from __future__ import annotations

from typing import Any

import pandera.pandas as pa

CONTRAST: Any = pa.Field(description="The two timepoints that are compared, ``pre>post``")
