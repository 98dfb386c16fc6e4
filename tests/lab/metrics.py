"""The lab's Prometheus, asked over its HTTP API."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from lab.state import Lab, LabError


class Metrics:
    """Asks one lab's Prometheus."""

    def __init__(self, lab: Lab) -> None:
        self._port = lab.port("prometheus")

    def ask(self, path: str, arguments: Mapping[str, object]) -> Any:
        """The `data` of an answer; LabError with the words of Prometheus if it is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("GET", f"/api/v1/{path}?{urlencode(arguments, doseq=True)}")
            said = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise LabError(f"Prometheus does not answer: {problem}") from problem
        finally:
            connection.close()
        if said["status"] != "success":
            raise LabError(f"{said.get('errorType')}: {said.get('error')}")
        return said["data"]

    def instant(self, expression: str, at: float | None = None) -> list[Any]:
        """Rows of a vector, or the pair of a scalar."""
        when = {} if at is None else {"time": f"{at:.3f}"}
        found: list[Any] = self.ask("query", {"query": expression, **when})["result"]
        return found

    def over_range(self, expression: str, start: float, end: float, step: float) -> list[Any]:
        """Rows of a matrix."""
        window = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": step}
        found: list[Any] = self.ask("query_range", {"query": expression, **window})["result"]
        return found
