"""MCP servers of telemetry as a repository names them: the `mcpServers` that MCP clients read, without any secret."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from compass.model.base import Model

VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER: Final = re.compile(rf"(?:[A-Za-z][A-Za-z0-9-]* )?{VARIABLE.pattern}")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}")
_VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET: Final = re.compile(r"(?i)token|secret|passw|key|credential|auth|cookie")


def _command(text: str) -> str:
    if "/" in text.lstrip("/") and not text.startswith("/"):
        raise ValueError("a command is a name to be found in PATH, or a path from the root")
    return _plain(text)


def _plain(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError("this is not printable text")
    if "${" in text:
        raise ValueError("variables of the environment belong into `env` or `headers`")
    return text


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or not text.isprintable():
        raise ValueError("this is no address of streamable HTTP, such as https://mcp.example.com/mcp")
    if "@" in parts.netloc or parts.query or parts.fragment or "$" in text:
        raise ValueError("an address holds no name, password or query; what is secret belongs into `headers`")
    return text


def _headers(found: dict[str, str]) -> dict[str, str]:
    for name, value in found.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name[:40]!r} is no name of a header")
        if not _HEADER.fullmatch(value):
            raise ValueError(
                f"the value of {name} comes from a variable of the environment: write ${{NAME}}, or Bearer ${{NAME}}"
            )
    return found


def _environment(found: dict[str, str]) -> dict[str, str]:
    for name, value in found.items():
        if not _VARIABLE_NAME.fullmatch(name):
            raise ValueError(f"{name[:40]!r} is no name of a variable")
        if VARIABLE.fullmatch(value):
            continue
        if _SECRET.search(name):
            raise ValueError(
                f"the value of {name} comes from a variable of the environment: write ${{{name}}}"
            )
        if not value.isprintable() or "$" in value:
            raise ValueError(f"the value of {name} is either plain text or one ${{NAME}}")
    return found


class McpServer(Model):
    """One server: a command that speaks MCP on stdio, or the address of one over streamable HTTP."""

    type: Literal["stdio", "http", "streamable-http"] | None = None
    command: Annotated[str, AfterValidator(_command)] | None = None
    args: tuple[Annotated[str, AfterValidator(_plain)], ...] = ()
    env: Annotated[dict[str, str], AfterValidator(_environment)] = Field(
        default={}, description="What the command gets beside PATH and HOME."
    )
    url: Annotated[str, AfterValidator(_address)] | None = None
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = Field(
        default={}, description="What is sent along with every request."
    )

    @model_validator(mode="after")
    def _one_sort(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("a server has either a `command` or a `url`")
        if self.command is None and (self.args or self.env or self.type == "stdio"):
            raise ValueError("`args`, `env` and the type stdio belong to a `command`")
        if self.url is None and (self.headers or self.type in {"http", "streamable-http"}):
            raise ValueError("`headers` and the type http belong to a `url`")
        return self

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables of the user's environment that it gets to see, sorted."""
        values = (*self.env.values(), *self.headers.values())
        return tuple(sorted({found[1] for value in values for found in VARIABLE.finditer(value)}))


class McpServers(Model):
    """catalog/mcp.json."""

    # By its own name alone: `servers` is what we call it, not what stands in the file.
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)

    servers: dict[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")], McpServer
    ] = Field(default={}, alias="mcpServers")
