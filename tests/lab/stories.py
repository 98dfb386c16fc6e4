"""The stories of the example recordings: incidents that never happened, in a shop that does not exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from lab.storyteller import Call, Chatter, Effect, Gauge, Story, between, never, ramp

Levels = tuple[float, float, float, float, float]
"""Requests per second, errors per second, latency p95 in ms, CPU in percent, memory in MB."""
NAMES = ("http_requests_per_second", "http_errors_per_second", "latency_p95_ms", "cpu_percent", "memory_mb")


def usual(
    services: Mapping[str, Levels], changed: Mapping[tuple[str, str], tuple[float, Effect]]
) -> list[Gauge]:
    """Five metrics for each service; `changed` says where the incident takes one of them."""
    gauges = []
    for service, levels in services.items():
        for name, base in zip(NAMES, levels, strict=True):
            during, effect = changed.get((service, name), (base, never))
            noise = 0.01 if name == "memory_mb" else 0.25 if "errors" in name else 0.05
            gauges.append(Gauge(service, name, base, noise, during, effect))
    return gauges


def handled(services: Sequence[str], per_minute: float) -> list[Chatter]:
    """The line that every service writes for a request."""
    text = "request handled request_id=<id> status=200 duration_ms=<ms>"
    return [Chatter(service, "INFO", text, per_minute) for service in services]


# 13:40 to 14:10; the rollout at 13:52, the page at 14:02 -----------------------------------------------------------
ROLLED, DETECTED = 720.0, 1320.0
shrinking, starving = ramp(ROLLED, ROLLED + 180), ramp(ROLLED + 150, ROLLED + 420)
batch = between(840, 1500)
SHOP: dict[str, Levels] = {
    "storefront": (42.0, 0.04, 180.0, 38.0, 610.0),
    "checkout": (12.0, 0.02, 140.0, 29.0, 480.0),
    "payments": (12.0, 0.02, 95.0, 33.0, 520.0),
    "ledger": (11.5, 0.01, 60.0, 24.0, 450.0),
    "notifications": (6.0, 0.01, 45.0, 18.0, 300.0),
    "payments-db": (48.0, 0.0, 9.0, 31.0, 2100.0),
}


def shopping(starved: Effect) -> list[Call]:
    """The requests of the shop; a charge that gets no connection waits five seconds and fails."""
    connected = (Call("payments-db", "INSERT charges", 6), Call("ledger", "POST /entries", 12))
    charge = Call("payments", "POST /charges", 18, connected, slow_ms=5000, effect=starved, fails=True)
    order = Call("checkout", "POST /orders", 14, (charge, Call("notifications", "POST /messages", 8)))
    browse = Call("checkout", "GET /orders", 9)
    return [
        Call("storefront", "POST /checkout", 12, (order,)),
        Call("storefront", "GET /cart", 20, (browse,)),
    ]


POOL = Story(
    folder="teams/payments/recordings/pool-exhaustion-after-rollout",
    seed=20260414,
    start=datetime(2026, 4, 14, 13, 40, tzinfo=UTC),
    minutes=30,
    detected=DETECTED,
    symptom={"text": "checkout answers slowly and one payment in five fails", "service": "checkout"},
    gauges=[
        *usual(
            SHOP,
            {
                ("payments", "latency_p95_ms"): (5080.0, starving),
                ("payments", "http_errors_per_second"): (2.6, starving),
                ("checkout", "latency_p95_ms"): (5200.0, starving),
                ("checkout", "http_errors_per_second"): (2.5, starving),
                ("storefront", "latency_p95_ms"): (1450.0, starving),
                ("storefront", "http_errors_per_second"): (2.1, starving),
                ("ledger", "http_requests_per_second"): (9.3, starving),
                ("payments-db", "http_requests_per_second"): (37.0, starving),
                ("payments-db", "cpu_percent"): (24.0, starving),
                ("notifications", "cpu_percent"): (91.0, batch),
                ("notifications", "latency_p95_ms"): (70.0, batch),
            },
        ),
        Gauge("payments", "db_pool_size", 40, 0, 8, shrinking, whole=True),
        Gauge(
            "payments",
            "db_pool_in_use",
            18,
            0.08,
            whole=True,
            at_most=lambda t: round(40 - 32 * shrinking(t)),
        ),
        Gauge("payments", "db_pool_waiting", 0, 0, 22, starving, whole=True),
        Gauge("ledger", "db_pool_size", 20, 0, whole=True),
        Gauge("ledger", "db_pool_in_use", 5, 0.12, whole=True),
    ],
    chatter=[
        *handled([name for name in SHOP if name != "payments-db"], 9),
        Chatter("payments", "ERROR", "timeout acquiring connection after 5000 ms", 0, 22, starving),
        Chatter("payments", "WARN", "charge <id> failed: no database connection", 0, 14, starving),
        Chatter("checkout", "ERROR", "payments answered 503 for order <id>", 0.1, 14, starving),
        Chatter("storefront", "WARN", "checkout took longer than 5000 ms for cart <id>", 0.1, 8, starving),
        Chatter("payments-db", "LOG", "checkpoint complete: wrote 214 buffers", 0.5),
        Chatter("notifications", "INFO", "digest batch: 500 messages rendered", 0, 10, batch),
        Chatter("ledger", "INFO", "entry <id> booked", 8),
    ],
    extra_lines=[
        (ROLLED + 9, "payments", "INFO", "starting payments v2.14.0"),
        (ROLLED + 11, "payments", "INFO", "database pool ready: maximum 8 connections"),
        (838.0, "notifications", "INFO", "nightly digest started out of turn: requested by operator"),
        (1020.0, "storefront", "INFO", "configuration reloaded: banner.text"),
    ],
    requests=shopping(lambda t: 0.3 * starving(t)),
    every=7,
    alerts=[
        (1215, None, "HighErrorRate", {"service_name": "payments", "severity": "ticket"}),
        (1260, None, "HighLatency", {"service_name": "payments", "severity": "page"}),
        (1320, None, "HighLatency", {"service_name": "checkout", "severity": "page"}),
        (900, 1530, "HighCpu", {"service_name": "notifications", "severity": "ticket"}),
    ],
    changes=[
        (
            ROLLED,
            "deployment",
            "payments",
            "payments v2.14.0 rolled out to every region",
            {"version": "v2.14.0"},
        ),
        (1020, "config", "storefront", "banner.text changed for the spring sale", {"key": "banner.text"}),
    ],
    history=datetime(2026, 4, 13, 13, 40, tzinfo=UTC),
)

# 08:30 to 09:00; the model reload holds its lock from 08:44, the page at 08:50 -------------------------------------
STUCK, PAGED = 840.0, 1200.0
waiting, leaking = ramp(STUCK, STUCK + 150), ramp(0, 1800)
LENDING: dict[str, Levels] = {
    "storefront": (40.0, 0.04, 190.0, 36.0, 600.0),
    "checkout": (11.0, 0.02, 160.0, 27.0, 470.0),
    "payments": (11.0, 0.02, 120.0, 31.0, 515.0),
    "accounts": (14.0, 0.02, 110.0, 26.0, 540.0),
    "fraud-scoring": (24.0, 0.01, 42.0, 58.0, 1850.0),
}


def lending() -> list[Call]:
    """Three services ask fraud-scoring, which makes them wait while the model reloads."""
    score = Call("fraud-scoring", "POST /score", 30, slow_ms=1730, effect=lambda t: 0.85 * waiting(t))
    rarely = Call("fraud-scoring", "POST /score", 30, slow_ms=1730, effect=lambda t: 0.2 * waiting(t))
    order = Call("checkout", "POST /orders", 14, (score, Call("payments", "POST /charges", 20, (rarely,))))
    profile = Call("accounts", "GET /profile", 18, (score,))
    return [
        Call("storefront", "POST /checkout", 12, (order,)),
        Call("storefront", "GET /account", 15, (profile,)),
    ]


SLOW = Story(
    folder="tribes/product/recordings/slow-dependency-behind-three-services",
    seed=20260506,
    start=datetime(2026, 5, 6, 8, 30, tzinfo=UTC),
    minutes=30,
    detected=PAGED,
    symptom={"text": "checkout, payments and account pages are slow at the same time", "service": "checkout"},
    gauges=[
        *usual(
            LENDING,
            {
                ("fraud-scoring", "latency_p95_ms"): (1830.0, waiting),
                ("fraud-scoring", "cpu_percent"): (17.0, waiting),
                ("fraud-scoring", "http_requests_per_second"): (17.0, waiting),
                ("checkout", "latency_p95_ms"): (2050.0, waiting),
                ("payments", "latency_p95_ms"): (1960.0, waiting),
                ("accounts", "latency_p95_ms"): (1940.0, waiting),
                ("storefront", "latency_p95_ms"): (2210.0, waiting),
                ("checkout", "http_errors_per_second"): (0.3, waiting),
                ("storefront", "http_errors_per_second"): (0.35, waiting),
                ("storefront", "memory_mb"): (905.0, leaking),
            },
        ),
        Gauge("fraud-scoring", "requests_in_flight", 1, 0.2, 31, waiting, whole=True),
        Gauge("fraud-scoring", "model_lock_wait_ms", 0.4, 0.2, 1740, waiting),
        Gauge("fraud-scoring", "threads_waiting", 0, 0, 30, waiting, whole=True),
    ],
    chatter=[
        *handled(list(LENDING), 9),
        Chatter(
            "fraud-scoring", "WARN", "waited <slow> ms for the model lock held by reload", 0, 26, waiting
        ),
        Chatter("fraud-scoring", "INFO", "model features refreshed for batch <id>", 4, 1, waiting),
        Chatter(
            "payments", "WARN", "fraud-scoring answered after <slow> ms for charge <id>", 0.1, 9, waiting
        ),
        Chatter("checkout", "WARN", "fraud-scoring answered after <slow> ms for order <id>", 0.1, 9, waiting),
        Chatter("accounts", "WARN", "fraud-scoring answered after <slow> ms for login <id>", 0.1, 9, waiting),
        Chatter("storefront", "INFO", "cache size above 80 percent, nothing evicted", 0, 2, leaking),
    ],
    extra_lines=[
        (544.0, "accounts", "INFO", "starting accounts v5.3.1"),
        (STUCK - 4, "fraud-scoring", "INFO", "model reload started: scores-2026-05-06, 1.9 GB"),
        (STUCK, "fraud-scoring", "INFO", "model reload holds the write lock while it verifies the file"),
    ],
    requests=lending(),
    every=7,
    alerts=[
        (1080, None, "HighLatency", {"service_name": "accounts", "severity": "ticket"}),
        (1140, None, "HighLatency", {"service_name": "payments", "severity": "ticket"}),
        (PAGED, None, "HighLatency", {"service_name": "checkout", "severity": "page"}),
        (1380, None, "MemoryGrowth", {"service_name": "storefront", "severity": "ticket"}),
    ],
    changes=[
        (
            540,
            "deployment",
            "accounts",
            "accounts v5.3.1 rolled out: new colours of the profile page",
            {"version": "v5.3.1"},
        ),
    ],
    history=datetime(2026, 5, 5, 8, 30, tzinfo=UTC),
)

# A deployment after which nothing happens --------------------------------------------------------------------------
QUIET = Story(
    folder="teams/payments/recordings/quiet-afternoon",
    seed=20260410,
    start=datetime(2026, 4, 10, 14, 0, tzinfo=UTC),
    minutes=20,
    detected=600,
    symptom={"text": "nothing is wrong; a deployment went well"},
    gauges=[
        *usual(SHOP, {}),
        Gauge("payments", "db_pool_size", 40, 0, whole=True),
        Gauge("payments", "db_pool_in_use", 18, 0.08, whole=True),
        Gauge("payments", "db_pool_waiting", 0, 0, whole=True),
    ],
    chatter=handled([name for name in SHOP if name != "payments-db"], 4),
    extra_lines=[(368.0, "payments", "INFO", "starting payments v2.13.2")],
    requests=shopping(never),
    every=30,
    changes=[
        (360, "deployment", "payments", "payments v2.13.2 rolled out to every region", {"version": "v2.13.2"})
    ],
    step=30,
)

STORIES = (POOL, SLOW, QUIET)
