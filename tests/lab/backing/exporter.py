"""Metrics of what has none of its own: the database, the cache, and the CPU and memory of the lab's other processes.

Run `python -m lab.backing.exporter FOLDER`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import redis
from lab.shop.settings import SERVICES
from lab.shop.store import address
from lab.state import Identity, Lab
from prometheus_client import start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

DATABASE, CACHE, JOB = "shop-db", "shop-cache", "batch-report"
PARTS: Final = {**{name: name for name in SERVICES}, "postgres": DATABASE, "redis": CACHE, JOB: JOB}
"""Processes of the lab that are shown, and the components they are."""
TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
ACTIVITY: Final = """
SELECT count(*) FILTER (WHERE state = 'active'), count(*), count(*) FILTER (WHERE wait_event_type = 'Lock'),
       coalesce(extract(epoch FROM max(now() - xact_start) FILTER (WHERE pid <> pg_backend_pid())), 0)
FROM pg_stat_activity WHERE datname = 'shop'
"""
TABLES: Final = "SELECT relname, seq_tup_read, n_live_tup, n_tup_ins FROM pg_stat_user_tables"
COMMITS: Final = "SELECT xact_commit, xact_rollback FROM pg_stat_database WHERE datname = 'shop'"


def gauge(name: str, component: str, value: float) -> Metric:
    """One number that goes up and down."""
    family = GaugeMetricFamily(name, name, labels=["service_name"])
    family.add_metric([component], value)
    return family


def counters(name: str, label: str, rows: Iterable[tuple[str, str, float]]) -> Metric:
    """Numbers that only grow: component, value of `label`, number."""
    family = CounterMetricFamily(name, name, labels=["service_name", label] if label else ["service_name"])
    for component, text, value in rows:
        family.add_metric([component, text] if label else [component], value)
    return family


class Exporter(Collector):
    """Asks anew at each scrape; what does not answer is reported as down, and has no other metrics."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._waits = Waits()

    def collect(self) -> Iterator[Metric]:
        """Every metric there is now."""
        for component, ask in ((DATABASE, self._database), (CACHE, self._cache)):
            try:
                found = list(ask())
                yield gauge("up", component, 1)
                yield from found
            except (psycopg.Error, redis.RedisError):
                yield gauge("up", component, 0)
        yield from self._processes()

    def _database(self) -> Iterator[Metric]:
        with psycopg.connect(address(self._lab.port("postgres"), "exporter"), autocommit=True) as connection:
            connection.execute("SET statement_timeout = '1s'")
            active, total, waiting, oldest = connection.execute(ACTIVITY).fetchall()[0]
            tables = connection.execute(TABLES).fetchall()
            committed, undone = connection.execute(COMMITS).fetchall()[0]
        yield gauge("pg_connections_active", DATABASE, active)
        yield gauge("pg_connections", DATABASE, total)
        yield gauge("pg_lock_waits", DATABASE, waiting)
        yield gauge("pg_longest_transaction_seconds", DATABASE, float(oldest))
        yield counters("pg_transactions_committed_total", "", [(DATABASE, "", committed)])
        yield counters("pg_transactions_rolled_back_total", "", [(DATABASE, "", undone)])
        for at, name in ((1, "pg_sequential_rows_read_total"), (3, "pg_rows_inserted_total")):
            yield counters(name, "table", [(DATABASE, row[0], row[at]) for row in tables])

    def _cache(self) -> Iterator[Metric]:
        client = redis.Redis(port=self._lab.port("redis"), socket_timeout=1)
        try:
            said: dict[str, Any] = client.info()
        finally:
            client.close()
        for name, key in (
            ("redis_memory_used_bytes", "used_memory"),
            ("redis_memory_max_bytes", "maxmemory"),
            ("redis_connected_clients", "connected_clients"),
        ):
            yield gauge(name, CACHE, said[key])
        for name, key in (
            ("redis_evicted_keys_total", "evicted_keys"),
            ("redis_keyspace_hits_total", "keyspace_hits"),
            ("redis_keyspace_misses_total", "keyspace_misses"),
            ("redis_commands_processed_total", "total_commands_processed"),
        ):
            yield counters(name, "", [(CACHE, "", said[key])])

    def _processes(self) -> Iterator[Metric]:
        cpu, waits, memory = [], [], GaugeMetricFamily("container_memory_bytes", "", labels=["service_name"])
        running = self._lab.read("processes.json")
        for name, component in PARTS.items():
            row = running.get(name)
            if not row or not Identity(*row["identity"]).alive:
                continue
            pids = _tree(row["identity"][0])
            used = [usage for pid in pids if (usage := _usage(pid))]
            cpu.append((component, "", sum(one[0] for one in used)))
            waits.append((component, "", self._waits.of(component, pids)))
            memory.add_metric([component], sum(one[1] for one in used))
        yield counters("container_cpu_seconds_total", "", cpu)
        yield counters("container_cpu_wait_seconds_total", "", waits)
        yield memory
        throttled = self._lab.read("throttled.json")
        if throttled:
            yield counters(
                "container_cpu_throttled_seconds_total",
                "",
                [(throttled["component"], "", _seconds(throttled))],
            )


def _tree(pid: int) -> list[int]:
    """A process and its children; those of PostgreSQL and of the batch job do the work."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *map(int, children)]


def _usage(pid: int) -> tuple[float, float] | None:
    """Seconds on a CPU, and resident bytes."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICKS, int(fields[21]) * PAGE


class Waits:
    """How long components were ready to run and had to wait; threads come and go, so what they add is summed up."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[Path, int]] = {}
        self._total: dict[str, int] = {}

    def of(self, component: str, pids: Iterable[int]) -> float:
        """Seconds until now, over all threads of these processes."""
        now = {}
        for pid in pids:
            for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    now[path] = int(path.read_text().split()[1])
                except (OSError, IndexError):
                    continue
        before = self._seen.get(component, {})
        grown = sum(max(0, waited - before.get(path, 0)) for path, waited in now.items())
        self._seen[component] = now
        self._total[component] = self._total.get(component, 0) + grown
        return self._total[component] / 1e9


def _seconds(row: dict[str, Any]) -> float:
    """How long a quota has kept its processes from running: counted by the kernel, or by who stops them."""
    if "seconds" in row:
        return float(row["seconds"])
    try:
        lines = dict(line.split() for line in Path(row["stat"]).read_text().splitlines())
    except (OSError, ValueError):
        return 0.0
    return (
        int(lines["throttled_usec"]) / 1e6
        if "throttled_usec" in lines
        else int(lines["throttled_time"]) / 1e9
    )


def main(lab: Lab) -> None:
    """Serve until killed."""
    registry = CollectorRegistry()
    registry.register(Exporter(lab))
    _, thread = start_http_server(lab.port("exporter"), "127.0.0.1", registry)
    thread.join()


if __name__ == "__main__":
    main(Lab(Path(sys.argv[1])))
