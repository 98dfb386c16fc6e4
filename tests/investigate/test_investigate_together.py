"""Questions asked at once are answered in their order, and an interruption waits for none of them."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest

from compass.investigate.experiments import excerpt_of_series
from compass.investigate.together import together
from compass.model.recording import Series


def test_answers_come_in_the_order_of_the_questions_whichever_is_first() -> None:
    gates = [threading.Event() for _ in range(4)]

    def ask(number: int) -> int:
        if number + 1 < len(gates):
            assert gates[number + 1].wait(10), "the one after it is asked at the same time"
        gates[number].set()
        return number

    assert together([partial(ask, number) for number in range(4)], 4) == [0, 1, 2, 3]


def test_one_at_a_time_is_asked_in_this_thread() -> None:
    assert together([threading.current_thread] * 3, 1) == [threading.current_thread()] * 3
    assert together([threading.current_thread], 8) == [threading.current_thread()]
    assert together([], 4) == []


def test_what_fails_is_raised_without_waiting_for_the_others() -> None:
    go_on = threading.Event()

    def fail() -> bool:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        together([fail, lambda: go_on.wait(60)], 2)
    assert time.monotonic() - began < 30
    go_on.set()


def test_an_excerpt_says_how_much_it_leaves_out() -> None:
    many = [Series({"__name__": "m", "n": str(number)}, [0.0, 1.0], [1.0, 2.0]) for number in range(3000)]
    shown = excerpt_of_series(many).splitlines()
    assert shown[0] == "3000 series, the first 14:"
    assert shown[1] == 'm{n="0"}'
    assert excerpt_of_series(many[:2]).splitlines()[0] == 'm{n="0"}'
