"""Stage, generate, index, verify, swap: the whole way from a library to a folder that may be published."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from compass.errors import NegativeAnswerError, UsageError
from compass.library import Library
from compass.model.base import Problem
from compass.model.scope import Level
from compass.publish.audience import cut
from compass.publish.edition import Edition
from compass.publish.generate import generate, stage
from compass.publish.machines import machine_files
from compass.publish.pages import render
from compass.publish.records import last_changed, read_records
from compass.publish.search import index
from compass.publish.swap import swap, workshop
from compass.publish.verify import verify
from compass.retrieval.opening import vocabularies

_ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~/-]*)?")
MARKER: Final = ".compass-site.json"


@dataclass(frozen=True)
class Built:
    """What was built, for whom, from which commits, and what had to be left out."""

    output: Path
    audience: Level
    pages: int
    entries: int
    repositories: Mapping[str, str | None]
    not_for_them: tuple[str, ...]
    problems: tuple[Problem, ...]


def build_site(
    library: Library,
    output: Path,
    *,
    today: date,
    audience: Level | None = None,
    address: str = "",
    cache: Path | None = None,
) -> Built:
    """Build the site of `library` for one audience and put it at `output` in one move.

    `address` is where it will lie: given, it has a sitemap, and its feeds have absolute links.
    `cache` is a folder (or None: no cache); the site is the same with and without.
    UsageError if the audience or the address may not be given, or `output` is a folder that this function did not make;
    NegativeAnswerError if the finished site fails its own inspection, in which case `output` stays as it was.
    """
    chosen = cut(library, audience)
    address = _checked(address)
    check_output(output)
    output = output.absolute()
    with workshop(output) as work:
        main = chosen.library.main
        records = read_records(chosen.library)
        edition = Edition(chosen.library, today, last_changed(records), records)
        names: list[str] = []
        pages = _noted(render(edition), names)
        files = machine_files(
            edition, names, address, lambda name: (work / "pages" / name).read_text("utf-8")
        )
        built_from = commits(chosen.library)
        written = stage(work, pages, main.id, built_from, files=files, address=address)
        built = Built(
            output=output,
            audience=chosen.audience,
            pages=written,
            entries=len(edition.pages),
            repositories={mount.id: mount.commit for mount in chosen.library.mounts},
            not_for_them=chosen.left_out,
            problems=library.problems,
        )
        readers = f"{chosen.audience.value} {' '.join(built.repositories)}"
        heads = [commit for commit in built.repositories.values() if commit]
        site = generate(work, cache, readers, heads)
        index(site, vocabularies(chosen.library))
        refuse(verify(site, urlsplit(address).path or "/"))
        _mark(site, built)
        check_output(output)
        swap(site, output)
    return built


def _noted(pages: Iterable[tuple[str, str]], names: list[str]) -> Iterator[tuple[str, str]]:
    """The pages one by one, of which only the paths are kept."""
    for path, text in pages:
        names.append(path)
        yield path, text


def refuse(wrong: Sequence[str]) -> None:
    """NegativeAnswerError if the inspection found anything."""
    if wrong:
        shown = "\n  ".join(wrong[:20])
        raise NegativeAnswerError(
            f"the built site failed its inspection:\n  {shown}", "this is a bug; nothing was published"
        )


def _checked(address: str) -> str:
    """The address with a slash at its end; UsageError if it is none."""
    if address and not _ADDRESS.fullmatch(address):
        raise UsageError(
            f"{address!r} is not the address of a site",
            "name it as in https://memory.example.com/payments/",
        )
    return address if address.endswith("/") or not address else f"{address}/"


def check_output(output: Path) -> None:
    """UsageError unless `output` is absent, empty, or a site that `build_site` made."""
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise UsageError(f"{output} is not a folder", "name a folder of its own for the site")
    if output.is_dir() and any(output.iterdir()) and not (output / MARKER).is_file():
        raise UsageError(
            f"{output} holds files that are not a site of ours; it stays as it is",
            "name an empty or a new folder",
        )


def _mark(site: Path, built: Built) -> None:
    text = json.dumps(
        {
            "generated_by": "compass site build",
            "audience": built.audience.value,
            "repositories": dict(built.repositories),
        },
        indent=2,
        sort_keys=True,
    )
    (site / MARKER).write_text(text + "\n", "utf-8")


def commits(library: Library) -> str:
    """What the site is made from, for people."""
    return ", ".join(
        f"{mount.id}@{mount.commit[:10] if mount.commit else 'worktree'}" for mount in library.mounts
    )
