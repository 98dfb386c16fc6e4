"""The search bundle of one site, made from its finished pages: files of bounded size that a browser asks for one by one."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from compass.publish.search import facets
from compass.publish.search.page import Read, read
from compass.publish.search.synonyms import synonyms
from compass.publish.search.terms import Packed, Postings, packed, spelling_files, term_files

FORMAT: Final = 1
FOLDER: Final = "search"
_ALIKE: Final = ("tribe", "team", "service", "kind", "status")
_SPELT: Final = re.compile(r"[^\W\d][^\W_]{3,}")


def index(site: Path, vocabularies: Sequence[str] = ()) -> None:
    """Write `site`/search from the pages there; it says nothing that they do not say.

    `vocabularies` are the thesauruses of the repositories that the site's readers may read, as texts of YAML.
    """
    pages = list(_pages(site))
    # Alike pages side by side make short lists.
    pages.sort(key=lambda one: ([tuple(one.facets.get(facet, ())) for facet in _ALIKE], one.path))
    postings = Postings()
    cards: list[Packed] = []
    for number, page in enumerate(pages):
        postings.add(page)
        cards.append((f"page-{number}.gz", packed(_json(_card(page)))))
    encoded = postings.encoded()
    known = {word: many for word, (many, _) in encoded.items()}
    firsts, terms = term_files(encoded, synonyms(vocabularies, known))
    spelt = {
        word: (many, postings.shown.get(word, "")) for word, many in known.items() if _SPELT.fullmatch(word)
    }
    spellings = spelling_files(spelt)
    files = [*terms, *spellings, facets.file([one.facets for one in pages]), *cards]
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


def _card(page: Read) -> dict[str, Any]:
    """What is shown of one result."""
    status = "".join(page.facets.get("status", ()))
    return {
        "path": page.path,
        "title": page.title,
        "kind": page.kind,
        "status": status,
        "late": page.late,
        "text": page.text,
    }


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _digest(files: Sequence[Packed]) -> str:
    found = hashlib.sha256()
    for file, data in files:
        found.update(f"{file} {len(data)}\n".encode())
        found.update(data)
    return found.hexdigest()[:16]
