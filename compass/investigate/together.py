"""Several questions asked at once, their answers in the order of the questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def together(questions: Sequence[Callable[[], T]], at_once: int) -> list[T]:
    """The answers, in the order of the questions, of which `at_once` are asked at a time; one at a time, in this thread.

    Whoever interrupts is not kept waiting: what was asked ends by itself when its session is closed.
    """
    if min(at_once, len(questions)) <= 1:
        return [ask() for ask in questions]
    pool = ThreadPoolExecutor(min(at_once, len(questions)), "question")
    try:
        return list(pool.map(_asked, questions))
    finally:
        # Nothing is left to wait for, unless a question failed or somebody interrupted.
        pool.shutdown(wait=False, cancel_futures=True)


def _asked(ask: Callable[[], T]) -> T:
    return ask()
