"""The site of a working tree in one folder, kept up to date page by page: what an edit does not touch is not drawn again."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from compass.library import Library, LoadedEntry
from compass.model.base import Problem, Severity
from compass.publish.audience import cut
from compass.publish.build import commits, refuse
from compass.publish.edition import Changed, Edition, entry_page
from compass.publish.entry import EntryPage
from compass.publish.generate import generate, stage
from compass.publish.machines import entry_files, list_files
from compass.publish.markup import Markup
from compass.publish.observed import Observed
from compass.publish.pages import render_lists
from compass.publish.records import Records, last_changed, read_records
from compass.publish.text import escape
from compass.publish.twin import Twins
from compass.publish.verify import inspect

_ARTICLE: Final = re.compile(rb"<article\b[^>]*>")
_BANNER: Final = re.compile(rb'<div class="cm-banner cm-banner-stop" role="alert" data-preview>.*?</div>')
_SHOWN: Final = 20


@dataclass(frozen=True)
class Updated:
    """What one change did: how many pages were drawn, what is wrong with files, and who may not be shown."""

    pages: int
    problems: tuple[Problem, ...]
    not_for_them: tuple[str, ...]


class Preview:
    """Keeps `folder`/site; nothing else is in `folder` between two calls, but for what is made beside it.

    `today` is asked at each change; `cache` is a folder (or None: no cache) with pages from the last time.
    """

    def __init__(self, folder: Path, today: Callable[[], date], cache: Path | None = None) -> None:
        self._cache = cache
        self.site = folder / "site"
        self._work = folder / "work"
        self._today = today
        self._edition: Edition | None = None
        self._observed: Observed | None = None
        self._past: tuple[object, tuple[Changed, Records]] | None = None
        self._wrong: dict[str, str] = {}
        self._lists: dict[str, bytes] = {}

    @property
    def edition(self) -> Edition:
        """What is shown now."""
        if self._edition is None:
            raise RuntimeError("nothing is shown yet")
        return self._edition

    def update(self, library: Library) -> Updated:
        """Draw the pages of those entries that changed, and of those that say something of them.

        An entry whose file is broken now stays as it was, and its page says what is wrong. NegativeAnswerError if a
        page fails its inspection; then all stays as it was.
        """
        chosen = cut(library)
        kept, wrong = self._last_good(chosen.library, library.problems)
        if self._edition and _frame(kept) != _frame(self._edition.library):
            self._forget()
        edition = Edition(kept, self._today(), *self._history(kept))
        observed = Observed(edition)
        pages, files = self._entries(edition, observed, wrong)
        self._publish(kept, pages, files, wrong)
        self._edition, self._observed, self._wrong = edition, observed, wrong
        return Updated(len(pages), library.problems, chosen.left_out)

    def finish(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Bring lists, feeds and exports up to date, and remove what is gone; False if `stop` said so before the end."""
        edition = self.edition
        pages: dict[str, str] = {}
        files: dict[str, str | bytes] = {}
        digests: dict[str, bytes] = {}

        def changed(place: str, text: str | bytes) -> bool:
            data = text.encode() if isinstance(text, str) else text
            digests[place] = hashlib.sha256(data).digest()
            return self._lists.get(place) != digests[place]

        lists: dict[str, str] = {}
        for path, text in render_lists(edition):
            lists[path] = text
            if changed(_html(path), text):
                pages[path] = text
            if stop():
                return False
        names = [*lists, *(f"{entry_page(one)}.md" for one in edition.pages.values())]
        for path, content in list_files(edition, names, "", lists.__getitem__):
            if changed(path, content):
                files[path] = content
            if stop():
                return False
        self._publish(edition.library, pages, files, {})
        self._lists = digests
        self._remove_others(set(digests))
        return True

    def complain(self, problems: Sequence[str]) -> None:
        """Put on the first page what is wrong now; nothing if nothing is."""
        page = self.site / "index.html"
        if not page.exists():
            return
        shown = "".join(f"<p>{escape(text)}</p>" for text in problems[:_SHOWN])
        more = f"<p>and {len(problems) - _SHOWN:,} more</p>" if len(problems) > _SHOWN else ""
        told = _banner(f"<p><strong>Not shown as it stands:</strong></p>{shown}{more}") if problems else b""
        html = page.read_bytes()
        plain = _BANNER.sub(b"", html)
        drawn = _ARTICLE.sub(lambda found: found[0] + told, plain, count=1)
        if drawn != html:
            aside = self._work.parent / "index.html"
            aside.write_bytes(drawn)
            aside.replace(page)

    def _entries(
        self, edition: Edition, observed: Observed, wrong: Mapping[str, str]
    ) -> tuple[dict[str, str], dict[str, str | bytes]]:
        drawer, twins = EntryPage(observed.edition, Markup(observed.edition)), Twins(observed.edition)
        pages: dict[str, str] = {}
        files: dict[str, str | bytes] = {}
        for loaded in edition.pages.values():
            path = f"{entry_page(loaded)}.md"
            told = wrong.get(path) == self._wrong.get(path)
            if observed.same(loaded.id, self._observed) and told:
                continue
            with observed.watching(loaded.id, loaded):
                pages |= [drawer.draw(loaded)]
                files |= entry_files(loaded, twins)
        return pages, files

    def _last_good(self, library: Library, problems: Iterable[Problem]) -> tuple[Library, dict[str, str]]:
        """The library with the last good state of entries whose files are broken; page -> what is wrong with it.

        Entries that have not changed stay the same objects, which know already what was read of them.
        """
        if self._edition is None:
            return library, {}
        before = {(one.mount.id, one.path): one for one in self._edition.library.entries}
        mounts = {one.id: one for one in self._edition.library.mounts}
        same = {one.id for one in library.mounts if mounts.get(one.id) == one}
        entries = [_same_as(before.get((one.mount.id, one.path)), one, same) for one in library.entries]
        there = {(one.mount.id, one.path) for one in entries}
        wrong: dict[str, str] = {}
        for problem in problems:
            old = before.get((library.main.id, problem.path))
            if problem.severity is Severity.ERROR and old and library.main.id in same:
                if (old.mount.id, old.path) not in there:
                    there.add((old.mount.id, old.path))
                    entries.append(old)
                wrong.setdefault(f"{entry_page(old)}.md", f"{problem.location}: {problem.message}")
        return replace(library, entries=tuple(entries)), wrong

    def _history(self, library: Library) -> tuple[Changed, Records]:
        """When files changed, and the records; read from Git again only when a branch has moved."""
        heads = [
            (mount.id, mount.commit or (mount.git and mount.git.resolve("HEAD"))) for mount in library.mounts
        ]
        if self._past is None or self._past[0] != heads:
            records = read_records(library)
            self._past = (heads, (last_changed(records), records))
        return self._past[1]

    def _publish(
        self,
        library: Library,
        pages: Mapping[str, str],
        files: Mapping[str, str | bytes],
        wrong: Mapping[str, str],
    ) -> None:
        """Make, inspect, and only then move each file to where it is read."""
        if not pages and not files:
            return
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir(parents=True)
        try:
            stage(self._work, pages.items(), library.main.id, commits(library), files=files.items())
            first = self._edition is None
            made = generate(self._work, self._cache if first else None, f"preview of {library.main.root}")
            for path, text in wrong.items():
                if path in pages:
                    _tell(made / _html(path), text)
            new = sorted(path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file())
            # What leads to a page that is only about to come is found when all of a site is published.
            refuse([told for name in new for told in inspect(made / name, name, _Anything())])
            for name in new:
                target = self.site / name
                target.parent.mkdir(parents=True, exist_ok=True)
                (made / name).replace(target)
        finally:
            shutil.rmtree(self._work, ignore_errors=True)

    def _remove_others(self, lists: set[str]) -> None:
        """Remove what neither an entry nor a list is behind any more, of the folders that hold such files."""
        shown = {
            f"{entry_page(one)}{suffix}"
            for one in self.edition.pages.values()
            for suffix in (".html", ".md", ".json")
        }
        folders = {path.partition("/")[0] for path in shown | lists | self._lists.keys() if "/" in path}
        for folder in folders:
            for path in (self.site / folder).rglob("*"):
                if path.is_file() and path.relative_to(self.site).as_posix() not in shown | lists:
                    path.unlink()

    def _forget(self) -> None:
        """Start anew: something changed that every page shows."""
        self._observed, self._wrong, self._lists = None, {}, {}


class _Anything:
    """Every file is here."""

    def __contains__(self, _name: object) -> bool:
        return True


def _html(path: str) -> str:
    """Where a page lies in the site; anything else lies where its path says."""
    return f"{path.removesuffix('.md')}.html" if path.endswith(".md") else path


def _same_as(old: LoadedEntry | None, new: LoadedEntry, mounts: set[str]) -> LoadedEntry:
    return old if old and old.blob == new.blob and new.mount.id in mounts else new


def _frame(library: Library) -> tuple[str, str]:
    """What every page says: whose it is, and what it was made from."""
    return library.main.id, commits(library)


def _tell(page: Path, text: str) -> None:
    """Put on a page what is wrong with its file now."""
    told = _banner(f"<p><strong>The file is broken; this is its last good state.</strong> {escape(text)}</p>")
    page.write_bytes(_ARTICLE.sub(lambda found: found[0] + told, page.read_bytes(), count=1))


def _banner(html: str) -> bytes:
    return f'<div class="cm-banner cm-banner-stop" role="alert" data-preview>{html}</div>'.encode()
