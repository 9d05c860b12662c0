"""Taking the rows of one subject out of a delivered table, in the format it came in. Used by
erasure alone; nothing else changes landing.

A row goes when one of its id columns names the subject. Where another subject's row mentions the
name in its text, the name becomes ``(erased)``.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from upath import UPath

from hcc_assets.home import files
from hcc_assets.home.people.subject_keys import canonical_subject
from hcc_assets.privacy.names import Names

ID_COLUMNS = frozenset(
    [
        "usubjid",
        "subjid",
        "subject_id",
        "subject",
        "subjectid",
        "patient_id",
        "patientid",
        "patient",
        "sample_id",
        "sampleid",
        "cell_id",
        "rsubjid",
    ]
)


class CannotRewrite(ValueError):
    """Rows cannot be taken out of the file; it must be replaced by hand."""


class RowRemover:
    """Removes what belongs to a subject.

    Parameters
    ----------
    names
        The subject's id and sample ids.
    id_columns
        Names of id columns besides the usual ones (aliases), in any case.
    others
        Ids of others: a mention of one that contains a name stays. A short or numeric name is
        never masked in text, where it may as well be a number.
    """

    def __init__(
        self, names: Collection[str], id_columns: Collection[str] = (), others: Collection[str] = ()
    ):
        self._names = {canonical_subject(n) for n in names if n.strip()}
        self._mentions = Names(names, others)
        self._masked = 0
        self._columns = ID_COLUMNS | {c.casefold() for c in id_columns}

    def rewrite(self, path: Path) -> int:
        """Take the subject's rows out of ``path``, replaced in one step; returns how many went. A
        ``manifest.sha256`` beside it is brought up to date.

        Raises
        ------
        CannotRewrite
            Not a table of a known format, or damaged: landing keeps what was refused.
        """
        if not can_rewrite(path):
            kind = path.suffix or "file without a suffix"
            text = f"{path.name}: rows cannot be taken out of a {kind}"
            raise CannotRewrite(f"{text}; replace the file by hand")
        before, masked = files.sha256_file(path), self._masked
        try:
            data, removed = getattr(self, _FORMATS[path.suffix.lower()])(path)
        except CannotRewrite:
            raise
        except Exception as error:  # noqa: BLE001  (its text may hold values of the data)
            text = f"{path.name}: cannot be read ({type(error).__name__})"
            raise CannotRewrite(
                f"{text}; take the subject out of it, or replace it, by hand"
            ) from None
        if not removed and self._masked == masked:
            return 0
        files.write_bytes(UPath(path), data)
        self._renew_manifest(path, before)
        return int(removed)

    def _is_id(self, column: str) -> bool:
        return column.strip().strip("\ufeff").casefold() in self._columns

    def _names_it(self, value: Any) -> bool:
        return value is not None and canonical_subject(str(value)) in self._names

    def _mask(self, text: str) -> str:
        masked = self._mentions.masked(text)
        self._masked += masked != text
        return masked

    def _masked_value(self, value: Any) -> Any:
        return self._mask(value) if isinstance(value, str) else value

    def _kept(self, columns: dict[str, list[Any]]) -> list[bool]:
        """Which rows of a table stay."""
        ids = [values for name, values in columns.items() if self._is_id(name)]
        if not ids:
            return [True] * len(next(iter(columns.values()), []))
        return [not any(map(self._names_it, row)) for row in zip(*ids, strict=True)]

    def _csv(self, path: Path) -> tuple[bytes, int]:
        raw = path.read_bytes()
        wide = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
        # latin-1 keeps every byte of any 8-bit or GB encoding as it is; separators are ASCII in all
        encoding = "utf-16" if wide else "latin-1"
        text = raw.decode(encoding)
        first = next((line for line in io.StringIO(text, newline="") if line.strip()), "")
        delimiter = max(",;\t|", key=first.count)
        header = next(
            (row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row),
            [],
        )
        ids = [
            i for i, name in enumerate(header) if self._is_id(name.replace("ï»¿", "").strip('"'))
        ]
        if not ids:  # no rows of anybody: a note, or a table about something else
            return self._mask(text).encode(encoding), 0
        kept, removed = [], 0
        for record, row in _records(text, delimiter):
            if any(i < len(row) and self._names_it(row[i]) for i in ids):
                removed += 1
            else:
                kept.append(self._mask(record))
        return "".join(kept).encode(encoding), removed

    def _xlsx(self, path: Path) -> tuple[bytes, int]:
        import openpyxl

        book = openpyxl.load_workbook(path)
        removed = 0
        for sheet in book.worksheets:
            rows = sheet.iter_rows()
            header = next(rows, ())
            ids = [
                cell.column
                for cell in header
                if isinstance(cell.value, str) and self._is_id(cell.value)
            ]
            going = []
            for row in rows:
                if any(cell.column in ids and self._names_it(cell.value) for cell in row):
                    going.append(row[0].row)
                    continue
                for cell in row:
                    if isinstance(cell.value, str):
                        cell.value = self._mask(cell.value)
            for number in reversed(going):
                sheet.delete_rows(number)
            removed += len(going)
        buffer = io.BytesIO()
        book.save(buffer)
        return buffer.getvalue(), removed

    def _parquet(self, path: Path) -> tuple[bytes, int]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        keep = self._kept({name: table.column(name).to_pylist() for name in table.column_names})
        kept = table.filter(pa.array(keep, type=pa.bool_()))
        for i, field in enumerate(kept.schema):
            text = pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
            # categories are made anew, since they keep the values of rows that are gone
            if text or pa.types.is_dictionary(field.type):
                values = [self._masked_value(v) for v in kept.column(i).to_pylist()]
                kept = kept.set_column(i, field, pa.array(values, type=field.type))
        buffer = io.BytesIO()
        pq.write_table(kept, buffer)
        return buffer.getvalue(), keep.count(False)

    def _xpt(self, path: Path) -> tuple[bytes, int]:
        import pyreadstat

        frame, meta = pyreadstat.read_xport(str(path), disable_datetime_conversion=True)
        keep = self._kept({name: frame[name].tolist() for name in frame.columns})
        kept = frame[keep].copy()
        for column in kept.select_dtypes(include=["object", "string"]):
            kept[column] = [self._masked_value(v) for v in kept[column]]
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / path.name
            labels: dict[str, str | None] = {
                k: v or "" for k, v in meta.column_names_to_labels.items()
            }
            formats = {k: v for k, v in meta.original_variable_types.items() if v and v != "NULL"}
            pyreadstat.write_xport(
                kept,
                str(target),
                table_name=meta.table_name or path.stem.upper()[:8],
                column_labels=labels,
                variable_format=formats,
                file_format_version=5,
            )
            return target.read_bytes(), keep.count(False)

    def _dataset_json(self, path: Path) -> tuple[bytes, int]:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict) or "rows" not in content or "columns" not in content:
            raise CannotRewrite(f"{path.name}: not a Dataset-JSON file; replace it by hand")
        rows = content["rows"]
        content["rows"] = self._rows(rows, [str(c["name"]) for c in content["columns"]])
        if "records" in content:
            content["records"] = len(content["rows"])
        return json.dumps(content, ensure_ascii=False).encode(), len(rows) - len(content["rows"])

    def _ndjson(self, path: Path) -> tuple[bytes, int]:
        # splitlines would also cut at a U+2028 inside a value
        lines = path.read_text(encoding="utf-8").split("\n")
        head = json.loads(lines[0])
        rows = [json.loads(line) for line in lines[1:] if line.strip()]
        kept = self._rows(rows, [str(c["name"]) for c in head["columns"]])
        if "records" in head:
            head["records"] = len(kept)
        return "".join(
            json.dumps(line, ensure_ascii=False) + "\n" for line in [head, *kept]
        ).encode(), len(rows) - len(kept)

    def _rows(self, rows: list[list[Any]], names: list[str]) -> list[list[Any]]:
        ids = [i for i, name in enumerate(names) if self._is_id(name)]
        kept = [
            row for row in rows if not any(i < len(row) and self._names_it(row[i]) for i in ids)
        ]
        return [[self._masked_value(v) for v in row] for row in kept]

    def _manifest(self, path: Path) -> tuple[bytes, int]:
        """Lines of a checksum list that name the subject's files go with the files."""
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if self._mask(line) == line]
        return "".join(kept).encode(), len(lines) - len(kept)

    @staticmethod
    def _renew_manifest(path: Path, before: str) -> None:
        manifest = path.parent / "manifest.sha256"
        if manifest.exists():
            text = manifest.read_text(encoding="utf-8")
            files.write_bytes(
                UPath(manifest),
                re.sub(before, files.sha256_file(path), text, flags=re.IGNORECASE).encode(),
            )


_FORMATS = {
    ".csv": "_csv",
    ".tsv": "_csv",
    ".txt": "_csv",
    ".xlsx": "_xlsx",
    ".parquet": "_parquet",
    ".xpt": "_xpt",
    ".json": "_dataset_json",
    ".ndjson": "_ndjson",
    ".sha256": "_manifest",
}


def can_rewrite(path: Path) -> bool:
    """True for a format in which rows can be taken out; of ``.sas7bdat`` there is no writer."""
    return path.suffix.lower() in _FORMATS


def _records(text: str, delimiter: str) -> Iterator[tuple[str, list[str]]]:
    """Records of a delimited text as they lie, with their line ends, and their cells; told apart
    as the import does, which refuses a doubtful quote."""
    lines: list[str] = []

    def feed() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            lines.append(line)
            yield line

    for row in csv.reader(feed(), delimiter=delimiter, strict=True):
        yield "".join(lines), row
        lines.clear()
