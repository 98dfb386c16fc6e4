"""Our replay server as a command: whole, with one tool that does something else first, or with tools that hang."""

from __future__ import annotations

import sys
from pathlib import Path

import mcp  # noqa: F401  # it keeps the stderr of the moment of its import, which a test must not have replaced
from conftest import ROOT

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

LAGS = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
import anyio
import compass.replay.server as served
class Lagging(served.Server):
    def __init__(self, *given, on_call_tool, **named):
        async def call(context, params):
            if params.name in {tools!r}:
                await anyio.sleep(600)
            return await on_call_tool(context, params)
        super().__init__(*given, on_call_tool=call, **named)
served.Server = Lagging
served.serve_stdio(Path({source!r}))
"""


def lagging(tmp_path: Path, *tools: str) -> str:
    """Never answers these tools, and everything else at once, as where one of several backends hangs."""
    script = tmp_path / "lags.py"
    script.write_text(LAGS.format(root=str(ROOT), tools=tools, source=str(SOURCE)))
    return f"{sys.executable} {script}"


def stuttering(tmp_path: Path, tool: str, what: str) -> str:
    script = tmp_path / "stutters.py"
    script.write_text(STUTTERS.format(root=str(ROOT), tool=tool, what=what, source=str(SOURCE)))
    return f"{sys.executable} {script}"
