"""What a GraphQL document would change, and whether it asks for too much: depth and number of
fields, fragments counted where they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphql.language import DocumentNode, SelectionSetNode

MAX_TOKENS = 20_000
"""Of a document; the longest of Dagster's own page is below a tenth of it."""
MAX_DEPTH = 30
"""Levels of fields, twice what introspection (13) and Dagster's own page ask for; each level of a
query that goes round in a circle of types multiplies its cost."""
MAX_FIELDS = 10_000
"""Fields with fragments spelt out: own choice, far above what Dagster's own page asks for, and far
below what a document of many aliases or of fragments in fragments can come to."""


class Unreadable(ValueError):
    """The document cannot be parsed, or is too long to be."""


def parsed(query: Any) -> DocumentNode:
    """The document of a query.

    Raises
    ------
    Unreadable
        It is no text, no GraphQL, or too long.
    """
    from graphql import GraphQLError, parse

    if not isinstance(query, str):
        raise Unreadable("no text")
    try:
        return parse(query, no_location=True, max_tokens=MAX_TOKENS)
    except (GraphQLError, RecursionError):
        raise Unreadable("no GraphQL") from None


def top_mutations(document: DocumentNode) -> list[str]:
    """Top-level fields of the document's mutations."""
    from graphql.language import FieldNode, OperationDefinitionNode, OperationType

    found: list[str] = []
    for definition in document.definitions:
        if (
            isinstance(definition, OperationDefinitionNode)
            and definition.operation is OperationType.MUTATION
        ):
            found += [
                s.name.value if isinstance(s, FieldNode) else "mutation"
                for s in definition.selection_set.selections
            ]
    return found


def too_costly(document: DocumentNode) -> str | None:
    """Why a document is refused; None where it is not."""
    from graphql.language import FragmentDefinitionNode, OperationDefinitionNode

    fragments = {
        d.name.value: d.selection_set
        for d in document.definitions
        if isinstance(d, FragmentDefinitionNode)
    }
    sizes: dict[str, tuple[int, int]] = {}
    for definition in document.definitions:
        if not isinstance(definition, OperationDefinitionNode):
            continue
        depth, fields = _size(definition.selection_set, fragments, sizes, frozenset())
        if depth > MAX_DEPTH:
            return f"The query is more than {MAX_DEPTH} levels deep."
        if fields > MAX_FIELDS:
            return f"The query asks for more than {MAX_FIELDS} fields."
    return None


def _size(
    selections: SelectionSetNode,
    fragments: dict[str, SelectionSetNode],
    sizes: dict[str, tuple[int, int]],
    within: frozenset[str],
) -> tuple[int, int]:
    """Depth and number of fields. A fragment is counted once and remembered; one that uses itself
    is left to the server, which refuses it."""
    from graphql.language import FieldNode, FragmentSpreadNode, InlineFragmentNode

    depth, fields = 0, 0
    for node in selections.selections:
        below = (0, 0)
        if isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name in within or name not in fragments:
                continue
            if name not in sizes:
                sizes[name] = _size(fragments[name], fragments, sizes, within | {name})
            below = sizes[name]
        elif isinstance(node, InlineFragmentNode):
            below = _size(node.selection_set, fragments, sizes, within)
        elif isinstance(node, FieldNode):
            if node.selection_set is not None:
                below = _size(node.selection_set, fragments, sizes, within)
            below = (below[0] + 1, below[1] + 1)
        depth, fields = max(depth, below[0]), fields + below[1]
    return depth, fields
