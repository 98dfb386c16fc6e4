"""What a page stands on: its evidence, its references, and places in other files at the commit that was cited."""

from __future__ import annotations

import re
from typing import Final

from compass.library import LoadedEntry
from compass.model.entry import Evidence, Status
from compass.publish.commonmark import code
from compass.publish.edition import Edition, entry_page, href
from compass.publish.text import attribute, chip, definition, escape, items, moment

CITATION: Final = re.compile(
    r"(?P<repository>[^@\s]+)@(?P<commit>[0-9a-f]{40,64}):(?P<path>[^\n#]+)#L(?P<first>[0-9]{1,7})-L(?P<last>[0-9]{1,7})"
)


def evidence(edition: Edition, loaded: LoadedEntry) -> str:
    """Each piece with its query, what was seen, and the line at which it stands in the entry's own file."""
    lines = _lines(loaded) if loaded.mount.commit and loaded.mount.id in edition.records.web else {}
    rows = "".join(
        f'<li id="evidence-{one.id}">{_evidence(one, _place(edition, loaded, lines.get(one.id)))}</li>'
        for one in loaded.entry.evidence
    )
    return f'<ol class="cm-evidence">{rows}</ol>' if rows else ""


def references(loaded: LoadedEntry) -> str:
    """Sources outside the repository; only web addresses are links."""
    return items(
        [
            f"{_address(one.url)} {chip(one.type.value.lower(), 'reference')}"
            for one in loaded.entry.references
        ],
        "cm-references",
    )


def citation(edition: Edition, text: str, page: str) -> str:
    """`repo@commit:path#Lx-Ly` as the entry that stands there and a link to the very lines; nothing if it is none."""
    found = CITATION.fullmatch(text)
    if not found:
        return ""
    first, last = int(found["first"]), int(found["last"])
    lines = f"line {first}" if first == last else f"lines {first}–{last}"
    short = f"{lines} at {found['commit'][:10]}"
    target = edition.pages.get(edition.by_path.get((found["repository"], found["path"]), ""))
    mount = next((one for one in edition.library.mounts if one.id == found["repository"]), None)
    web = edition.records.web.get(mount.id) if mount else None
    if target and target.status is Status.WITHDRAWN:
        return f'<a href="{href(page, entry_page(target))}"><code>{target.id}</code> (withdrawn)</a>, {short}'
    if mount and web:
        address = web.line(found["commit"], f"{mount.prefix}{found['path']}", first, last)
        short = f'<a class="cm-lines" href="{attribute(address)}" rel="noopener noreferrer">{short}</a>'
    if target:
        return f'<a href="{href(page, entry_page(target))}">{escape(target.title)}</a>, {short}'
    return f"<code>{escape(found['repository'])}:{escape(found['path'])}</code>, {short}"


def _place(edition: Edition, loaded: LoadedEntry, line: int | None) -> str:
    mount, web = loaded.mount, edition.records.web.get(loaded.mount.id)
    if not (web and mount.commit and line):
        return ""
    address = web.line(mount.commit, f"{mount.prefix}{loaded.path}", line, line)
    shown = f"line {line} at {mount.commit[:10]}"
    return f'<a class="cm-lines" href="{attribute(address)}" rel="noopener noreferrer">{shown}</a>'


def _lines(loaded: LoadedEntry) -> dict[str, int]:
    """Id of a piece of evidence -> the line at which it begins; looked for, since composing the YAML takes ten times as long."""
    found: dict[str, int] = {}
    inside = False
    for number, line in enumerate(loaded.text.split("\n")[: loaded.body_line], 1):
        if line[:1] not in {" ", "-", "#", ""}:
            inside = line.startswith("evidence:")
        elif inside and (piece := re.match(r"\s*(?:- )?\s*id: *['\"]?(e[0-9]{1,3})['\"]?\s*$", line)):
            found.setdefault(piece[1], number)
    return found


def _evidence(one: Evidence, place: str) -> str:
    head = f'<strong class="cm-evidence-id">{one.id}</strong> {chip(one.type, "source")} {place}'
    facts = definition("Asked of", escape(one.datasource or ""))
    if one.window:
        facts += definition("Window", f"{moment(one.window.start)} – {moment(one.window.end)}")
    facts += definition("Captured", moment(one.captured) if one.captured else "")
    facts += definition("SHA-256", f'<code class="cm-digest">{one.sha256}</code>' if one.sha256 else "")
    query = code(one.query) if one.query else ""
    observed = f'<p class="cm-label">Observed</p>{code(one.observed)}' if one.observed else ""
    hidden = '<p class="cm-muted">The excerpt was removed when this was shared.</p>' if one.redacted else ""
    return f'<p>{head}</p>{query}{observed}{hidden}<dl class="cm-inline-facts">{facts}</dl>'


def _address(url: str) -> str:
    if url.lower().startswith(("https://", "http://")):
        return f'<a href="{attribute(url)}" rel="noopener noreferrer nofollow">{escape(url.partition("//")[2])}</a>'
    return f"<span>{escape(url)}</span>"
