"""A frozen reference that this version of the code cannot read is refused with what to do."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from hcc_assets.assets.definition import Refused
from hcc_assets.catalogue.single_cell.annotated_cells import _reference
from hcc_assets.cells.reference.building import build_reference
from hcc_assets.study.config import StudyConfig


def test_the_sentence_says_rebuild() -> None:
    table = pq.read_table(io.BytesIO(build_reference([], StudyConfig()).to_parquet_bytes()))
    header = {
        k: v
        for k, v in json.loads(table.schema.metadata[b"hcc_reference"]).items()
        if k not in ("limits", "log_size")
    }
    sink = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"hcc_reference": json.dumps(header)}), sink)
    version = SimpleNamespace(blob=lambda _: sink.getvalue())
    with pytest.raises(Refused, match="hcc reference rebuild --reason") as refused:
        _reference(version)  # type: ignore[arg-type]
    assert refused.value.code == "reference_outdated"
