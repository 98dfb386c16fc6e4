"""Runs MkDocs with the Material theme over a staged folder, without any plugin or hook."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, MkDocsException

from compass.errors import OutsideError

THEME: Final = Path(__file__).parent / "theme"
SECTIONS: Final = (
    ("Home", "index.md"),
    ("Symptoms", "symptoms/index.md"),
    ("Runbooks", "runbooks/index.md"),
    ("Patterns", "patterns/index.md"),
    ("Incidents", "postmortems/index.md"),
    ("Services", "services/index.md"),
    ("Technology", "tags/index.md"),
    ("Teams", "teams/index.md"),
    ("Review", "review/index.md"),
)
# What the theme brings along and no page of ours asks for; our own sitemap is among the files.
_UNUSED: Final = ("assets/javascripts", "assets/images", "sitemap.xml", "sitemap.xml.gz")


def stage(
    folder: Path,
    pages: Iterable[tuple[str, str]],
    name: str,
    built_from: str,
    *,
    files: Iterable[tuple[str, str | bytes]] = (),
    address: str = "",
) -> int:
    """Write pages, files, settings and theme into the empty `folder`; how many pages.

    `mkdocs build` there gives the pages; what is in `files` lies beside them as it is.
    """
    written = 0
    for path, text in pages:
        _write(folder / "pages" / path, text)
        written += 1
    for path, content in files:
        _write(folder / "files" / path, content)
    shutil.copytree(THEME, folder / "theme")
    # JSON is YAML, and quoting is its business rather than ours.
    (folder / "mkdocs.yml").write_text(
        json.dumps(_settings(name, built_from, address), indent=2) + "\n", "utf-8"
    )
    return written


def generate(folder: Path) -> Path:
    """Build the staged `folder`; the finished site's folder. OutsideError if MkDocs gives up."""
    log = logging.getLogger("mkdocs")
    quiet = log.level
    log.setLevel(logging.ERROR)
    try:
        settings = load_config(str(folder / "mkdocs.yml"))
        # The same pages sooner; `mkdocs build` does without.
        settings.markdown_extensions.append("compass.publish.blocks")
        build(settings)
    except (Abort, MkDocsException) as error:
        raise OutsideError(f"MkDocs could not build the site: {error}") from error
    finally:
        log.setLevel(quiet)
    site = folder / "site"
    for unused in _UNUSED:
        target = site / unused
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
    for source_map in site.rglob("*.map"):
        source_map.unlink()
    _lay_beside(folder / "files", site)
    return site


def _write(target: Path, content: str | bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)


def _lay_beside(files: Path, site: Path) -> None:
    """Move the files for other programs to where their paths say."""
    for file in sorted(files.rglob("*")):
        target = site / file.relative_to(files)
        if file.is_dir():
            target.mkdir(exist_ok=True)
        else:
            file.rename(target)


def _settings(name: str, built_from: str, address: str) -> dict[str, Any]:
    """mkdocs.yml: only the section indexes are in the navigation, so a page's size does not grow with the library."""
    return {
        "site_name": name,
        # The page for what is not there is shown at any depth, so its links start with the path of the site.
        "site_url": address or None,
        "docs_dir": "pages",
        "site_dir": "site",
        "use_directory_urls": False,
        "theme": {"name": "material", "custom_dir": "theme", "font": False, "language": "en"},
        "plugins": [],
        "markdown_extensions": [{"toc": {"toc_depth": "2-3"}}],
        "nav": [{title: path} for title, path in SECTIONS],
        "validation": {"nav": {"omitted_files": "ignore"}},
        "extra": {"compass": {"built_from": built_from, "search": True}},
    }
