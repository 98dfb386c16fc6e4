"""Rules about what an entry is called and where it lies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from compass.library import LoadedEntry
from compass.library.source import WANTED, shown, walk
from compass.model.base import Problem, Severity
from compass.model.entry import FOLDERS
from compass.rules.base import Context, Example, Rule
from compass.rules.place import Place

_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\.md")
_YEAR: Final = re.compile(r"[0-9]{4}")
_MARKDOWN: Final = (".md", ".markdown", ".mdx")
_COMMENT: Final = re.compile(r"\A---\n# yaml-language-server: \$schema=\S")


class DuplicateId(Rule):
    """Ids are drawn at random, so two equal ones are a copied file."""

    id = "duplicate-id"
    sentence = "An id belongs to one entry of a repository and is never reused."
    good = Example(
        front="id: pat-0000000001", beside=(Example(front="id: pat-0000000002", path="patterns/other.md"),)
    )
    bad = Example(
        front="id: pat-0000000001", beside=(Example(front="id: pat-0000000001", path="patterns/other.md"),)
    )

    def finish(self, context: Context) -> Iterator[Problem]:
        """Report every file that has the id, each naming one of the others."""
        for found in context.ids.values():
            same = [loaded for loaded in found if loaded.mount.distance == 0]
            if len(same) < 2:
                continue
            for loaded in same:
                other = same[1] if loaded is same[0] else same[0]
                hint = f"give the copy an id of its own: `compass new {loaded.kind} --title …` draws one"
                yield self.problem(
                    loaded, f"the id {loaded.id} is also that of {other.path}", Place(("id",)), hint
                )


class ForeignId(Rule):
    """The same id at another level is legal only for one entry on its way up."""

    id = "foreign-id"
    sentence = "An id that a repository above uses too must be the same entry, promoted from here."
    good = Example(above=(Example(front="provenance: {drafted_by: human, origin: 'team/payments'}"),))
    bad = Example(above=(Example(front="title: Something else that happens to have this id"),))

    def finish(self, context: Context) -> Iterator[Problem]:
        """Compare each own entry with those of the mounted repositories that have its id."""
        for found in context.ids.values():
            first, *others = found
            for other in others if first.mount.distance == 0 else ():
                if other.mount.distance == 0 or _promoted(first, other, context):
                    continue
                message = f"the id {first.id} is used in {other.mount.id} by {other.path}, which was not promoted from here"
                yield self.problem(first, message, Place(("id",)), "one of the two needs a new id")


def _promoted(own: LoadedEntry, other: LoadedEntry, context: Context) -> bool:
    return own.kind == other.kind and any(context.facts(one).origin for one in (own, other))


class MisplacedFile(Rule):
    """Folders are how people find entries, and what approvals are bound to."""

    id = "misplaced-file"
    sentence = "A file lies in the folder of its kind; a post-mortem in the folder of its year."
    good = Example("postmortem", path="postmortems/2026/pool-exhausted.md")
    bad = Example("postmortem", path="postmortems/pool-exhausted.md")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterable[Problem]:
        """Compare kind and folder."""
        del context
        folder, *between = loaded.path.split("/")[:-1] or ("",)
        wanted = FOLDERS[loaded.kind]
        if folder != wanted:
            yield self.problem(
                loaded,
                f"a {loaded.kind} does not belong in {folder}/",
                Place(("kind",)),
                f"move the file to {wanted}/",
            )
        elif loaded.kind == "postmortem" and not (len(between) == 1 and _YEAR.fullmatch(between[0])):
            hint = f"move the file to {wanted}/{loaded.entry.created.year}/"
            yield self.problem(loaded, "a post-mortem lies in the folder of its year", Place(("kind",)), hint)


class UnreadFile(Rule):
    """An entry that no command reads is lost without a sound."""

    id = "unread-file"
    sentence = "Every Markdown file below patterns/, runbooks/ and postmortems/ lies where entries are read."
    severity = Severity.WARNING
    good = Example()
    bad = Example(beside=(Example(path="patterns/database/pool.md", front="id: pat-0000000002"),))

    def finish(self, context: Context) -> Iterator[Problem]:
        """Walk the working tree; a revision in Git is not walked."""
        root = context.library.main.root
        if context.library.main.commit:
            return
        for kind, folder in FOLDERS.items():
            names = sorted(walk(root / folder)) if not (root / folder).is_symlink() else ()
            for path in (f"{folder}/{shown(name)}" for name in names):
                if path.endswith("/"):
                    message = "this folder lies too deep to be looked into"
                elif path.lower().endswith(_MARKDOWN) and not WANTED.fullmatch(path):
                    message = "this file is not read: it does not lie directly in the folder of its kind, or does not end in .md"
                else:
                    continue
                yield Problem(
                    rule=self.id,
                    severity=self.severity,
                    message=message,
                    path=path,
                    line=1,
                    column=1,
                    hint=f"move it to {folder}/{'<year>/' if kind == 'postmortem' else ''}",
                )


class FileName(Rule):
    """A readable name works on every file system and in every URL."""

    id = "file-name"
    sentence = "A file's name is a slug: lower-case letters and digits joined by hyphens."
    severity = Severity.WARNING
    good = Example(path="patterns/pool-exhausted.md")
    bad = Example(path="patterns/Pool_Exhausted.md")

    def check(self, loaded: LoadedEntry, context: Context) -> Iterable[Problem]:
        """Look at the last part of the path."""
        del context
        name = loaded.path.rpartition("/")[2]
        if not _SLUG.fullmatch(name):
            yield self.problem(
                loaded, f"{name!r} is not a slug", hint="rename it; links use the id, so they keep working"
            )


class SchemaComment(Rule):
    """Editors complete fields and underline mistakes when they know the schema."""

    id = "schema-comment"
    sentence = "The line after the opening hyphens names the JSON Schema for editors."
    severity = Severity.INFO
    local = True
    good = Example()
    bad = Example(
        raw="---\nschema: 1\nkind: pattern\nid: pat-0000000001\ntitle: A title\nstatus: draft\ncreated: 2026-01-01\n---\n"
    )

    def check(self, loaded: LoadedEntry, context: Context) -> Iterable[Problem]:
        """Look at the second line."""
        del context
        if not _COMMENT.match(loaded.text):
            up = "../../" if loaded.kind == "postmortem" else "../"
            hint = f"add the line `# yaml-language-server: $schema={up}.compass/schema/{loaded.kind}.json`"
            yield self.problem(
                loaded, "no comment names the schema, so editors cannot complete fields", hint=hint
            )
