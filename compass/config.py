"""Settings: a flag, then a COMPASS_* variable, then the user's config.yaml, then the default."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from platformdirs import user_cache_path, user_config_path, user_data_path
from pydantic import Field, ValidationError

from compass.adapters.documents import YamlProblem, parse_yaml
from compass.errors import ConfigError, Location
from compass.model.base import Model

APP: Final = "compass"


class Settings(Model):
    """What a user can set; the variable is COMPASS_ and the field's name in capitals."""

    principal: str | None = Field(
        default=None, description="Your principal id in the organization's people.yaml."
    )
    data: Path = Field(description="Where the personal repository and the clones lie.")
    cache: Path = Field(description="Where caches lie; deleting the folder changes nothing but time.")
    seal_key: str | None = Field(
        default=None,
        description="`<key id>:<hex>`: the tribe's key that seals provenance toward the hub. From the environment only.",
    )
    github_token: str | None = Field(
        default=None,
        description="What opens pull requests on GitHub; of GITHUB_TOKEN. From the environment only.",
    )
    github_server: str = Field(
        default="https://github.com",
        description="How the URLs of repositories on your GitHub begin; of GITHUB_SERVER_URL.",
    )
    github_api: str | None = Field(
        default=None, description="Where its API answers, if not in the usual place; of GITHUB_API_URL."
    )


SECRETS: Final = frozenset({"seal_key", "github_token"})
"""From the environment only, and never shown."""

TOOLS: Final[Mapping[str, str]] = {
    "github_token": "GITHUB_TOKEN",
    "github_server": "GITHUB_SERVER_URL",
    "github_api": "GITHUB_API_URL",
}
"""Variables that belong to other tools; they win over ours."""


def _folder(environ: Mapping[str, str], variable: str, default: Path) -> Path:
    return Path(environ[variable]) / APP if environ.get(variable) else default


def load_settings(environ: Mapping[str, str], file: Path | None = None) -> Settings:
    """Merge the sources; ConfigError names the nearest known key for an unknown one."""
    values: dict[str, Any] = {
        "data": _folder(environ, "XDG_DATA_HOME", user_data_path(APP)),
        "cache": _folder(environ, "XDG_CACHE_HOME", user_cache_path(APP)),
    }
    path = file or _folder(environ, "XDG_CONFIG_HOME", user_config_path(APP)) / "config.yaml"
    if path.is_file():
        values |= _read(path)
    elif file:
        raise ConfigError(f"there is no settings file {file}")
    for name in Settings.model_fields:
        if value := environ.get(TOOLS.get(name, "")) or environ.get(f"COMPASS_{name.upper()}"):
            values[name] = value
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        found = parse_yaml(path.read_text("utf-8")) or {}
    except YamlProblem as problem:
        raise ConfigError(
            problem.message, location=Location(str(path), problem.line, problem.column)
        ) from problem
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError("settings are a mapping", location=Location(str(path), 1, 1))
    for key in found:
        if key not in Settings.model_fields or key in SECRETS:
            nearest = get_close_matches(str(key), Settings.model_fields, 1)
            hint = (
                "secrets come from the environment only"
                if key in SECRETS
                else f"did you mean {nearest[0]!r}?"
                if nearest
                else None
            )
            raise ConfigError(f"{key!r} is not a setting that a file may hold", hint, Location(str(path)))
    return found
