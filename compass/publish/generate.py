"""Runs MkDocs with the Material theme over a staged folder, without any plugin or hook."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from markupsafe import escape
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, MkDocsException

from compass.errors import OutsideError
from compass.publish.finished import Finished, base_digest, page_digest

THEME: Final = Path(__file__).parent / "theme"
SECTIONS: Final = (
    ("Home", "index.md"),
    ("Patterns", "patterns/index.md"),
    ("Runbooks", "runbooks/index.md"),
    ("Post-mortems", "postmortems/index.md"),
    ("Services", "services/index.md"),
    ("Teams", "teams/index.md"),
    ("Review", "review/index.md"),
)
_TOGETHER: Final = 1000
"""Pages that MkDocs builds in one run; it keeps them all in memory until the last is written."""
_BUILT_FROM: Final = b"\x01built from\x01"
"""Stands in a page for the commits; no text of an entry can hold it, for control characters never get that far."""
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


def generate(folder: Path, cache: Path | None = None, readers: str = "") -> Path:
    """Build the staged `folder`; the finished site's folder. OutsideError if MkDocs gives up.

    `cache` is a folder (or None: no cache) that holds finished pages, apart for each set of `readers`.
    """
    site = folder / "site"
    settings = json.loads((folder / "mkdocs.yml").read_text("utf-8"))
    built_from = settings["extra"]["compass"].pop("built_from")
    base = base_digest(json.dumps(settings, sort_keys=True), folder / "theme")
    pages = folder / "pages"
    names = sorted(path.relative_to(pages).as_posix() for path in pages.rglob("*.md"))
    batch = _Batch(folder, site, str(escape(built_from)).encode())
    with Finished(cache, readers) as finished:
        for start in range(0, len(names), _TOGETHER):
            digests = {
                name: page_digest(base, name, (pages / name).read_bytes())
                for name in names[start : start + _TOGETHER]
            }
            known = finished.find(digests.values())
            made = batch.run([name for name, digest in digests.items() if digest not in known])
            for name, digest in digests.items():
                if digest not in known:
                    finished.remember(digest, made[name])
                batch.write(name, known.get(digest) or made[name])
    batch.finish()
    _lay_beside(folder / "files", site)
    return site


class _Batch:
    """Runs MkDocs over some of the staged pages at a time: what it keeps in memory does not grow with the library.

    A page depends on the others through the navigation alone, so those that the navigation names are always there.
    What all pages say of where they were built from is put in last, for the rest of a page is as good the next time.
    """

    def __init__(self, folder: Path, site: Path, built_from: bytes) -> None:
        self.folder = folder
        self.site = site
        self.built_from = built_from
        self._part = folder / "part"

    def run(self, names: Sequence[str]) -> dict[str, bytes]:
        """Name -> HTML of the named pages, and nothing if there are none."""
        if not names:
            return {}
        part = self._part
        for name in names:
            target = part / "pages" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (self.folder / "pages" / name).rename(target)
        for _, name in SECTIONS:
            if not (part / "pages" / name).exists():
                _write(part / "pages" / name, "")
        _mkdocs(self.folder / "mkdocs.yml", part)
        made = {}
        for name in names:
            (part / "pages" / name).rename(self.folder / "pages" / name)
            html = part / "site" / f"{name.removesuffix('.md')}.html"
            made[name] = html.read_bytes()
            html.unlink()
        self._take_theme()
        shutil.rmtree(part)
        return made

    def write(self, name: str, html: bytes) -> None:
        """Put a page where it belongs."""
        _write(self.site / f"{name.removesuffix('.md')}.html", html.replace(_BUILT_FROM, self.built_from))

    def finish(self) -> None:
        """See that the theme's files are there even if no page had to be made."""
        if not (self.site / "404.html").exists():
            (self._part / "pages").mkdir(parents=True)
            for _, name in SECTIONS:
                _write(self._part / "pages" / name, "")
            _mkdocs(self.folder / "mkdocs.yml", self._part)
            self._take_theme()
            shutil.rmtree(self._part)

    def _take_theme(self) -> None:
        """What MkDocs makes beside the pages, once."""
        made = self._part / "site"
        if not (self.site / "404.html").exists():
            for unused in _UNUSED:
                target = made / unused
                shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
            for source_map in made.rglob("*.map"):
                source_map.unlink()
            self.site.mkdir(exist_ok=True)
            (made / "assets").rename(self.site / "assets")
            self.write("404.md", (made / "404.html").read_bytes())


def _mkdocs(settings_file: Path, part: Path) -> None:
    log = logging.getLogger("mkdocs")
    quiet = log.level
    log.setLevel(logging.ERROR)
    try:
        settings = load_config(str(settings_file), docs_dir=str(part / "pages"), site_dir=str(part / "site"))
        settings.extra["compass"]["built_from"] = _BUILT_FROM.decode()
        # The same pages sooner; `mkdocs build` does without.
        settings.markdown_extensions.append("compass.publish.blocks")
        build(settings)
    except (Abort, MkDocsException) as error:
        raise OutsideError(f"MkDocs could not build the site: {error}") from error
    finally:
        log.setLevel(quiet)


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
