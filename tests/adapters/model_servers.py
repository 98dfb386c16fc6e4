"""Servers on loopback that speak as Ollama and as an OpenAI-compatible endpoint do, well or badly."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = json.dumps({"hypotheses": []})


@dataclass
class Served:
    """Where a server answers, and the requests it got."""

    url: str
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)


Handle = Callable[[BaseHTTPRequestHandler, Any], None]


@contextmanager
def serving(handle: Handle) -> Iterator[Served]:
    """A server that lets `handle` answer every request."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: Any) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            served.requests.append((self.path, headers, body))
            try:
                handle(self, body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_arguments: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Served(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, *values: Any, status: int = 200, headers: Any = ()) -> None:
    """One JSON value on each line."""
    raw = "\n".join(json.dumps(value) for value in values).encode()
    handler.send_response(status)
    for name, value in headers:
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)


def ollama(handler: BaseHTTPRequestHandler, _body: Any) -> None:
    """Ollama's /api/chat in two parts, and /api/tags."""
    if handler.path == "/api/tags":
        send(handler, {"models": [{"model": "small:latest"}, {"model": "other:7b"}]})
        return
    half = len(ANSWER) // 2
    send(
        handler,
        {"model": "small", "message": {"role": "assistant", "content": ANSWER[:half]}, "done": False},
        {
            "model": "small",
            "message": {"role": "assistant", "content": ANSWER[half:]},
            "done": True,
            "prompt_eval_count": 41,
            "eval_count": 7,
        },
    )


def openai(handler: BaseHTTPRequestHandler, _body: Any) -> None:
    """OpenAI's /chat/completions and /models."""
    if handler.path.endswith("/models"):
        send(handler, {"data": [{"id": "gpt-small"}]})
        return
    usage = {"prompt_tokens": 52, "completion_tokens": 9}
    send(handler, {"choices": [{"message": {"content": ANSWER}}], "usage": usage})


def dripping(handler: BaseHTTPRequestHandler, _body: Any) -> None:
    """Headers, and then a blank now and then, for ever."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def refusing(handler: BaseHTTPRequestHandler, _body: Any) -> None:
    """An error in JSON."""
    send(handler, {"error": "model 'small' not found"}, status=404)


def nonsense(handler: BaseHTTPRequestHandler, _body: Any) -> None:
    """JSON of another shape."""
    send(handler, {"hello": ["world"]})


def cut(handler: BaseHTTPRequestHandler, _body: Any) -> None:
    """An answer that stops in the middle, because it is as long as was allowed."""
    if handler.path.endswith("/completions"):
        choice = {"message": {"content": ANSWER[:5]}, "finish_reason": "length"}
        send(handler, {"choices": [choice], "usage": {"prompt_tokens": 4, "completion_tokens": 99}})
        return
    send(
        handler,
        {"message": {"role": "assistant", "content": ANSWER[:5]}, "done": False},
        {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "length"},
    )


def unfinished(handler: BaseHTTPRequestHandler, _body: Any) -> None:
    """Half of an answer, and the end of the stream."""
    half = {"message": {"role": "assistant", "content": ANSWER[:5]}, "done": False}
    send(handler, half if handler.path == "/api/chat" else {"choices": []})


def hanging_up(handler: BaseHTTPRequestHandler, _body: Any) -> None:
    """Half of what was announced, and then the line is dead."""
    raw = json.dumps({"message": {"role": "assistant", "content": ANSWER}, "done": False}).encode() + b"\n"
    handler.send_response(200)
    handler.send_header("Content-Length", str(2 * len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


def strict(handler: BaseHTTPRequestHandler, body: Any) -> None:
    """An endpoint that refuses schemas with bounds of length."""
    if "maxLength" in json.dumps(body):
        send(handler, {"error": {"message": "'maxLength' is not permitted"}}, status=400)
    else:
        openai(handler, body)


def denying(handler: BaseHTTPRequestHandler, _body: Any) -> None:
    """No permission, in words that steer a terminal."""
    send(handler, {"error": "\x1b[2J\x1b]8;;https://evil.example\x07key\x1b]8;;\x07 wrong"}, status=401)


def miscounting(handler: BaseHTTPRequestHandler, _body: Any) -> None:
    """An answer with counts of tokens that are none."""
    if handler.path == "/api/chat":
        message = {"role": "assistant", "content": ANSWER}
        send(handler, {"message": message, "done": True, "prompt_eval_count": -5, "eval_count": -1})
        return
    usage = {"prompt_tokens": -5, "completion_tokens": True}
    send(handler, {"choices": [{"message": {"content": ANSWER}}], "usage": usage})
