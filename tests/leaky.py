"""A product team beside a tribe that it may not read, with a canary drawn at run time in every place a text can be."""

from __future__ import annotations

import gzip
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from conftest import commit_all
from published import GONE, POOL, TODAY, base, pattern, postmortem, runbook, write

from compass.adapters.documents import dump_yaml
from compass.library import Library, load

FOREIGN, FOREIGN_RUNBOOK, FOREIGN_INCIDENT = "pat-9k3x9q2m4t", "run-9k3x9q2m4t", "pm-9k3x9q2m4t"
CHANGED, RENAMED, DELETED = "pat-4k3x9q2m4t", "pat-5k3x9q2m4t", "pat-6k3x9q2m4t"
OVERRULED = "pat-8k3x9q2m4t"


@dataclass
class Canaries:
    """Words that occur nowhere else: name -> word, drawn when first asked for."""

    words: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        # Letters and digits that no stemmer shortens, no escaping touches and every identifier allows.
        return self.words.setdefault(name, f"cn{secrets.token_hex(6)}7q")

    def named(self, *prefixes: str) -> Mapping[str, str]:
        """Those whose name starts so."""
        return {name: word for name, word in self.words.items() if name.startswith(prefixes)}

    def seen_in(self, channels: Mapping[str, str], *prefixes: str) -> set[tuple[str, str]]:
        """(name of the canary, channel) of every sighting."""
        return {
            (name, channel)
            for name, word in self.named(*prefixes).items()
            for channel, text in channels.items()
            if word in text
        }


def full_pattern(canaries: Canaries, place: str, identifier: str, **fields: Any) -> dict[str, Any]:
    """A pattern with a canary in every field that takes free words or a name."""

    def word(name: str) -> str:
        return canaries[f"{place}.{name}"]

    evidence = {
        "id": "e1",
        "type": "log",
        "datasource": word("datasource"),
        "query": word("query"),
        "observed": f"saw {word('observed')}",
    }
    hypotheses = [
        {
            "id": f"h{number}",
            "statement": f"It is {word('statement')}.",
            "predicts": f"Then {word('predicts')}.",
            "refuted_by": {"query": word("refutation"), "when": f"Not {word('when')}."},
        }
        for number in (1, 2)
    ]
    return pattern(
        identifier,
        f"Title {word('title')}",
        **{
            "summary": f"Summary {word('summary')}.",
            "owner": f"group:default/{word('owner')}",
            "services": [f"component:default/{word('service')}"],
            "tags": [f"layer:{word('tag')}"],
            "aliases": [word("alias")],
            "evidence": [evidence],
            "hypotheses": hypotheses,
            "contributing_causes": [{"text": word("cause"), "level": "organizational"}],
            "mitigations": [],
            "false_positives": [word("lookalike")],
            "tests": {"must_match": [word("recording")]},
            "references": [{"type": "WEB", "url": f"https://example.com/{word('reference')}"}],
            "license": "Apache-2.0",
            "x": {"note": word("extension")},
        }
        | fields,
    )


def full_body(canaries: Canaries, place: str) -> str:
    """A body with a canary in each construct of Markdown."""
    word = {
        name: canaries[f"{place}.{name}"]
        for name in ("heading", "body", "code", "comment", "image", "cell", "note")
    }
    return (
        f"## Symptoms {word['heading']}\n\nText {word['body']}.[^n1]\n\n```\n{word['code']}\n```\n\n<!-- {word['comment']} -->\n\n"
        f"![{word['image']}](images/{word['image']}.png)\n\n| a |\n|---|\n| {word['cell']} |\n\n[^n1]: {word['note']}\n"
    )


def world(folder: Path, canaries: Canaries) -> Path:
    """The repository of the team, committed, among its parents: its own tribe, and one that it may not read."""
    _foreign(folder, canaries)
    own = folder / "product"
    own.mkdir()
    (own / "compass.yaml").write_text("schema: 1\nlevel: tribe\nid: tribe/product\n", "utf-8")
    withdrawn = {"withdrawn": {"reason": "It was wrong.", "at": "2026-10-01"}}
    write(own, "patterns/x.md", base("pattern", OVERRULED, "Its own words", status="withdrawn") | withdrawn)
    commit_all(own)
    root = folder / "payments"
    root.mkdir()
    (root / "compass.yaml").write_text(
        f"schema: 1\nlevel: team\nid: team/payments\nparents: [../product, ../{canaries['foreign.repository']}]\n",
        "utf-8",
    )
    _past(root, canaries)
    _present(root, canaries)
    return root


def _foreign(folder: Path, canaries: Canaries) -> None:
    """Another tribe's repository: entries of each kind, a catalog, a picture."""
    name = canaries["foreign.repository"]
    root = folder / name
    root.mkdir()
    (root / "compass.yaml").write_text(f"schema: 1\nlevel: tribe\nid: tribe/{name}\n", "utf-8")
    slug = canaries["foreign.slug"]
    write(
        root,
        f"patterns/{slug}.md",
        full_pattern(canaries, "foreign", FOREIGN),
        full_body(canaries, "foreign"),
    )
    step = {
        "id": "s1",
        "text": canaries["foreign.step"],
        "command": canaries["foreign.command"],
        "risk": "read_only",
    }
    data = runbook(
        alerts=[{"name": canaries["foreign.alert"], "matchers": [f'x="{canaries["foreign.matcher"]}"']}],
        steps=[step],
    ) | {"id": FOREIGN_RUNBOOK, "title": canaries["foreign.runbook"]}
    write(root, f"runbooks/{slug}.md", data)
    data = postmortem(
        roles={"incident_lead": canaries["foreign.person"]},
        participants=[canaries["foreign.participant"]],
        actions=[{"text": canaries["foreign.action"], "tracker": canaries["foreign.tracker"]}],
        patterns=[FOREIGN],
    ) | {"id": FOREIGN_INCIDENT, "title": canaries["foreign.incident"]}
    write(root, f"postmortems/2026/{slug}.md", data)
    # It describes a service that the team's own entries name, so its words would stand on a page of the team's site.
    _catalog(root, "payments", f"Described by {canaries['foreign.catalog']}", canaries["foreign.dependency"])
    (root / "vocabulary").mkdir()
    saying = f"groups:\n  - [{canaries['foreign.saying']}, connection]\n"
    (root / "vocabulary" / "thesaurus.yaml").write_text(saying, "utf-8")
    (root / "images").mkdir()
    _record(root, canaries, "foreign", (POOL, FOREIGN), "inv-9k3x9q2m4t")
    rules = f"groups:\n- name: x\n  rules:\n  - alert: {canaries['foreign.rule']}\n    expr: up == 0\n"
    (root / "catalog" / "alerts.yaml").write_text(rules, "utf-8")
    picture = f'<svg xmlns="http://www.w3.org/2000/svg"><title>{canaries["foreign.picture"]}</title></svg>'
    (root / "images" / f"{canaries['foreign.image']}.svg").write_text(picture, "utf-8")
    commit_all(root)


def _catalog(root: Path, service: str, about: str, dependency: str) -> None:
    (root / "catalog").mkdir()
    (root / "catalog" / "catalog-info.yaml").write_text(
        f"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: {service}\n  description: {about}\n"
        f"spec:\n  type: service\n  lifecycle: production\n  owner: group:default/payments\n"
        f"  dependsOn: [component:default/{dependency}]\n",
        "utf-8",
    )


def _record(root: Path, canaries: Canaries, place: str, patterns: tuple[str, ...], identifier: str) -> None:
    """The record of an investigation that these patterns explained: today's where it is foreign, so that it would be told first."""
    day = TODAY if place == "foreign" else TODAY - timedelta(days=1)
    hypotheses = [
        {"rank": rank, "statement": canaries[f"{place}.explanation"], "pattern": one, "verdict": "supported"}
        for rank, one in enumerate(patterns, 1)
    ]
    data = {
        "schema": 1,
        "id": identifier,
        "started": f"{day}T10:00:00Z",
        "incident": {"symptom": f"Users saw {canaries[f'{place}.noticed']}"},
        "hypotheses": hypotheses,
    }
    folder = root / "investigations" / "2026"
    folder.mkdir(parents=True)
    (folder / f"{identifier}.yaml").write_text(dump_yaml(data), "utf-8")


def _past(root: Path, canaries: Canaries) -> None:
    """What the history of the team's repository still holds and its newest commit does not."""
    for identifier, place, path in (
        (CHANGED, "changed", "patterns/changed.md"),
        (RENAMED, "renamed", f"patterns/{canaries['renamed.slug']}.md"),
        (DELETED, "deleted", f"patterns/{canaries['deleted.slug']}.md"),
    ):
        write(root, path, full_pattern(canaries, place, identifier), full_body(canaries, place))
    commit_all(root, f"First texts\n\n{canaries['changed.message']}\n")
    for old in (root / "patterns").iterdir():
        old.unlink()


def _present(root: Path, canaries: Canaries) -> None:
    """The newest commit: one entry that everybody sees and that leads everywhere, a withdrawn one, private names."""
    gone = canaries["withdrawn.slug"]
    foreign = f"../../{canaries['foreign.repository']}"
    leads = (
        f"[its file](../patterns/{gone}.md), [theirs]({foreign}/patterns/{canaries['foreign.slug']}.md) and [ref]\n"
        f"![a picture]({foreign}/images/{canaries['foreign.image']}.svg) [[{GONE}]] [[{FOREIGN}]] [[{DELETED}]]\n\n"
        f"[ref]: {foreign}/runbooks/{canaries['foreign.slug']}.md\n"
    )
    shown = full_pattern(canaries, "public", POOL)
    shown |= {"related": [{"type": "similar", "id": FOREIGN}, {"type": "duplicates", "id": GONE}]}
    shown |= {"mitigations": [FOREIGN_RUNBOOK], "superseded_by": FOREIGN, "status": "deprecated"}
    write(root, "patterns/pool.md", shown, f"{full_body(canaries, 'public')}\n{leads}")
    write(
        root,
        f"patterns/{gone}.md",
        full_pattern(canaries, "withdrawn", GONE, status="withdrawn", mitigations=["run-3k3x9q2m4t"])
        | {"withdrawn": {"reason": "It was wrong.", "at": "2026-10-01"}},
        full_body(canaries, "withdrawn"),
    )
    for identifier, name in ((CHANGED, "changed"), (RENAMED, "renamed")):
        write(
            root,
            f"patterns/{name}.md",
            base("pattern", identifier, f"The {name} one"),
            "It has other words now.\n",
        )
    # The tribe has withdrawn it, which counts more than the team's copy.
    write(
        root,
        "patterns/kept.md",
        full_pattern(canaries, "overruled", OVERRULED),
        full_body(canaries, "overruled"),
    )
    write(root, "runbooks/drain.md", runbook(summary=f"Free it, {canaries['public.runbook']}."))
    (root / "catalog").mkdir()
    private = "".join(
        f"{group}: [{canaries[f'private.{group}']}]\n"
        for group in ("customers", "internal_domains", "clusters")
    )
    (root / "catalog" / "private.yaml").write_text(private, "utf-8")
    (root / "vocabulary").mkdir()
    sayings = f"groups:\n  - [{canaries['public.saying']}, text]\n  - [{canaries['unused.saying']}, zzyzx]\n"
    (root / "vocabulary" / "thesaurus.yaml").write_text(sayings, "utf-8")
    # Its own record names what was withdrawn as well.
    _record(root, canaries, "public", (POOL, GONE), "inv-3k3x9q2m4t")
    trailers = f"Compass-Verb: {canaries['changed.verb']}\nApproved-by: {canaries['changed.approver']} role={canaries['changed.role']} head={'0' * 40}\n"
    git = commit_all(
        root, f"Newer texts {canaries['changed.subject']}\n\n{canaries['changed.later']}\n\n{trailers}"
    )
    remote = f"https://{canaries['private.login']}:{canaries['private.password']}@github.com/acme/memory.git"
    git.git("config", "remote.origin.url", remote)


def library(root: Path) -> Library:
    """The newest commit of the team, with everything above it that could be opened."""
    return load(root, parents=True)


HIDDEN = ("foreign.", "withdrawn.", "overruled.", "changed.", "renamed.", "deleted.", "private.", "unused.")


def channels(site: Path) -> dict[str, str]:
    """Everything a reader or a crawler can fetch, by the way it is told, in lower case and unpacked."""
    found: dict[str, list[str]] = {}

    def add(channel: str, text: str) -> None:
        found.setdefault(channel, []).append(text.lower())

    for path in sorted(site.rglob("*")):
        name = path.relative_to(site).as_posix()
        add("file names", name)
        if not path.is_file():
            continue
        data = path.read_bytes()
        packed = data[:2] == b"\x1f\x8b"
        text = (gzip.decompress(data) if packed else data).decode("utf-8", "replace")
        if name.startswith("search/"):
            add(f"search: {path.stem.partition('-')[0]}", text)
        elif path.suffix == ".html":
            _page(name, text, add)
        else:
            kind = name if "/" not in name else path.suffix
            add(f"file: {kind}", text)
    return {channel: "\n".join(parts) for channel, parts in found.items()}


def _page(name: str, text: str, add: Any) -> None:
    """The parts of one page: what machines read, what stands on every page, what is read."""
    add("page: whole", text)
    for picture in re.findall(r'<figure class="cm-picture".*?</figure>', text, re.DOTALL):
        add("page: picture", picture)
    for part in ("head", "header", "footer"):
        for piece in re.findall(rf"<{part}\b.*?</{part}>", text, re.DOTALL):
            add(f"page: {part}", piece)
    add(
        "page: addresses",
        "\n".join(re.findall(r'(?:href|src|content|data-[a-z-]+|aria-label|title)="([^"]*)"', text)),
    )
    add("page: not found" if name == "404.html" else f"page: {name.partition('/')[0]}", text)
