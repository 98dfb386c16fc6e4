"""An MCP server of telemetry and where it is named; what identifies it is all that it would run or be sent."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from compass.adapters.documents import YamlProblem, parse_yaml
from compass.library.source import Mount
from compass.model.servers import McpServer

SERVERS: Final = "catalog/mcp.json"


@dataclass(frozen=True)
class NamedServer:
    """A server of a catalog."""

    name: str
    server: McpServer
    mount: Mount
    line: int

    @property
    def place(self) -> str:
        """The repository, file and line that name it."""
        return f"{self.mount.id}:{SERVERS}:{self.line}"

    @property
    def digest(self) -> str:
        """SHA-256 of the repository's id and of all that would be run, reached or sent; the name is not part of it."""
        said = [self.mount.id, self.server.model_dump(mode="json")]
        text = json.dumps(said, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def parse_json(text: str) -> Any:
    """The data of a file that MCP clients read, too, so that it has to be JSON; YamlProblem says where it is not."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise YamlProblem(f"this is not JSON: {error.msg}", error.lineno, error.colno) from error
    except RecursionError as error:
        raise YamlProblem("this is not JSON: it nests too deep", 1, 1) from error
    # JSON is YAML; where a key stands twice, JSON's reader would not say.
    parse_yaml(spaced(text))
    return data


def spaced(text: str) -> str:
    """The text as YAML can read it, with every character where it was."""
    return text.replace("\t", " ")
