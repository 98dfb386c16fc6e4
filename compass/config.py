"""Settings: a flag, then a COMPASS_* variable, then the user's config.yaml, then the default."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal

from platformdirs import user_cache_path, user_config_path, user_data_path
from pydantic import Field, ValidationError, field_validator

from compass.adapters.documents import YamlProblem, parse_yaml
from compass.errors import ConfigError, Location
from compass.model.base import Model

APP: Final = "compass"


class TokenPrice(Model):
    """US dollars per million tokens."""

    input: float = Field(ge=0, description="For tokens that the model reads.")
    output: float = Field(ge=0, description="For tokens that it writes.")


class LanguageModel(Model):
    """Below `llm:`; the variable is COMPASS_LLM_ and the field's name in capitals. Without a model none is asked."""

    provider: Literal["ollama", "openai_compatible", "scripted"] = Field(
        default="ollama",
        description="Ollama's native API, any endpoint with OpenAI's chat completions, or a script of answers for tests.",
    )
    model: str | None = Field(
        default=None, min_length=1, description="The model's name on that server; none is asked without it."
    )
    url: str | None = Field(
        default=None,
        min_length=1,
        description="Where the server answers, if not in the usual place; of OLLAMA_HOST, or OPENAI_BASE_URL.",
    )
    key: str | None = Field(
        default=None,
        description="The key of an OpenAI-compatible endpoint; OPENAI_API_KEY counts only where `llm.url` is not set. From the environment only.",
    )
    context: int = Field(
        default=16_384,
        ge=2048,
        description="Tokens of prompt and answer together; Ollama gets it as num_ctx.",
    )
    max_tokens: int = Field(default=800, ge=64, description="The longest answer, in tokens.")
    timeout: float = Field(default=120.0, gt=0, description="Seconds to wait for one answer.")
    budget_tokens: int | None = Field(
        default=100_000, ge=0, description="The most tokens of one investigation, read and written."
    )
    budget_usd: float | None = Field(
        default=None,
        ge=0,
        description="The most US dollars of one investigation; a model without a known price is then not asked.",
    )
    budget_seconds: float | None = Field(
        default=240.0, ge=0, description="The most seconds that one investigation waits for the model."
    )
    prices: dict[str, TokenPrice] = Field(
        default={},
        description="US dollars per million tokens for each model, such as `{name: {input: 0.5, output: 1.5}}`; in the file only. Without an entry only a model on this machine is free, and any other has an unknown price.",
    )

    @field_validator("url")
    @classmethod
    def _without_password(cls, value: str | None) -> str | None:
        if value and "@" in value:
            raise ValueError("an address holds no name or password; give the key as COMPASS_LLM_KEY")
        return value


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
    llm: LanguageModel = Field(
        default=LanguageModel(), description="The language model of `compass investigate`; see below."
    )


SECRETS: Final = frozenset({"seal_key", "github_token", "llm.key"})
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
        if name == "llm":
            values[name] = _language_model(values.get(name), environ)
        elif value := environ.get(TOOLS.get(name, "")) or environ.get(f"COMPASS_{name.upper()}"):
            values[name] = value
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _language_model(file: object, environ: Mapping[str, str]) -> object:
    """What the file says of the model, and over it the environment; OLLAMA_HOST and OpenAI's variables as their tools
    read them, so that no key goes to an address that it was not made for.
    """
    if file is not None and not isinstance(file, dict):
        return file
    values: dict[str, Any] = dict(file or {})
    for name in LanguageModel.model_fields:
        if name != "prices" and (value := environ.get(f"COMPASS_LLM_{name.upper()}")):
            values[name] = value
    if values.get("provider", "ollama") == "ollama":
        if host := environ.get("OLLAMA_HOST"):
            values["url"] = host
    elif values.get("provider") == "openai_compatible" and not values.get("url"):
        if base := environ.get("OPENAI_BASE_URL"):
            values["url"] = base
        if key := environ.get("OPENAI_API_KEY"):
            values["key"] = key
    return values


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
    _known(found, Settings, "", path)
    if isinstance(found.get("llm"), dict):
        _known(found["llm"], LanguageModel, "llm.", path)
    return found


def _known(found: Mapping[Any, Any], model: type[Model], prefix: str, path: Path) -> None:
    for key in found:
        name = f"{prefix}{key}"
        if key not in model.model_fields or name in SECRETS:
            nearest = get_close_matches(str(key), model.model_fields, 1)
            hint = (
                "secrets come from the environment only"
                if name in SECRETS
                else f"did you mean {nearest[0]!r}?"
                if nearest
                else None
            )
            raise ConfigError(f"{name!r} is not a setting that a file may hold", hint, Location(str(path)))
