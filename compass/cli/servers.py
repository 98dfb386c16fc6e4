"""The options with which every command names telemetry servers."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, TypeVar

import click

from compass.errors import UsageError

_F = TypeVar("_F", bound=Callable[..., Any])


def server_options(timeout: float) -> Callable[[_F], _F]:
    """`--server`, `--command`, `--datasource` and `--timeout` (seconds, if nothing is said), in this order."""
    return lambda function: _with_options(function, timeout)


def _with_options(function: _F, timeout: float) -> _F:
    for option in reversed(
        (
            click.option(
                "--server",
                "servers",
                multiple=True,
                metavar="URL",
                help="An MCP server of telemetry over streamable HTTP; repeatable.",
            ),
            click.option(
                "--command",
                "commands",
                multiple=True,
                metavar="CMD",
                help="A command that speaks MCP on stdio; repeatable.",
            ),
            click.option(
                "--datasource",
                "datasources",
                multiple=True,
                metavar="KIND=UID",
                help="Which backend to ask for metrics, logs or traces.",
            ),
            click.option(
                "--timeout",
                type=click.FloatRange(0.1, 3600),
                default=timeout,
                show_default=True,
                metavar="SECONDS",
                help="For connecting, and for each answer.",
            ),
        )
    ):
        function = option(function)
    return function


def words_of(command: str) -> list[str]:
    """A command as the shell would split it; UsageError where it cannot be."""
    try:
        return shlex.split(command)
    except ValueError as problem:
        raise UsageError(f"--command {command[:120]!r}: {problem}", "quote it as for a shell") from problem
