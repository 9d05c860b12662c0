"""Which files make up one delivered matrix, judged by name and place alone. Opening them belongs to
the readers beside this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from hcc_assets.cells.reading.portable_names import check_inside, check_name
from hcc_assets.cells.reading.refused import MatrixRefused, pick_genome

Kind = Literal["mex_v3", "mex_v2", "h5", "h5ad"]

_MATRIX: Final = ("matrix.mtx.gz", "matrix.mtx")
_BARCODES: Final = ("barcodes.tsv.gz", "barcodes.tsv")
_FEATURES: Final = ("features.tsv.gz", "features.tsv")
_GENES: Final = ("genes.tsv.gz", "genes.tsv")
_ALL_MEX: Final = frozenset((*_MATRIX, *_BARCODES, *_FEATURES, *_GENES))
_H5: Final = (".h5", ".hdf5")


@dataclass(frozen=True)
class MatrixPart:
    """The files of one matrix: ``matrix`` alone for .h5 and .h5ad, three files for MEX."""

    kind: Kind
    matrix: Path
    barcodes: Path | None = None
    features: Path | None = None
    genome: str | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files of the part, in name order."""
        return tuple(
            sorted(p for p in (self.matrix, self.barcodes, self.features) if p is not None)
        )


@dataclass(frozen=True)
class MatrixFiles:
    """A delivery of one sample: filtered counts, the raw (all droplets) matrix, or both.

    Attributes
    ----------
    kind
        Layout of the filtered matrix, or of the raw one when that is all there is.
    filtered, raw
        The parts; at least one is there.
    """

    kind: Kind
    filtered: MatrixPart | None
    raw: MatrixPart | None

    def part(self, *, raw: bool = False) -> MatrixPart:
        """The filtered part, or the raw one on request.

        Raises
        ------
        MatrixRefused
            That part was not delivered.
        """
        found = self.raw if raw else self.filtered
        if found is None:
            wanted, other = ("raw", "filtered") if raw else ("filtered", "raw")
            raise MatrixRefused(
                f"no_{wanted}",
                f"the delivery has a {other} matrix only; a {wanted} one was asked for",
            )
        return found


def _children(folder: Path, root: Path) -> dict[str, Path]:
    out = {}
    for child in sorted(folder.iterdir()):
        if child.name.startswith((".", "_")) or child.name == "manifest.sha256":
            continue
        check_name(child.name)
        check_inside(child, root)
        out[child.name] = child
    return out


def _one(names: tuple[str, ...], children: dict[str, Path]) -> Path | None:
    found = [children[n] for n in names if n in children]
    if len(found) > 1:
        raise MatrixRefused(
            "ambiguous", f"the folder has {names[0]} and {names[1]}: leave one of them"
        )
    return found[0] if found else None


def _mex(children: dict[str, Path], genome: str | None) -> MatrixPart | None:
    if not _ALL_MEX & children.keys():
        return None
    matrix, barcodes = _one(_MATRIX, children), _one(_BARCODES, children)
    features, genes = _one(_FEATURES, children), _one(_GENES, children)
    if features is not None and genes is not None:
        raise MatrixRefused(
            "mixed_versions",
            "the folder has features.tsv (Cell Ranger v3) and genes.tsv (v2): two deliveries are "
            "mixed",
        )
    table = features or genes
    missing = [
        n
        for n, p in (
            ("matrix.mtx", matrix),
            ("barcodes.tsv", barcodes),
            ("features.tsv (or genes.tsv)", table),
        )
        if p is None
    ]
    if matrix is None or barcodes is None or table is None:
        raise MatrixRefused("incomplete", f"the matrix folder lacks {', '.join(missing)}")
    if genes is not None and len({p.suffix == ".gz" for p in (matrix, barcodes, genes)}) > 1:
        raise MatrixRefused(
            "mixed_versions",
            "genes.tsv (Cell Ranger v2) lies beside files compressed as v3 writes them, or the "
            "reverse: two deliveries are mixed",
        )
    return MatrixPart("mex_v2" if genes is not None else "mex_v3", matrix, barcodes, table, genome)


def _file(path: Path) -> MatrixPart:
    if path.suffix.lower() == ".h5ad":
        return MatrixPart("h5ad", path)
    if path.suffix.lower() in _H5:
        return MatrixPart("h5", path)
    if path.name in _ALL_MEX:
        raise MatrixRefused(
            "not_a_matrix", f"{path.name} is one file of a matrix folder; name the folder"
        )
    raise MatrixRefused(
        "not_a_matrix",
        f"{path.name} is no matrix that is known: a Cell Ranger folder, .h5 or .h5ad",
    )


def _folder(folder: Path, root: Path, genome: str | None) -> MatrixPart | None:
    """A matrix folder, or one genome folder deeper."""
    children = _children(folder, root)
    part = _mex(children, None)
    if part is not None:
        return part
    deeper = {}
    for name, child in children.items():
        if child.is_dir() and not name.startswith(("filtered_", "raw_")):
            found = _mex(_children(child, root), name)
            if found is not None:
                deeper[name] = found
    if not deeper:
        files = [
            c
            for n, c in children.items()
            if c.is_file()
            and c.suffix.lower() in (".h5ad", *_H5)
            and not n.startswith(("filtered_", "raw_"))
        ]
        if len(files) > 1:
            raise MatrixRefused(
                "ambiguous", f"the folder has {len(files)} matrix files; name one of them as path"
            )
        return _file(files[0]) if files else None
    if genome is not None:
        chosen = pick_genome(genome, deeper)
        if chosen is None:
            raise MatrixRefused(
                "wrong_genome",
                f"genome {genome} was asked for; the delivery has {', '.join(sorted(deeper))}",
            )
        return deeper[chosen]
    if len(deeper) > 1:
        raise MatrixRefused(
            "several_genomes",
            f"the delivery has several genomes ({', '.join(sorted(deeper))}): name one in the "
            "genome column",
        )
    return next(iter(deeper.values()))


def _named(
    children: dict[str, Path], prefix: str, root: Path, genome: str | None
) -> MatrixPart | None:
    """The child whose name starts with ``filtered`` or ``raw``; of a folder and an .h5 of the same
    matrix the folder is taken.
    """
    found = {
        n: c
        for n, c in children.items()
        if n.startswith(prefix) and (c.is_dir() or c.suffix.lower() in (".h5ad", *_H5))
    }
    parts: dict[str, MatrixPart] = {}
    for name, child in found.items():
        part = _folder(child, root, genome) if child.is_dir() else _file(child)
        if part is not None:
            parts[name] = part
    folders = [p for n, p in parts.items() if found[n].is_dir()]
    chosen = folders or list(parts.values())
    if len(chosen) > 1:
        raise MatrixRefused(
            "ambiguous",
            f"the delivery has {len(chosen)} {prefix}* matrices; name one of them as path",
        )
    if found and not chosen:
        raise MatrixRefused("incomplete", f"a {prefix}* folder holds no matrix")
    return chosen[0] if chosen else None


def find_matrix(
    path: Path | str, genome: str | None = None, *, root: Path | str | None = None
) -> MatrixFiles:
    """Find the files of one delivered matrix.

    Parameters
    ----------
    path
        The matrix folder or file itself, or a parent holding ``filtered_*`` and optionally
        ``raw_*``; a v2 matrix may lie one genome folder deeper.
    genome
        Which of several genome folders (v2) to take.
    root
        Folder that no file may leave, by ``..`` or through a link; the delivery itself when not
        given.

    Raises
    ------
    MatrixRefused
        ``not_found, incomplete, ambiguous, mixed_versions, several_genomes, wrong_genome, symlink,
        bad_name, not_a_matrix, not_a_file``.
    """
    start = Path(path)
    if not start.exists():
        raise MatrixRefused(
            "dangling" if start.is_symlink() else "not_found",
            "the path of the sample leads to no file or folder",
        )
    limit = (
        Path(root).resolve()
        if root is not None
        else (
            start.resolve()
            if start.is_dir() and not start.is_symlink()
            else start.absolute().parent.resolve()
        )
    )
    check_name(start.resolve().name or "matrix")
    check_inside(start, limit)
    filtered: MatrixPart | None = None
    raw: MatrixPart | None = None
    if start.is_file():
        part = _file(start)
        filtered, raw = (None, part) if start.name.startswith("raw_") else (part, None)
    else:
        children = _children(start, limit)
        if not _ALL_MEX & children.keys():
            filtered, raw = (
                _named(children, "filtered_", limit, genome),
                _named(children, "raw_", limit, genome),
            )
        if filtered is None and raw is None:
            found = _folder(start, limit, genome)
            if found is None:
                raise MatrixRefused(
                    "not_found",
                    "the path of the sample holds no matrix: matrix.mtx with barcodes and "
                    "features, an .h5 or an .h5ad",
                )
            part = found
            is_raw = start.name.startswith("raw_") or (
                part.genome is None and start.parent.name.startswith("raw_")
            )
            filtered, raw = (None, part) if is_raw else (part, None)
    parts = [p for p in (filtered, raw) if p is not None]
    base = start if start.is_dir() else start.parent
    empty = sorted(
        f.relative_to(base).as_posix() for p in parts for f in p.paths if f.stat().st_size == 0
    )
    if empty:
        raise MatrixRefused("empty_file", f"{', '.join(empty)} has no content")
    return MatrixFiles(parts[0].kind, filtered, raw)
