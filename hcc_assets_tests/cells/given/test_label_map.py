"""Labels of others: mapped, ours as they are, and what cannot be used."""

from __future__ import annotations

from hcc_assets.cells.given.label_map import parse_label_map


def test_labels_are_mapped_and_ours_stay() -> None:
    found = parse_label_map(b"source_label,cell_class\nMNP, monocyte \nB,T\n")
    assert found.problems == ()
    assert [found.of(x) for x in ("MNP", " MNP", "B", "T", "other")] == [
        "monocyte",
        "monocyte",
        "B",  # a class of ours is never another one
        "T",
        None,
    ]


def test_a_line_that_cannot_be_used_is_named_and_costs_itself() -> None:
    lines = ["source_label,cell_class", "a,T cell", ",T", "b", "c,T", "d,T", "d,B", "c,T"]
    found = parse_label_map("\n".join(lines).encode())
    assert found.classes == {"c": "T"}
    assert found.problems == (
        "label_map.csv line 2: T cell is no class of ours",
        "label_map.csv line 3 has no source_label",
        "label_map.csv line 4 has 1 fields where the header has 2",
        "label_map.csv maps d to 2 classes",
    )


def test_no_file_maps_nothing_and_a_line_of_another_encoding_is_told() -> None:
    assert parse_label_map(b"") == parse_label_map(b"source_label,cell_class\n")
    found = parse_label_map("source_label,cell_class\nMakrophage ä,macrophage\n".encode("latin-1"))
    assert found.problems == ("label_map.csv line 2 is not UTF-8 text",)
