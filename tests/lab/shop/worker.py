"""worker: takes orders from the queue in Redis and marks them as shipped."""

from __future__ import annotations

import json
import time
from typing import Any

import redis
from lab.shop.checkout import JOBS
from lab.shop.service import Context, Service
from lab.shop.signals import read_header
from lab.shop.store import Pool
from lab.shop.web import RefusedError
from prometheus_client import Counter, Gauge, Summary

DONE = Counter("jobs_total", "Jobs taken from the queue", ("outcome",))
AGE = Summary("job_age_seconds", "Time from queueing until a job was done")
DEPTH = Gauge("queue_depth", "Jobs that wait")
PAUSE_SECONDS = 1.0


def service(context: Context) -> Service:
    """No routes of its own; the work runs in the background."""
    config, signals = context.config, context.signals
    pool = Pool(signals, config["pool_size"], config["pool_wait"], config["statement_timeout"])
    jobs = redis.Redis(port=context.lab.port("redis"), socket_timeout=5)

    def ship(job: dict[str, Any]) -> None:
        with signals.span("ship order", read_header(job["traceparent"]), kind=5) as span:
            with pool.connection(span.here) as database:
                database.run("ship order", "UPDATE orders SET shipped = now() WHERE id = %s", (job["order"],))
            if config["deprecation_warnings"]:
                signals.log("WARN", "field 'carrier' is deprecated, use 'carrier_id'", span.here)
            signals.log("INFO", f"order shipped order={job['order']}", span.here)

    def work() -> None:
        while True:
            try:
                taken = jobs.blpop([JOBS], timeout=1)
                DEPTH.set(float(jobs.llen(JOBS)))
            except redis.RedisError as problem:
                signals.log("ERROR", f"queue: {problem}")
                time.sleep(PAUSE_SECONDS)
                continue
            if not taken:
                continue
            job = json.loads(taken[1])
            try:
                ship(job)
            except RefusedError as refusal:
                DONE.labels("failed").inc()
                jobs.rpush(JOBS, taken[1])
                signals.log("ERROR", f"order was not shipped, it is queued again: {refusal}")
                time.sleep(PAUSE_SECONDS)
                continue
            DONE.labels("done").inc()
            AGE.observe(time.time() - job["queued"])

    return Service({}, background=work)
