"""Options of commands that may ask a language model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_F = TypeVar("_F", bound=Callable[..., Any])


def model_options(command: _F) -> _F:
    """`--no-llm` and what the model may cost; they arrive as `no_llm`, `budget_tokens`, `budget_usd`, `budget_seconds`."""
    for decorate in (
        click.option(
            "--budget-seconds", type=click.FloatRange(min=0), help="The most seconds to wait for the model."
        ),
        click.option(
            "--budget-usd",
            type=click.FloatRange(min=0),
            help="The most US dollars for the model; one without a known price is then not asked.",
        ),
        click.option("--budget-tokens", type=click.IntRange(min=0), help="The most tokens for the model."),
        click.option(
            "--no-llm", is_flag=True, help="Ask no language model, also where `llm.model` names one."
        ),
    ):
        command = decorate(command)
    return command
