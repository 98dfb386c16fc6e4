"""What every command gets: the repository, the settings, and how much to say."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compass.config import Settings
    from compass.library import Library


@dataclass(frozen=True)
class Context:
    """The global options; settings and libraries are read when first asked for."""

    repo: Path = Path()
    config: Path | None = None
    verbose: bool = False
    quiet: bool = False
    offline: bool = False

    @cached_property
    def settings(self) -> Settings:
        """Merged from the settings file and the environment."""
        from compass.config import load_settings  # noqa: PLC0415  # pydantic costs too much for --help

        return load_settings(os.environ, self.config)

    def library(self, *, revision: str | None = "HEAD", parents: bool = True) -> Library:
        """The repository named with -C, at HEAD or (None) in the working tree."""
        from compass.library import load  # noqa: PLC0415  # pydantic costs too much for --help

        settings = self.settings
        return load(
            self.repo,
            revision=revision,
            parents=parents,
            cache=settings.cache,
            clones=settings.data / "clones",
        )
