"""Webhook bodies as Alertmanager (version 4) and Grafana send them, of the example incident."""

from __future__ import annotations

import json
from typing import Any

STARTED = "2026-04-14T14:02:00Z"


def alertmanager(**labels: str) -> dict[str, Any]:
    """One firing alert of one group; `labels` replace or add to its labels."""
    alert = {
        "status": "firing",
        "labels": {"alertname": "HighLatency", "service_name": "checkout", "severity": "page", **labels},
        "annotations": {"summary": "checkout answers slowly", "runbook_url": "https://wiki.example.com/x"},
        "startsAt": STARTED,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example.com/graph",
        "fingerprint": "8f2c0d6c1b7e4a11",
    }
    return {
        "version": "4",
        "groupKey": '{}:{alertname="HighLatency"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "compass",
        "groupLabels": {"alertname": "HighLatency"},
        "commonLabels": alert["labels"],
        "commonAnnotations": alert["annotations"],
        "externalURL": "http://alertmanager.example.com",
        "alerts": [alert],
    }


def grafana() -> dict[str, Any]:
    """The same from Grafana, whose times have a zone and a fraction, and with fields of its own."""
    body = alertmanager()
    body |= {
        "version": "1",
        "orgId": 1,
        "title": "[FIRING:1] HighLatency",
        "state": "alerting",
        "message": "x",
    }
    body["alerts"][0] |= {
        "startsAt": "2026-04-14T16:02:00.000000+02:00",
        "values": {"A": 1.5, "B": None},
        "valueString": "[ var='A' value=1.5 ]",
        "silenceURL": "https://grafana.example.com/silence",
        "dashboardURL": "",
        "imageURL": "",
    }
    return body


def encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()
