"""The lab's Prometheus: what it scrapes, and the alert rules it evaluates."""

from __future__ import annotations

import shutil
from typing import Any, Final

from lab.shop.settings import SERVICES
from lab.state import Lab, LabError

SCRAPE_SECONDS: Final = 2
EVALUATION_SECONDS: Final = 4
PER_SERVICE: Final = "sum by (service_name)"
REQUESTS: Final = "http_requests_total"
ORDERING: Final = "/orders|/charges"
"""Routes that wait for the bank."""


def _slow(routes: str, seconds: float) -> str:
    buckets = f"rate(http_request_duration_seconds_bucket{{{routes}}}[20s])"
    return f"histogram_quantile(0.9, sum by (service_name, route, le) ({buckets})) > {seconds}"


RULES: Final = (
    (
        "HighErrorRate",
        f'{PER_SERVICE} (rate({REQUESTS}{{status=~"5.."}}[20s])) / {PER_SERVICE} (rate({REQUESTS}[20s])) > 0.1',
        "4s",
        "page",
        "more than a tenth of the requests to {{ $labels.service_name }} fail",
    ),
    (
        "HighLatency",
        _slow(f'route!~"{ORDERING}"', 0.2) + " or " + _slow(f'route=~"{ORDERING}"', 0.9),
        "8s",
        "page",
        "{{ $labels.route }} of {{ $labels.service_name }} is slow",
    ),
    ("ServiceDown", "up == 0", "4s", "page", "{{ $labels.service_name }} does not answer its scrape"),
    (
        "RestartsOften",
        "changes(process_start_time_seconds[90s]) > 2",
        "0s",
        "ticket",
        "{{ $labels.service_name }} was restarted more than twice in 90 s",
    ),
    (
        "PoolSaturated",
        "avg_over_time(db_pool_in_use[12s]) / db_pool_size > 0.9",
        "8s",
        "ticket",
        "the connection pool of {{ $labels.service_name }} is full",
    ),
    ("QueueBacklog", "queue_depth > 30", "8s", "ticket", "jobs wait longer than usual"),
    (
        "CacheHitRatioLow",
        "rate(cache_hits_total[20s]) / (rate(cache_hits_total[20s]) + rate(cache_misses_total[20s])) < 0.8",
        "8s",
        "ticket",
        "{{ $labels.service_name }} finds too little in its cache",
    ),
    ("DatabaseLockWait", "pg_lock_waits > 0", "8s", "ticket", "statements wait for locks"),
    (
        "CertificateExpires",
        "tls_certificate_not_after_seconds - time() < 3600",
        "0s",
        "ticket",
        "a certificate of {{ $labels.service_name }} expires within the hour, or has expired",
    ),
    (
        "JournalSlow",
        "rate(journal_write_seconds_sum[20s]) / rate(journal_write_seconds_count[20s]) > 0.1",
        "8s",
        "ticket",
        "the journal of {{ $labels.service_name }} reaches its disk slowly",
    ),
    (
        "TokensRejected",
        "rate(tokens_rejected_total[20s]) > 0.2",
        "8s",
        "ticket",
        "{{ $labels.service_name }} rejects tokens",
    ),
)
"""Name, expression, how long it must hold, severity, and what it says to who is paged."""


def prepare(lab: Lab) -> None:
    """Write the configuration; JSON is YAML."""
    lab.write(_configuration(lab), "prometheus", "prometheus.yml")
    rules = [
        {
            "alert": name,
            "expr": expression,
            "for": held,
            "labels": {"severity": severity},
            "annotations": {"summary": summary},
        }
        for name, expression, held, severity, summary in RULES
    ]
    lab.write({"groups": [{"name": "shop", "rules": rules}]}, "prometheus", "rules.yml")


def _configuration(lab: Lab) -> dict[str, Any]:
    drop = [
        {
            "source_labels": ["__name__"],
            "regex": "python_.*|process_virtual.*|process_max.*",
            "action": "drop",
        }
    ]
    return {
        "global": {
            "scrape_interval": f"{SCRAPE_SECONDS}s",
            "scrape_timeout": f"{SCRAPE_SECONDS}s",
            "evaluation_interval": f"{EVALUATION_SECONDS}s",
        },
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {
                "job_name": "shop",
                "metric_relabel_configs": drop,
                "static_configs": [
                    {
                        "targets": [f"127.0.0.1:{lab.port(name)}"],
                        "labels": {"service_name": name, "instance": f"{name}-1"},
                    }
                    for name in SERVICES
                ],
            },
            {
                "job_name": "exporters",
                "honor_labels": True,
                "static_configs": [
                    {
                        "targets": [f"127.0.0.1:{lab.port(name)}"],
                        "labels": {"service_name": "node", "instance": name},
                    }
                    for name in ("exporter", "collector")
                ],
            },
        ],
    }


def command(lab: Lab) -> list[str]:
    """How the server is started."""
    program = shutil.which("prometheus")
    if not program:
        raise LabError("Prometheus is not installed: apt-get install prometheus")
    return [
        program,
        f"--config.file={lab.path('prometheus', 'prometheus.yml')}",
        f"--storage.tsdb.path={lab.path('prometheus', 'data')}",
        f"--web.listen-address=127.0.0.1:{lab.port('prometheus')}",
        "--log.level=warn",
    ]


def summaries() -> dict[str, str]:
    """What each alert says, by name."""
    return {name: summary for name, _, _, _, summary in RULES}
