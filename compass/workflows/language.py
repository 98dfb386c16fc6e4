"""The language model that the settings name, ready to be asked, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from compass.adapters.llm.answers import Answers
from compass.adapters.llm.call import LLM
from compass.adapters.llm.limits import is_loopback
from compass.adapters.llm.ollama import Ollama
from compass.adapters.llm.openai_compatible import OpenAICompatible
from compass.adapters.llm.scripted import scripted
from compass.config import LanguageModel
from compass.errors import OutsideError, UsageError
from compass.investigate.budget import Budget, Ledger, Price
from compass.investigate.words import Limits, Words

FOLDER: Final = "llm"
_PATIENCE: Final = 3.0  # seconds that `doctor` waits


class OffLimitsError(UsageError):
    """The model is not on this machine, and nothing else may be reached."""


def language_model(settings: LanguageModel, *, offline: bool = False) -> LLM | None:
    """The configured model; None without one. OffLimitsError if it is elsewhere and nothing may be reached."""
    if settings.model is None:
        return None
    if settings.provider == "scripted":
        return scripted(settings.model)
    found: Ollama | OpenAICompatible
    if settings.provider == "ollama":
        found = Ollama(settings.model, settings.url) if settings.url else Ollama(settings.model)
    else:
        found = OpenAICompatible(settings.model, key=settings.key)
        found = replace(found, url=settings.url) if settings.url else found
    if offline and not is_loopback(found.url):
        raise OffLimitsError(f"with --offline the language model at {found.url} may not be asked")
    return found


def words(
    settings: LanguageModel,
    cache: Path,
    *,
    given: Mapping[str, Any],
    offline: bool = False,
    clock: Callable[[], float],
) -> Words | None:
    """What an investigation may ask; None without a model or with `no_llm`.

    `given` are the options of the command line: `no_llm`, and `budget_tokens`, `budget_usd` and `budget_seconds`,
    which win over the settings.
    """
    llm = None if given.get("no_llm") else language_model(settings, offline=offline)
    if llm is None:
        return None
    wanted = {name: value for name, value in given.items() if value is not None}
    budget = Budget(
        wanted.get("budget_tokens", settings.budget_tokens),
        wanted.get("budget_usd", settings.budget_usd),
        wanted.get("budget_seconds", settings.budget_seconds),
    )
    return Words(
        llm,
        Ledger(budget, price(settings, llm)),
        Limits(settings.context, settings.max_tokens, settings.timeout),
        Answers(cache / FOLDER),
        clock,
    )


def price(settings: LanguageModel, llm: LLM) -> Price | None:
    """What a million tokens cost: as the settings say, nothing on this machine, else unknown."""
    listed = settings.prices.get(llm.model)
    if listed is not None:
        return Price(listed.input, listed.output)
    return Price(0.0, 0.0) if llm.free else None


def checks(settings: LanguageModel, *, offline: bool = False) -> list[dict[str, Any]]:
    """What `doctor` says about the model: which one, whether it answers, and what it costs."""
    row = {"name": "language model", "needed": False}
    if settings.model is None:
        return [
            {**row, "ok": True, "meaning": "none is configured, and none is needed; `llm.model` names one"}
        ]
    try:
        llm = language_model(settings, offline=offline)
        said = llm.alive(_PATIENCE) if llm else ""
    except (OutsideError, OffLimitsError) as problem:
        return [
            {**row, "ok": False, "meaning": f"{problem}; {problem.hint}" if problem.hint else str(problem)}
        ]
    known = price(settings, llm) if llm else None
    cost = (
        "its price is not known: set `llm.prices`"
        if known is None
        else f"{known.input:g} and {known.output:g} USD per million tokens read and written"
    )
    return [{**row, "ok": True, "meaning": f"{said}; {cost}"}]
