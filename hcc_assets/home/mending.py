"""Published files that are not what their manifests say: found and put back. What should stand is decided in ``platform.engine``.

Tables and the report are in the store with their hashes. Figures and CSV files are not: what was there at the end of the last refresh is remembered
beside the store, and a figure that is gone or damaged is drawn again from the version that stands. On an object store only tables are looked at.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from filelock import FileLock
from upath import UPath

from hcc_assets.assets.engine import Workbench
from hcc_assets.assets.recipes import Ask, Output, Recipe
from hcc_assets.audit.trail import trail_of
from hcc_assets.home import files as stores
from hcc_assets.home.versions import Bundle, Manifest
from hcc_assets.schemas.csv_safe import to_csv_bytes

_ENDS = {".png": b"IEND\xaeB`\x82", ".svg": b"</svg>"}


RECORD = "published_index.json"


@dataclass
class _Seen:
    """What was published at the end of the last refresh: figures by hash, CSV files by version and hash, and what the figures were drawn from."""

    figures: dict[str, str] = field(default_factory=dict)
    csv: dict[str, list[str]] = field(default_factory=dict)
    drawn: dict[str, str] = field(default_factory=dict)


def mend(bench: Workbench) -> list[str]:
    """Put back published files that are not those of their manifests, after a crash between the two or a change from outside.

    Returns
    -------
    list of str
        Assets whose table, and figures, that were put back.
    """
    seen = _seen(bench)
    mended = [name for name in _damaged_tables(bench, seen) if _republish(bench, name)]
    figures: list[str] = []
    if bench.home.is_local:
        drawn = _figures(bench)
        figures = _redraw(bench, _damaged_figures(bench, seen, drawn))
        _remember(bench, seen, _figures(bench) if figures else drawn)
    for name in (*mended, *figures):
        trail_of(bench.home).append(
            "republish",
            why="the published file was not the one of its manifest",
            details={"asset": name},
        )
    return mended + figures


def damaged(bench: Workbench) -> list[str]:
    """Names of published tables and figures that are gone or were changed from outside; the next refresh puts them back."""
    seen = _seen(bench)
    return _damaged_tables(bench, seen) + (
        sorted(_damaged_figures(bench, seen, _figures(bench))) if bench.home.is_local else []
    )


def _seen(bench: Workbench) -> _Seen:
    try:
        return _Seen(**json.loads((bench.home.store / RECORD).read_bytes()))
    except (
        FileNotFoundError,
        ValueError,
        TypeError,
    ):  # it only tells what to look at; without it the next refresh starts anew
        return _Seen()


def _drawing(bench: Workbench) -> dict[str, tuple[Recipe, str | None, Manifest]]:
    """Everything that stands and has figures."""
    found = {}
    for recipe in bench.recipes.values():
        if recipe.figures is not None:
            for partition in bench.standing(recipe.name) if recipe.partitioned else [None]:
                manifest = bench.versions.current(recipe.name, partition)
                if manifest is not None:
                    found[f"{recipe.name}/{partition or ''}"] = (recipe, partition, manifest)
    return found


def _figures(bench: Workbench) -> dict[str, str]:
    folder = bench.home.figures
    found = folder.iterdir() if folder.exists() else []
    return {
        p.name: stores.sha256_file(p)
        for p in found
        if p.suffix in _ENDS and not p.name.startswith(stores.TEMPORARY)
    }


def _drawn_from(bench: Workbench) -> dict[str, str]:
    return {key: manifest.at.isoformat() for key, (_, _, manifest) in _drawing(bench).items()}


def _remember(bench: Workbench, seen: _Seen, figures: dict[str, str]) -> None:
    """Write down what is published now; a CSV of a version that is known was compared already."""
    csv = {}
    for recipe in bench.recipes.values():
        manifest, path = (
            bench.versions.current(recipe.name) if recipe.model else None,
            bench.home.published / f"{recipe.name}.csv",
        )
        if manifest is not None and path.exists():
            known = seen.csv.get(recipe.name, [])
            csv[recipe.name] = (
                known
                if known[:1] == [manifest.data_version]
                else [manifest.data_version, stores.sha256_file(path)]
            )
    now = _Seen(figures, csv, _drawn_from(bench))
    if now != seen:
        stores.write_bytes(
            bench.home.store / RECORD, json.dumps(asdict(now), sort_keys=True).encode()
        )


def _expected(manifest: Manifest | None, file: str) -> str | None:
    return manifest.files.get(f"{manifest.data_version}/{file}") if manifest else None


def _damaged_tables(bench: Workbench, seen: _Seen) -> list[str]:
    found = []
    for recipe in bench.recipes.values():
        manifest = bench.versions.current(recipe.name) if not recipe.partitioned else None
        report = _expected(manifest, "report.html")
        if report is not None and not _is(bench.home.published / "report.html", report):
            found.append(recipe.name)
        table = _expected(manifest, "table.parquet") if recipe.model is not None else None
        if manifest is None or table is None:
            continue
        text = bench.home.published / f"{recipe.name}.csv"
        known = seen.csv.get(recipe.name) if bench.home.is_local else None
        whole = (
            text.exists()
            if known is None or known[0] != manifest.data_version
            else _is(text, known[1])
        )
        if not whole or not _is(bench.home.published / f"{recipe.name}.parquet", table):
            found.append(recipe.name)
    return found


def _is(path: UPath, sha: str) -> bool:
    return path.exists() and stores.sha256_file(path) == sha


def _republish(bench: Workbench, name: str) -> bool:
    """Publish the standing version of a table or of the report once more; False when there is nothing in the store to do it from."""
    with FileLock(str(bench.home.locks / f"{name}.lock")):
        bench.versions.look_anew()  # what looked damaged may have been a version on its way
        manifest = bench.versions.require(name)
        stored = bench.versions.folder(name) / manifest.data_version
        if (stored / "report.html").exists():
            stores.write_bytes(
                bench.home.published / "report.html", (stored / "report.html").read_bytes()
            )
            return True
        if not (stored / "table.parquet").exists():
            return False
        stores.write_bytes(
            bench.home.published / f"{name}.csv",
            to_csv_bytes(stores.read_parquet(stored / "table.parquet")),
        )
        stores.write_bytes(
            bench.home.published / f"{name}.parquet", (stored / "table.parquet").read_bytes()
        )
        return True


def _damaged_figures(bench: Workbench, seen: _Seen, figures: dict[str, str]) -> set[str]:
    """Figures that are gone or not whole; those that only look different, when nothing was drawn since they were remembered."""
    gone = {name for name in seen.figures if name not in figures}
    cut = {name for name in figures if not _whole(bench.home.figures / name)}
    other = (
        {n for n, sha in figures.items() if seen.figures.get(n, sha) != sha}
        if _drawn_from(bench) == seen.drawn
        else set()
    )
    return gone | cut | other


def _whole(path: UPath) -> bool:
    return path.suffix not in _ENDS or _ENDS[path.suffix] in path.read_bytes()[-64:]


def _redraw(bench: Workbench, names: set[str]) -> list[str]:
    """Draw until every name was met; one that nothing draws any more is no loss."""
    from hcc_assets.figures.style import save_png, save_svg

    drawn: list[str] = []
    for recipe, partition, manifest in _drawing(bench).values() if names else []:
        if recipe.figures is None or names <= set(drawn):
            continue
        for name, figure in recipe.figures(
            Ask(recipe, bench, partition), _stored(bench, recipe, partition, manifest)
        ).items():
            for file, save in ((f"{name}.png", save_png), (f"{name}.svg", save_svg)):
                if file in names:
                    stores.write_bytes(bench.home.figures / file, save(figure))
                    drawn.append(file)
    return sorted(drawn)


def _stored(bench: Workbench, recipe: Recipe, partition: str | None, manifest: Manifest) -> Output:
    """What the version that stands was drawn from, as its computation handed it back."""
    names = [
        f.partition("/")[2].removesuffix(".parquet")
        for f in manifest.files
        if f.endswith(".parquet")
    ]
    frames = {name: bench.versions.frame(recipe.name, name, partition) for name in names}
    bundle = Bundle(frames=frames, facts=dict(bench.versions.facts(recipe.name, partition)))
    return Output(table=frames.get("table"), bundle=bundle, metadata=dict(manifest.notes))
