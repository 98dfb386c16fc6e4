"""Runs MkDocs with the Material theme over a staged folder, without any plugin or hook."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from markupsafe import escape
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, MkDocsException

from compass.errors import OutsideError
from compass.publish.finished import Commits, Finished, base_digest, page_digest

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
_ERROR: Final = "404.html"
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


def generate(folder: Path, cache: Path | None = None, readers: str = "", heads: Iterable[str] = ()) -> Path:
    """Build the staged `folder`; the finished site's folder. OutsideError if MkDocs gives up.

    `cache` is a folder (or None: no cache) that holds finished pages, apart for each set of `readers`; `heads` are the
    commits that the pages may name.
    """
    site, pages = folder / "site", folder / "pages"
    settings = json.loads((folder / "mkdocs.yml").read_text("utf-8"))
    built_from = settings["extra"]["compass"].pop("built_from")
    base = base_digest(json.dumps(settings, sort_keys=True), folder / "theme")
    names = sorted(path.relative_to(pages).as_posix() for path in pages.rglob("*.md"))
    batch = _Batch(folder, site, str(escape(built_from)).encode())
    commits = Commits(heads)
    with Finished(cache, readers) as finished:
        for start in range(0, len(names), _TOGETHER):
            texts = {name: (pages / name).read_bytes() for name in names[start : start + _TOGETHER]}
            hidden = {name: commits.hidden(text) for name, text in texts.items()}
            digests = {name: page_digest(base, name, text) for name, text in hidden.items()}
            known = finished.find(digests.values())
            made = batch.run({name: hidden[name] for name in texts if digests[name] not in known})
            for name, html in made.items():
                finished.remember(digests[name], html)
            for name, text in texts.items():
                html = made[name] if name in made else known[digests[name]]
                batch.write(name, commits.shown(html, text))
    batch.finish()
    _lay_beside(folder / "files", site)
    return site


class _Batch:
    """Runs MkDocs over some of the pages at a time: what it keeps in memory does not grow with the library.

    A page depends on the others through the navigation alone, so those that the navigation names are always there.
    What all pages say of where they were built from is put in last, for the rest of a page is as good the next time.
    """

    def __init__(self, folder: Path, site: Path, built_from: bytes) -> None:
        self.folder = folder
        self.site = site
        self.built_from = built_from

    def run(self, texts: Mapping[str, bytes]) -> dict[str, bytes]:
        """Name -> HTML of pages, from their texts; nothing if there are none."""
        if not texts:
            return {}
        made = self._mkdocs(texts)
        found = {name: (made / _html(name)).read_bytes() for name in texts}
        shutil.rmtree(made.parent)
        return found

    def write(self, name: str, html: bytes) -> None:
        """Put a page where it belongs."""
        _write(self.site / _html(name), html.replace(_BUILT_FROM, self.built_from))

    def finish(self) -> None:
        """See that the theme's files are there even if no page had to be made."""
        if not (self.site / _ERROR).exists():
            shutil.rmtree(self._mkdocs({}).parent)

    def _mkdocs(self, texts: Mapping[str, bytes]) -> Path:
        """The folder of a site of these pages; what it has beside them is taken over the first time."""
        part = self.folder / "part"
        for name in (*texts, *(name for _, name in SECTIONS if name not in texts)):
            _write(part / "pages" / name, texts.get(name, b""))
        made = part / "site"
        _mkdocs(self.folder / "mkdocs.yml", part / "pages", made)
        if not (self.site / _ERROR).exists():
            for unused in _UNUSED:
                target = made / unused
                shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
            for source_map in made.rglob("*.map"):
                source_map.unlink()
            self.site.mkdir(exist_ok=True)
            (made / "assets").rename(self.site / "assets")
            self.write(_ERROR, (made / _ERROR).read_bytes())
        return made


def _mkdocs(settings_file: Path, pages: Path, site: Path) -> None:
    log = logging.getLogger("mkdocs")
    quiet = log.level
    log.setLevel(logging.ERROR)
    try:
        settings = load_config(str(settings_file), docs_dir=str(pages), site_dir=str(site))
        settings.extra["compass"]["built_from"] = _BUILT_FROM.decode()
        # The same pages sooner; `mkdocs build` does without.
        settings.markdown_extensions.append("compass.publish.blocks")
        build(settings)
    except (Abort, MkDocsException) as error:
        raise OutsideError(f"MkDocs could not build the site: {error}") from error
    finally:
        log.setLevel(quiet)


def _html(name: str) -> str:
    return f"{name.removesuffix('.md')}.html" if name.endswith(".md") else name


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
