"""Workflows that publish a repository's site: whole files for one forge each, made for the repository's own readers."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from compass import __version__
from compass.errors import UsageError
from compass.model.scope import Level

RECIPES: Final = ("github-pages", "gitlab-pages", "object-store")
_AUDIENCES: Final = {
    Level.TEAM: Level.TEAM,
    Level.TRIBE: Level.TRIBE,
    Level.HUB_FOR: Level.TRIBE,
    Level.HUB: Level.HUB,
    Level.ORG: Level.HUB,
}


def recipe(name: str, level: Level) -> str:
    """The workflow `name`, with this version of COMPASS and the readers of a repository of that level written into it.

    UsageError for a personal repository: nobody but its owner reads it.
    """
    if level not in _AUDIENCES:
        raise UsageError(
            f"a {level.value} repository has no readers but its owner, so there is no workflow that publishes it",
            "read it with `compass site serve`, or contribute its entries to a team",
        )
    text = (files("compass.publish") / "recipes" / f"{name}.yml").read_text("utf-8")
    return text.replace("@VERSION@", __version__).replace("@AUDIENCE@", _AUDIENCES[level].value)
