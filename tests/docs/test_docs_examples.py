"""The whole files that the documentation shows are valid files."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT
from pydantic import BaseModel

from compass.adapters.documents import canonical, parse_yaml, split
from compass.anonymize import AllowList
from compass.model.catalog import Entity, PrivateNames
from compass.model.entry import HEADINGS, KINDS
from compass.model.recording import RecordingInfo
from compass.model.scope import People, Repository, Teams
from compass.model.servers import McpServers

FORMATS = (ROOT / "site" / "docs" / "reference" / "file-formats.md").read_text("utf-8")
ENTRIES = re.findall(r"^```markdown\n(.*?)^```$", FORMATS, re.MULTILINE | re.DOTALL)
YAML = re.findall(r"^```yaml\n(.*?)^```$", FORMATS, re.MULTILINE | re.DOTALL)
MODELS: tuple[type[BaseModel], ...] = (
    Repository,
    People,
    Teams,
    Entity,
    PrivateNames,
    AllowList,
    RecordingInfo,
)


@pytest.mark.parametrize("text", ENTRIES)
def test_an_entry_of_the_reference_is_valid_and_canonical(text: str) -> None:
    data = parse_yaml(split(text).front)
    assert KINDS[data["kind"]].model_validate(data)
    assert canonical(text) == text


def test_the_reference_shows_every_kind_of_entry_and_names_its_headings() -> None:
    assert {parse_yaml(split(text).front)["kind"] for text in ENTRIES} == set(KINDS)
    for names in HEADINGS.values():
        assert f"Headings of the text: {', '.join(names)}." in FORMATS


@pytest.mark.parametrize(("text", "model"), list(zip(YAML, MODELS, strict=True)))
def test_a_yaml_file_of_the_reference_is_valid(text: str, model: type[BaseModel]) -> None:
    assert model.model_validate(parse_yaml(text))


def test_the_servers_of_the_reference_are_valid() -> None:
    (text,) = re.findall(r"^```json\n(.*?)^```$", FORMATS, re.MULTILINE | re.DOTALL)
    assert McpServers.model_validate_json(text).servers.keys() == {"grafana", "shop"}


def test_every_page_says_one_sentence_on_a_line() -> None:
    for page in sorted((ROOT / "site" / "docs").rglob("*.md")):
        text = page.read_text("utf-8")
        if text.startswith("<!-- Generated"):
            continue
        prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        for line in prose.splitlines():
            if line.lstrip().startswith("|"):
                continue
            assert not re.search(r"[a-z)`][.?!] [A-Z][a-z]", line), f"{page.name}: {line}"


def test_the_pages_name_only_commands_that_exist() -> None:
    from compass.cli import COMMANDS

    for page in sorted((ROOT / "site" / "docs").rglob("*.md")):
        for command in re.findall(r"^compass (?:-C \S+ )?([a-z]+)", page.read_text("utf-8"), re.MULTILINE):
            assert command in COMMANDS, f"{page.name}: compass {command}"
