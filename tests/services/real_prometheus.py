"""A real Prometheus on a free loopback port, filled with the series of recordings and gone when it is no longer needed.

Samples come in by remote write and not from an OpenMetrics file, because that format cannot say that a series went
stale. Everything stays in the head of the store: a block as long as the data means no compaction while we ask.
"""

from __future__ import annotations

import http.client
import json
import math
import re
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt

from compass.replay.promql import Stored

Floats = npt.NDArray[np.float64]

STALE = struct.pack("<Q", 0x7FF0000000000002)
"""The one NaN that Prometheus takes for the end of a series (model/value/value.go)."""
READY_SECONDS = 30.0


class Prometheus:
    """A running server; `major` is the version whose semantics it has."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, major: int) -> None:
        self.process, self.port, self.major = process, port, major
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, path: str, **arguments: object) -> dict[str, Any]:
        """The whole JSON answer of the HTTP API, be it a success or an error."""
        body = urlencode(arguments)
        self._connection.request(
            "POST", f"/api/v1/{path}", body, {"content-type": "application/x-www-form-urlencoded"}
        )
        answer: dict[str, Any] = json.loads(self._connection.getresponse().read())
        return answer

    def write(self, series: Iterable[Stored]) -> None:
        """Store samples; a NaN marks the moment at which its series went stale."""
        self._send(b"".join(_field(1, _series(one)) for one in series))

    def write_rows(self, labels: Sequence[Mapping[str, str]], times: Floats, values: Floats) -> None:
        """Store many series of the same `times` (unix seconds): a row of `values` for each of `labels`."""
        packed = _packed(times, values)
        self._send(b"".join(_field(1, _labels(one) + packed[at].tobytes()) for at, one in enumerate(labels)))

    def _send(self, body: bytes) -> None:
        headers = {
            "content-encoding": "snappy",
            "content-type": "application/x-protobuf",
            "x-prometheus-remote-write-version": "0.1.0",
        }
        self._connection.request("POST", "/api/v1/write", _snappy(body), headers)
        answer = self._connection.getresponse()
        said = answer.read()
        if answer.status // 100 != 2:
            raise RuntimeError(f"Prometheus did not take the samples: {answer.status} {said[:300]!r}")

    def stop(self) -> None:
        """End the process for certain."""
        self._connection.close()
        end(self.process)


@contextmanager
def prometheus(folder: Path) -> Iterator[Prometheus]:
    """A server with its data below `folder`; RuntimeError if it does not get ready."""
    server = start(folder)
    try:
        yield server
    finally:
        server.stop()


def start(folder: Path) -> Prometheus:
    """Start a server; it dies with the thread that started it, even if that is killed."""
    program, keeper = shutil.which("prometheus"), shutil.which("setpriv")
    if not program or not keeper:
        raise RuntimeError("these tests need the programs prometheus and setpriv: apt-get install prometheus")
    major = version(program)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text("global: {}\n", encoding="utf-8")
    command = [
        *(keeper, "--pdeathsig", "KILL", program),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=100y",
        "--storage.tsdb.min-block-duration=3650d",
        "--storage.tsdb.max-block-duration=3650d",
        "--web.enable-remote-write-receiver",
        "--log.level=warn",
    ]
    if major < 3:
        # Prometheus 3 drops a sample that is exactly five minutes old, 2 keeps it: this makes them the same.
        command.append("--query.lookback-delta=299999ms")
    log = folder / "log"
    for _ in range(3):
        port = _free_port()
        with log.open("ab") as stream:
            process = subprocess.Popen(
                [*command, f"--web.listen-address=127.0.0.1:{port}"],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        if _ready(process, port):
            return Prometheus(process, port, major)
        # Another program may have taken the port in between.
        end(process)
    raise RuntimeError(f"Prometheus does not start: {log.read_text('utf-8', 'replace')[-2000:]}")


def version(program: str = "prometheus") -> int:
    """The major version of the installed program."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"version (\d+)\.", said.stdout + said.stderr)
    if not found:
        raise RuntimeError(f"{program} does not tell its version: {said.stdout[:200]!r}")
    return int(found[1])


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, then make it."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ready(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/-/ready")
            if connection.getresponse().status == 200:
                return process.poll() is None
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


# Remote write 1.0: a WriteRequest of Protocol Buffers, packed with snappy ------------------------------------------


def _series(series: Stored) -> bytes:
    samples = b"".join(
        _field(2, b"\x09" + _double(value) + b"\x10" + _varint(moment))
        for moment, value in zip(series.times, series.values, strict=True)
    )
    return _labels(series.labels) + samples


def _packed(times: Floats, values: Floats) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The samples of each row as bytes: each a field of its own, all of one length."""
    moments = [_varint(round(time * 1000)) for time in times]
    length = len(moments[0])
    packed = np.empty((*values.shape, 12 + length), np.uint8)
    packed[..., :3] = (0x12, 10 + length, 0x09)
    packed[..., 3:11] = np.ascontiguousarray(values, "<f8").view(np.uint8).reshape(*values.shape, 8)
    packed[..., 11] = 0x10
    packed[..., 12:] = np.frombuffer(b"".join(moments), np.uint8).reshape(-1, length)
    return packed


def _labels(labels: Mapping[str, str]) -> bytes:
    return b"".join(_label(name, text) for name, text in sorted(labels.items()))


def _label(name: str, text: str) -> bytes:
    return _field(1, _field(1, name.encode()) + _field(2, text.encode()))


def _double(value: float) -> bytes:
    return STALE if math.isnan(value) else struct.pack("<d", value)


def _field(number: int, payload: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _snappy(data: bytes) -> bytes:
    """Snappy's block format with literals alone, which every reader understands and which packs nothing."""
    chunks = (data[begin : begin + 65536] for begin in range(0, len(data), 65536))
    return _varint(len(data)) + b"".join(
        b"\xf4" + struct.pack("<H", len(chunk) - 1) + chunk for chunk in chunks
    )
