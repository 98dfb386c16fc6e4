"""Everything under `knowledge/` is a valid repository that its own check passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT

from compass.cli import cli
from compass.library import load

REPOSITORIES = ("org", "hub", "tribes/platform", "tribes/product", "teams/payments", "teams/kubernetes")


@pytest.mark.parametrize("name", REPOSITORIES)
def test_the_repository_passes_its_own_check_without_a_word(name: str) -> None:
    result = CliRunner().invoke(cli, ["-C", str(ROOT / "knowledge" / name), "check", "--format", "json"])
    report = json.loads(result.stdout)
    assert report["problems"] == []
    assert result.exit_code == 0


def test_the_organization_is_the_one_that_is_promised() -> None:
    found = {
        path.parent.relative_to(ROOT / "knowledge").as_posix()
        for path in (ROOT / "knowledge").rglob("compass.yaml")
    }
    assert found == set(REPOSITORIES)
    libraries = {name: load(ROOT / "knowledge" / name, revision=None) for name in REPOSITORIES}
    assert sum(len(library.entries) for library in libraries.values()) >= 12
    for name, library in libraries.items():
        assert bool(library.entries) == (name != "org")
    assert libraries["teams/payments"].main.config.share == "tribe"
    assert libraries["teams/kubernetes"].main.config.share == "tribe"


def test_no_person_and_no_private_key_is_in_the_tree() -> None:
    org = load(ROOT / "knowledge" / "org", revision=None)
    assert org.people
    for person in org.people.people:
        assert person.keys == ()
        assert all(mail == f"{person.id}@example.com" for mail in person.emails)
    marker = "-----BEGIN " + "OPENSSH"
    for path in sorted((ROOT / "knowledge").rglob("*")):
        if path.is_file() and path.suffix in {".md", ".yaml"}:
            assert marker not in path.read_text("utf-8")


def test_the_packaged_copy_is_found_from_a_checkout() -> None:
    from compass.workflows.example import packaged_knowledge

    assert packaged_knowledge() == Path(ROOT / "knowledge")
