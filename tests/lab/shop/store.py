"""A service's way to PostgreSQL: a pool of a fixed size, waits that end, and metrics of both."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from lab.shop.signals import Signals, Trace
from lab.shop.web import RefusedError
from prometheus_client import Counter, Gauge, Summary

SIZE = Gauge("db_pool_size", "Connections the pool may hold")
IN_USE = Gauge("db_pool_in_use", "Connections in use")
WAITING = Gauge("db_pool_waiting", "Requests that wait for a connection")
WAITED = Summary("db_pool_wait_seconds", "Time until a connection was free")
TIMEOUTS = Counter("db_pool_timeouts_total", "Waits that ended without a connection")
QUERY_SECONDS = Summary("db_query_seconds", "Time of statements", ("statement",))


def address(port: int, name: str) -> str:
    """How to connect, as which application."""
    return f"host=127.0.0.1 port={port} user=shop dbname=shop application_name={name} connect_timeout=3"


class Pool:
    """At most `size` connections, opened when needed."""

    def __init__(self, signals: Signals, size: int, wait: float, statement_timeout: float) -> None:
        self._signals, self._size, self._wait = signals, size, wait
        milliseconds = round(statement_timeout * 1000)
        self._address = (
            f"{address(signals.lab.port('postgres'), signals.service)} "
            f"options='-c statement_timeout={milliseconds}'"
        )
        self._free: queue.LifoQueue[psycopg.Connection[Any] | None] = queue.LifoQueue()
        for _ in range(size):
            self._free.put(None)
        SIZE.set(size)

    @contextmanager
    def connection(self, here: Trace | None) -> Iterator[Statements]:
        """A connection for as long as the block runs; RefusedError 503 if none gets free, or the database fails."""
        began = time.monotonic()
        WAITING.inc()
        try:
            held = self._free.get(timeout=self._wait)
        except queue.Empty as none:
            TIMEOUTS.inc()
            self._signals.log(
                "ERROR", f"timeout acquiring connection after {round(self._wait * 1000)} ms", here
            )
            raise RefusedError(503, f"no database connection within {self._wait:g} s") from none
        finally:
            WAITING.dec()
            WAITED.observe(time.monotonic() - began)
        IN_USE.inc()
        try:
            if held is None or held.closed:
                held = psycopg.connect(self._address, autocommit=True, prepare_threshold=None)
            yield Statements(held, self._signals, here)
        except psycopg.Error as problem:
            if held is not None:
                held.close()
            said = str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__
            self._signals.log("ERROR", f"database: {said}", here)
            raise RefusedError(503, f"database: {said}") from problem
        finally:
            IN_USE.dec()
            self._free.put(held)


class Statements:
    """Runs named statements, each timed and traced."""

    def __init__(self, connection: psycopg.Connection[Any], signals: Signals, here: Trace | None) -> None:
        self._connection, self._signals, self._here = connection, signals, here

    def run(self, name: str, sql: LiteralString, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows, none where the statement gives none."""
        began = time.monotonic()
        try:
            with self._signals.span(name, self._here, kind=3):
                done = self._connection.execute(sql, values)
                return done.fetchall() if done.description else []
        finally:
            QUERY_SECONDS.labels(name).observe(time.monotonic() - began)
