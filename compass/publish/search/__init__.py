"""The search bundle of one site, made from its finished pages: files of bounded size that a browser asks for one by one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from compass.library import LoadedEntry
from compass.model.entry import Runbook
from compass.publish.edition import Edition, entry_page, named
from compass.publish.search import facets
from compass.publish.search.page import Read, read
from compass.publish.search.synonyms import synonyms
from compass.publish.search.terms import Packed, Postings, packed, spelling_files, term_files
from compass.publish.search.words import name

FORMAT: Final = 1
FOLDER: Final = "search"
_SPELT: Final = re.compile(r"[^\W\d][^\W_]{3,}")


def index(site: Path, edition: Edition) -> None:
    """Write `site`/search; it says nothing that the pages of `site` do not say."""
    entries = {f"{entry_page(one)}.html": one for one in edition.listed}
    pages = [(found, facets.values(edition, entries.get(found.path), found.kind)) for found in _pages(site)]
    # Alike pages side by side make short lists.
    pages.sort(key=lambda one: ([one[1].get(facet, ()) for facet in ("tribe", "team", "service", "kind", "status")], one[0].path))  # fmt: skip
    postings = Postings()
    cards: list[Packed] = []
    for number, (page, values) in enumerate(pages):
        loaded = entries.get(page.path)
        postings.add(page, _names(page, loaded))
        cards.append((f"page-{number}.gz", packed(_json(_card(edition, page, values, loaded)))))
    encoded = postings.encoded()
    firsts, terms = term_files(
        encoded, synonyms(edition.library, {word: many for word, (many, _) in encoded.items()})
    )
    spelt = {
        word: (many, postings.shown.get(word, ""))
        for word, (many, _) in encoded.items()
        if _SPELT.fullmatch(word)
    }
    spellings = spelling_files(spelt)
    files = [*terms, *spellings, facets.file([values for _, values in pages]), *cards]
    # One name for all of them, so that no browser mixes the files of two editions.
    edition_name = _digest(files)
    root = {
        "format": FORMAT,
        "folder": edition_name,
        "pages": len(pages),
        "terms": firsts,
        "spellings": len(spellings),
    }
    folder = site / FOLDER / edition_name
    folder.mkdir(parents=True)
    for file, data in files:
        (folder / file).write_bytes(data)
    (site / FOLDER / "index.json").write_bytes(_json(root))


def _pages(site: Path) -> Iterator[Read]:
    for path in sorted(site.rglob("*.html")):
        found = read(path.relative_to(site).as_posix(), path.read_text("utf-8"))
        if found is not None:
            yield found


def _names(page: Read, loaded: LoadedEntry | None) -> Sequence[str]:
    """What it is called, whole: whoever types that wants this page first."""
    found = [page.title]
    if loaded:
        found += [loaded.id, *loaded.entry.aliases]
        if isinstance(loaded.entry, Runbook):
            found += [one.name for one in loaded.entry.alerts]
    return [whole for one in found if (whole := name(one))]


def _card(edition: Edition, page: Read, values: facets.Values, loaded: LoadedEntry | None) -> dict[str, Any]:
    """What is shown of one result."""
    card: dict[str, Any] = {"path": page.path, "title": page.title, "kind": page.kind, "text": page.text}
    if loaded:
        card["status"] = loaded.entry.status.value
        card["owner"] = named(loaded.entry.owner)[1] if loaded.entry.owner else ""
        card["severity"] = "".join(values.get("severity", ()))
        card["late"] = max(edition.overdue(loaded), 0)
    return card


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _digest(files: Sequence[Packed]) -> str:
    found = hashlib.sha256()
    for file, data in files:
        found.update(f"{file} {len(data)}\n".encode())
        found.update(data)
    return found.hexdigest()[:16]
