"""Faults of what the shop stands on: database, cache, CPU, disk."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import Final

from lab.backing.postgres import grow
from lab.faults import quota
from lab.faults.fault import Fault, Scene, Undo
from lab.state import LabError

NEIGHBOURS: Final = ("storefront", "inventory")
"""Services that share a CPU with the batch job."""


def database_lock(scene: Scene) -> Undo:
    """A console session that holds a table; for a short while again and again, or nearly all the time."""
    held, free = (8.0, 0.3) if scene.high else (1.2, 2.4)
    table = scene.rng.choice(("charges", "orders"))
    scene.facts.update(table=table, held_seconds=held, free_seconds=free)
    ended = threading.Event()

    def hold() -> None:
        # A database that is taken down under the session ends the fault.
        with suppress(LabError), scene.hands.database("console") as connection:
            while not ended.is_set():
                with connection.transaction():
                    connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
                    ended.wait(held)
                ended.wait(free)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()

    def undo() -> None:
        ended.set()
        thread.join(timeout=10)

    return undo


def missing_index(scene: Scene) -> Undo:
    """A table grows by an import until a search without an index is slow."""
    rows = 650_000 if scene.high else 250_000
    scene.facts.update(table="orders", rows=rows)
    scene.hands.changed("import", "shop-db", f"orders of the acquired shop imported: {rows} rows")
    with scene.hands.database("import") as connection:
        grow(connection, rows)

    def undo() -> None:
        scene.hands.changed("migration", "shop-db", "index on lower(email) of orders")
        with scene.hands.database("migration") as connection:
            connection.execute("CREATE INDEX orders_by_email ON orders (lower(email), cents, placed)")
            connection.execute("VACUUM ANALYZE orders")

    return undo


def cache_eviction(scene: Scene) -> Undo:
    """The cache may hold less than the shop needs."""
    with scene.hands.cache() as client:
        used = int(client.info("memory")["used_memory"])
        products = 2_300_000
        most = used - round(products * (0.8 if scene.high else 0.5))
        scene.facts.update(maxmemory=most)
        client.config_set("maxmemory-policy", "allkeys-random")
        client.config_set("maxmemory", most)
    scene.hands.changed("config", "shop-cache", f"maxmemory {most}")

    def undo() -> None:
        with scene.hands.cache() as client:
            client.config_set("maxmemory", 0)
        scene.hands.changed("config", "shop-cache", "maxmemory 0")

    return undo


def cpu_quota(scene: Scene) -> Undo:
    """checkout may use a small share of a CPU."""
    share = 0.013 if scene.high else 0.018
    hands, victim = scene.hands, scene.hands.process("checkout")
    kernel = quota.limit(hands.lab, "checkout", victim.pid, share)
    scene.facts.update(share=share, means="control group" if kernel else "stopped in turns")
    if not kernel:
        command = (
            sys.executable,
            "-m",
            "lab.faults.quota",
            str(hands.lab.folder),
            "checkout",
            str(victim.pid),
            str(share),
        )
        hands.ask("start", "quota", command)

    def undo() -> None:
        if kernel:
            quota.remove(hands.lab)
        else:
            hands.ask("stop", "quota")

    return undo


def noisy_neighbour(scene: Scene) -> Undo:
    """A batch job burns the CPU that two services share with it."""
    usable = os.sched_getaffinity(0)
    cpu = max(usable)
    busy = 64 if scene.high else 24
    hands = scene.hands
    for part in NEIGHBOURS:
        hands.pin(part, {cpu})
    hands.ask("start", "batch-report", (sys.executable, "-m", "lab.faults.burn", str(busy), str(cpu)))
    scene.facts.update(busy=busy, shared_with=list(NEIGHBOURS))

    def undo() -> None:
        hands.ask("stop", "batch-report")
        for part in NEIGHBOURS:
            hands.pin(part, usable)

    return undo


def slow_disk(scene: Scene) -> Undo:
    """The journal's volume has used up its burst and does few operations per second."""
    operations = 3.2 if scene.high else 5.5
    scene.facts.update(operations_per_second=operations)
    scene.hands.put({"operations_per_second": operations}, "volumes", "journal.json")
    return lambda: scene.hands.put({"operations_per_second": 0}, "volumes", "journal.json")


RESOURCES: Final = (
    Fault(
        "database-lock",
        "shop-db",
        "a console session holds a lock on a table",
        database_lock,
        ("payments", "checkout"),
    ),
    Fault(
        "missing-index",
        "shop-db",
        "an import let the table of orders grow, and the search by e-mail has no index",
        missing_index,
        ("checkout",),
    ),
    Fault(
        "cache-eviction",
        "shop-cache",
        "the cache was given less memory than the shop needs and evicts products",
        cache_eviction,
        ("inventory",),
    ),
    Fault("cpu-quota", "checkout", "checkout is throttled by a CPU quota", cpu_quota),
    Fault(
        "noisy-neighbour",
        "batch-report",
        "a batch job burns the CPU that storefront and inventory run on",
        noisy_neighbour,
        NEIGHBOURS,
    ),
    Fault(
        "slow-disk",
        "payments",
        "the volume of payments' journal does too few operations per second",
        slow_disk,
    ),
)
