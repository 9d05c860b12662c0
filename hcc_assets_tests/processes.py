"""Processes that do something at the same moment."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def together(function: Callable[..., T], calls: Sequence[tuple[Any, ...]]) -> list[T]:
    """What ``function`` gave for each of ``calls``, each in a process of its own; all wait for the
    last one to be up.

    Spawned, not forked: a test process has threads (servers of other tests), and what is forked
    from it may never end.
    """
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(len(calls))
    with ProcessPoolExecutor(
        len(calls), mp_context=context, initializer=ready.wait, initargs=(120,)
    ) as pool:
        return [future.result() for future in [pool.submit(function, *call) for call in calls]]
