"""The small organization, made once and copied for each test."""

import shutil

import pytest
from federation_world import World, build


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    build(root)
    return root


@pytest.fixture
def world(template, tmp_path):
    shutil.copytree(template, tmp_path / "world", dirs_exist_ok=True)
    return World(tmp_path / "world")
