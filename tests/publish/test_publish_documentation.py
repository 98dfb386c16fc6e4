"""The product's documentation: built from source that no build can empty, every link of it leading somewhere."""

from __future__ import annotations

from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config

from compass.publish.generate import THEME
from compass.publish.verify import verify

ROOT = Path(__file__).resolve().parents[2]


def test_the_output_is_never_the_source() -> None:
    settings = load_config(str(ROOT / "mkdocs.yml"))
    assert Path(settings.site_dir) == ROOT / "build" / "site"
    assert Path(settings.docs_dir) == ROOT / "site" / "docs"
    assert settings.theme.custom_dir == str(THEME)
    assert not settings.plugins
    assert not settings.hooks


def test_the_documentation_builds_strictly_and_asks_nobody_else(tmp_path: Path) -> None:
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path), strict=True))
    assert verify(tmp_path) == ()
