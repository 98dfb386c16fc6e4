"""What `compass doctor` reports: settings with their sources, and whether this machine has what COMPASS needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from compass.adapters.git import GitRepository, run
from compass.config import SECRETS, TOOLS, LanguageModel, Settings, load_settings
from compass.errors import CompassError
from compass.library import open_source
from compass.workflows.language import checks as language_model
from compass.workflows.personal import personal_path
from compass.workflows.spending import spending


def examine(
    repo: Path,
    environ: Mapping[str, str],
    config: Path | None,
    *,
    which: Callable[[str], str | None],
    version: tuple[int, ...],
    offline: bool = False,
) -> dict[str, Any]:
    """Settings (`name, value, source`), checks (`name, ok, needed, meaning`) and what language models have cost; secrets
    are never shown.
    """
    settings = load_settings(environ, config)
    rows = [_setting(name, settings, environ) for name in Settings.model_fields if name != "llm"]
    rows += [_of_model(name, settings.llm, environ) for name in LanguageModel.model_fields]
    checks = [*_machine(which, version), *_repository(repo), *language_model(settings.llm, offline=offline)]
    spent = spending([*([repo] if (repo / "compass.yaml").is_file() else []), personal_path(settings.data)])
    models = [one._asdict() for one in spent.models]
    return {"settings": rows, "checks": checks, "spent": {**spent._asdict(), "models": models}}


def _setting(name: str, settings: Settings, environ: Mapping[str, str]) -> dict[str, Any]:
    tool, variable = TOOLS.get(name, ""), f"COMPASS_{name.upper()}"
    value = getattr(settings, name)
    default = {"data": "XDG_DATA_HOME", "cache": "XDG_CACHE_HOME"}.get(name, "")
    source = (
        tool
        if environ.get(tool)
        else variable
        if environ.get(variable)
        else default
        if default and environ.get(default)
        else "file or default"
    )
    shown = "set, not shown" if name in SECRETS and value else "-" if value is None else str(value)
    return {"name": name, "value": shown, "source": source}


def _of_model(name: str, settings: LanguageModel, environ: Mapping[str, str]) -> dict[str, Any]:
    value, variable = getattr(settings, name), f"COMPASS_LLM_{name.upper()}"
    others = {"url": ("OLLAMA_HOST", "OPENAI_BASE_URL"), "key": ("OPENAI_API_KEY",)}.get(name, ())
    source = next((other for other in others if value and environ.get(other) == value), None)
    source = source or (variable if environ.get(variable) else "file or default")
    shown = "set, not shown" if f"llm.{name}" in SECRETS and value else "-" if value is None else str(value)
    return {"name": f"llm.{name}", "value": shown, "source": source}


def _machine(which: Callable[[str], str | None], version: tuple[int, ...]) -> list[dict[str, Any]]:
    found = ".".join(map(str, version))
    checks = [
        {
            "name": "python",
            "ok": version >= (3, 11),
            "needed": True,
            "meaning": f"found {found}; 3.11 or newer is needed",
        },
        {"name": "git", "ok": which("git") is not None, "needed": True, "meaning": "git is not on PATH"},
    ]
    if checks[1]["ok"]:
        text = run(["--version"])[1].decode().strip()
        numbers = tuple(int(part) for part in text.split()[2].split(".")[:2] if part.isdigit())
        checks[1] |= {"ok": numbers >= (2, 38), "meaning": f"found {text}; 2.38 or newer is needed"}
    return checks


def _repository(repo: Path) -> list[dict[str, Any]]:
    try:
        source = open_source(repo, None)
    except CompassError as error:
        return [{"name": "repository", "ok": False, "needed": False, "meaning": f"{error}; name one with -C"}]
    mount = source.mount
    checks = [
        {"name": "repository", "ok": True, "needed": False, "meaning": f"{mount.id} ({mount.level.value})"}
    ]
    if mount.git:
        identity = mount.git.identity()
        who = f"commits are written as {identity[1]}" if identity else "set user.name and user.email for Git"
        checks.append({"name": "identity", "ok": identity is not None, "needed": False, "meaning": who})
    checks += [
        {"name": "parent", "ok": _reachable(mount.root, parent), "needed": False, "meaning": parent}
        for parent in mount.config.parents
    ]
    return checks


def _reachable(root: Path, parent: str) -> bool:
    if "://" in parent or "@" in parent.split("/", maxsplit=1)[0]:
        return True
    try:
        return bool(GitRepository.open(root / parent))
    except CompassError:
        return False
