"""Our replay server as a command or over HTTP, whole or with one tool that does something else first."""

from __future__ import annotations

import atexit
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import anyio
import mcp  # noqa: F401  # it keeps the stderr of the moment of its import, which a test must not have replaced
import uvicorn
from conftest import ROOT
from mcp_types import CallToolRequestParams

from compass.replay.load import load
from compass.replay.server import server

SOURCE = ROOT / "knowledge" / "teams" / "payments" / "recordings" / "pool-exhaustion-after-rollout"
SERVE = f"{sys.executable} -m compass serve --recording {SOURCE}"
STUTTERS = """
import os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
import compass.replay.tools as tools
import compass.replay.server as served
def bad(name):
    real = tools.Tool.__call__
    def call(self, store, arguments):
        if self.name == name:
            {what}
        return real(self, store, arguments)
    tools.Tool.__call__ = call
bad({tool!r})
served.serve_stdio(Path({source!r}))
"""


def stuttering(tmp_path: Path, tool: str, what: str) -> str:
    script = tmp_path / "stutters.py"
    script.write_text(STUTTERS.format(root=str(ROOT), tool=tool, what=what, source=str(SOURCE)))
    return f"{sys.executable} {script}"


@contextmanager
def over_http(app: Any) -> Iterator[str]:
    """The address at which an application speaks MCP, in this process and so without a start to wait for."""
    running = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="on")
    )
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    try:
        while not running.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}/mcp"
    finally:
        running.should_exit = running.force_exit = True
        thread.join()


@cache
def served() -> str:
    """The address of the whole server, for the tests in which it is not the point that a command is started."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(over_http(server(load(SOURCE)).streamable_http_app()))


@contextmanager
def slow(*tools: str) -> Iterator[str]:
    """The address of a server that never answers these tools, and everything else at once."""
    replay = server(load(SOURCE))
    entry = replay.get_request_handler("tools/call")
    assert entry

    async def call(context: Any, params: CallToolRequestParams) -> Any:
        if params.name in tools:
            await anyio.sleep_forever()
        return await entry.handler(context, params)

    replay.add_request_handler("tools/call", CallToolRequestParams, call)
    with over_http(replay.streamable_http_app()) as address:
        yield address
