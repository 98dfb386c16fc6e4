"""CODEOWNERS, derived from the owner of each entry: one team per entry, so that nobody waits for everybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from compass.library import Library, LoadedEntry
from compass.model.base import Problem, Severity
from compass.model.entry import FOLDERS
from compass.model.scope import Level, Teams
from compass.rules.base import Context, Example, Rule, raw_file

CODEOWNERS: Final = ".github/CODEOWNERS"
MADE: Final = "# Made by `compass fmt` from the owners of the entries; what is changed here is overwritten."
_MOST: Final = 3 * 1024 * 1024  # a larger file is not read by GitHub either
GUARDED: Final = ("/.github/", "/catalog/", "/compass.yaml", "/people.yaml", "/teams.yaml", "/vocabulary/")
"""What decides over others: for the leads of the tribe."""


def codeowners(library: Library) -> str | None:
    """The text of the file for the first repository of a library.

    None where the forge's name of nobody is known, and for a folder of a larger Git repository, whose file is not ours.

    A folder goes to the team that owns most of it, and only the others have lines of their own. The last line that
    fits is what counts (https://docs.github.com/repositories/managing-your-repositorys-settings-and-features).
    """
    handles = _handles(library.teams)
    if not handles or library.main.prefix:
        return None
    own = [one for one in library.entries if one.mount.distance == 0 and one.entry.owner]
    lines = [MADE]
    unknown: set[str] = set()
    for folder in FOLDERS.values():
        inside = [one for one in own if one.path.startswith(f"{folder}/")]
        owners = {_pattern(one): one.entry.owner or "" for one in inside}
        lines += _lines(f"/{folder}/", owners, handles)
        unknown |= {owner for owner in owners.values() if owner not in handles}
    leads = _leads(library)
    if leads:
        lines += [f"{path} {leads}" for path in GUARDED]
    lines += [f"# {owner} has no `handle` in teams.yaml" for owner in sorted(unknown)]
    return "\n".join(lines) + "\n"


def _lines(folder: str, owners: Mapping[str, str], handles: Mapping[str, str]) -> Iterator[str]:
    known = {path: handles[owner] for path, owner in owners.items() if owner in handles}
    if not known:
        return
    count = Counter(known.values())
    most = min(count, key=lambda handle: (-count[handle], handle))
    yield f"{folder} {most}"
    for path in sorted(owners):
        handle = known.get(path)
        if handle is None:
            yield path  # a line without an owner: nobody is asked in place of a team that has no name there
        elif handle != most:
            yield f"{path} {handle}"


def _pattern(loaded: LoadedEntry) -> str:
    return f"/{loaded.path}".replace(" ", r"\ ")


def handle_of(teams: Teams | None, owner: str | None) -> str | None:
    """What the forge calls the owner of an entry, such as `@acme/payments`."""
    return _handles(teams).get(owner or "")


def _handles(teams: Teams | None) -> dict[str, str]:
    if teams is None:
        return {}
    named = [(one.id, one.handle) for one in teams.tribes] + [(one.id, one.handle) for one in teams.teams]
    return {f"group:default/{name}": handle for name, handle in named if handle}


def _leads(library: Library) -> str | None:
    """The handle of the tribe that the repository belongs to."""
    level, _, name = library.main.id.partition("/")
    teams = library.teams
    if teams is None:
        return None
    if level == Level.TEAM:
        name = next((one.tribe for one in teams.teams if one.id == name), "")
    return next((one.handle for one in teams.tribes if one.id == name), None)


_TEAMS: Final = """\
schema: 1
teams:
  - {id: payments, tribe: product, members: [], leads: [], handle: '@acme/payments'}
tribes:
  - {id: product, leads: [], handle: '@acme/product-leads'}
"""
_ORG: Final = (Example(path="teams.yaml", raw=_TEAMS),)
_OWNED: Final = "owner: group:default/payments"
_RIGHT: Final = "\n".join(
    [MADE, "/patterns/ @acme/payments", *(f"{path} @acme/product-leads" for path in GUARDED), ""]
)


class CodeownersDrift(Rule):
    """A proposal that asks the wrong team for a review waits, or lands without the right one."""

    id = "codeowners-drift"
    sentence = "A CODEOWNERS file that `compass fmt` made says what the owners of the entries say."
    severity = Severity.WARNING
    good = Example(front=_OWNED, beside=(Example(path=CODEOWNERS, raw=_RIGHT),), above=_ORG)
    bad = Example(front=_OWNED, beside=(Example(path=CODEOWNERS, raw=f"{MADE}\n"),), above=_ORG)

    def finish(self, context: Context) -> Iterable[Problem]:
        """Compare the file with what it would be; one that people wrote is theirs."""
        there = raw_file(context.library.main, CODEOWNERS, _MOST).decode("utf-8", "replace")
        if not there.startswith(MADE):
            return
        wanted = codeowners(context.library)
        if wanted is None or wanted == there:
            return
        pairs = zip(there.splitlines(), wanted.splitlines(), strict=False)
        line = next((number for number, (is_, should) in enumerate(pairs, 1) if is_ != should), 1)
        yield Problem(
            rule=self.id,
            severity=self.severity,
            message="the file does not say what the owners of the entries say",
            path=CODEOWNERS,
            line=line,
            column=1,
            hint="run `compass fmt`",
        )
