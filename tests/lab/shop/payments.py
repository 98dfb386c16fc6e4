"""payments: charges customers through a bank that serves few at a time, and keeps a journal that must reach the disk."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from typing import Any

from lab.shop.service import Context, Service
from lab.shop.store import Pool
from lab.shop.trust import Clock, check
from lab.shop.web import RefusedError, Request
from lab.state import Lab
from prometheus_client import Counter, Gauge, Summary

JOURNAL_SECONDS = Summary("journal_write_seconds", "Time until a journal entry is on disk")
JOURNAL_WAITING = Gauge("journal_waiting", "Journal entries that are not on disk yet")
REJECTED = Counter("tokens_rejected_total", "Requests whose token was not accepted")
SLOW_WRITE = 0.25


class Volume:
    """The journal's disk: each entry is written and synced; a volume of few operations per second takes its time for each."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._file = os.open(
            lab.path("journal", "payments.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600
        )
        self._turn = threading.Lock()

    def write(self, entry: str) -> None:
        """Return once the entry is on disk."""
        with self._turn:
            limit = float(self._lab.read("volumes", "journal.json").get("operations_per_second", 0))
            if limit:
                time.sleep(1 / limit)
            os.write(self._file, entry.encode())
            os.fsync(self._file)


def service(context: Context) -> Service:
    """Routes of payments."""
    lab, config, signals = context.lab, context.config, context.signals
    pool = Pool(signals, config["pool_size"], config["pool_wait"], config["statement_timeout"])
    volume, clock = Volume(lab), Clock(lab, "payments")
    bank = threading.BoundedSemaphore(config["acquirer_slots"])

    def charge(request: Request) -> Mapping[str, Any]:
        try:
            check(request.headers.get("x-token", ""), clock.now())
        except RefusedError as refusal:
            REJECTED.inc()
            signals.log("WARN", f"{refusal}", request.here)
            raise
        cents = int(request.body["cents"])
        # The connection is held while the bank is asked, as many services do: the pool has to be that large.
        with pool.connection(request.here) as database:
            (row,) = database.run(
                "insert charge", "INSERT INTO charges (cents) VALUES (%s) RETURNING id", (cents,)
            )
            with signals.span("authorize", request.here), bank:
                time.sleep(config["acquirer_seconds"])
            database.run("settle charge", "UPDATE charges SET settled = now() WHERE id = %s", (row[0],))
        began = time.monotonic()
        with JOURNAL_WAITING.track_inprogress(), signals.span("append journal", request.here):
            volume.write(f"{row[0]} {cents}\n")
        took = time.monotonic() - began
        JOURNAL_SECONDS.observe(took)
        if took > SLOW_WRITE:
            signals.log("WARN", f"journal entry took {round(took * 1000)} ms to reach the disk", request.here)
        return {"charge": row[0]}

    return Service({("POST", "charges"): charge})
