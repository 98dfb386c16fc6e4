"""What a metric is about, read from the words of its name: no list of one system's columns."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple


class Family(StrEnum):
    """The families that differ in what a deviation means."""

    AVAILABILITY = "availability"
    ERRORS = "errors"
    LATENCY = "latency"
    CLIENT_LATENCY = "client latency"
    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"
    SATURATION = "saturation"
    NETWORK = "network"
    RESTARTS = "restarts"
    TRAFFIC = "traffic"
    OTHER = "other"


class Meaning(NamedTuple):
    """A family, the direction that hurts (+1 up, -1 down, 0 either) and whether only rates make sense."""

    family: Family
    bad: int
    counter: bool = False


_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+[a-z]*")
# The order is the order of precedence: "cpu_throttled_seconds_total" is about the processor, not about time,
# and "request_errors_total" is about errors, not about traffic.
_TABLE: Final[tuple[tuple[Family, int, str], ...]] = (
    (Family.RESTARTS, 1, r"restarts?|oom|oomkill\w*|kills?|killed|crash\w*|evict\w*|crashloop\w*"),
    (Family.AVAILABILITY, -1, r"availab\w*|success\w*|up|healthy|ready|alive|hits?"),
    (
        Family.ERRORS,
        1,
        (
            r"errors?|err|fail\w*|exceptions?|faults?|5xx|4xx|timeouts?|reject\w*|dropped|drops?|denied|retry|retries"
            r"|retransmi\w*|abort\w*|deadlocks?|unavailable|loss|lost|refused|panics?|miss(?:es)?|discard\w*"
        ),
    ),
    (
        Family.SATURATION,
        1,
        (
            r"queue\w*|lag|backlog|pending|waiting|waiters|blocked|pool|connections?|conns?|threads?|saturation|locks?"
            r"|inflight|goroutines|handles?|fds?|files|utili[sz]ation|unacked|under|replicated|stalls?|pressure|iowait"
            r"|await|slots?|sessions?|depth"
        ),
    ),
    (Family.CPU, 1, r"cpu\w*|processor|throttl\w*|load|load1|load5|load15"),
    (Family.MEMORY, 1, r"mem\w*|heap|rss|swap|gc|pgfault|pgmajfault|workingset|cache"),
    (Family.DISK, 1, r"disk\w*|fs|filesystem|inodes?|volume|storage|io|iops|block|blkio"),
    (
        Family.LATENCY,
        1,
        r"latency|duration|delay|elapsed|response|rt|rtt|ttfb|p50|p75|p90|p95|p99|seconds|millis\w*|ms|wait|time",
    ),
    (
        Family.NETWORK,
        0,
        r"network|net|bytes|receive\w*|transmit\w*|packets?|rx|tx|sockets?|tcp|udp|syscall\w*",
    ),
    (
        Family.TRAFFIC,
        0,
        (
            r"requests?|reqs?|ops|rps|qps|tps|throughput|workload|calls?|count|hits|operations|transactions?|messages?"
            r"|orders?|rate|invocations?"
        ),
    ),
)
_PATTERNS: Final = tuple((family, bad, re.compile(pattern)) for family, bad, pattern in _TABLE)
# What is set, not used: a pool's size, a quota. It does not move by itself; when it does, somebody has changed it.
_SET: Final = re.compile(r"limits?|capacity|quota|max|maximum")
_GOOD_WHEN_HIGH: Final = re.compile(r"free|idle|avail|available|remaining|headroom|left")
_RESOURCES: Final = frozenset({Family.CPU, Family.MEMORY, Family.DISK, Family.SATURATION})


def words(metric: str) -> tuple[str, ...]:
    """`PodServerLatencyP99_s_` -> (pod, server, latency, p99, s)."""
    return tuple(
        part.lower() for part in _WORD.findall(re.sub(r"([Pp])(\d{2})", r"_p\2_", metric).replace("__", "_"))
    )


@lru_cache(maxsize=20_000)
def meaning(metric: str) -> Meaning:
    """What a deviation of `metric` (a Prometheus metric name) means."""
    found = words(metric)
    if found[-3:] == ("start", "time", "seconds"):
        return Meaning(Family.RESTARTS, 1)
    counter = bool(found) and found[-1] in {"total", "bucket"}
    for family, bad, pattern in _PATTERNS:
        if any(pattern.fullmatch(word) for word in found):
            if family is Family.AVAILABILITY and "available" in found and _about_resource(found):
                continue
            if family in _RESOURCES and (
                any(_SET.fullmatch(word) for word in found) or {"pool", "size"} <= set(found)
            ):
                return Meaning(family, 0, counter)
            good = family in _RESOURCES and any(_GOOD_WHEN_HIGH.fullmatch(word) for word in found)
            if family is Family.LATENCY and found[-1] == "count":
                # Of a histogram of durations: how many there were.
                return Meaning(Family.TRAFFIC, 0, counter=True)
            if family is Family.LATENCY and {"client", "outbound", "upstream", "egress"} & set(found):
                return Meaning(Family.CLIENT_LATENCY, bad, counter)
            return Meaning(family, -1 if good else bad, counter)
    return Meaning(Family.OTHER, 0, counter)


def _about_resource(found: tuple[str, ...]) -> bool:
    return any(
        pattern.fullmatch(word) for family, _, pattern in _PATTERNS if family in _RESOURCES for word in found
    )
