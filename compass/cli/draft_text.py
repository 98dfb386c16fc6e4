"""What was drafted, for people."""

from __future__ import annotations

from collections.abc import Iterator

from compass.workflows.draft import Drafted


def drafted(done: Drafted) -> Iterator[str]:
    """One line for each draft, the diff of the runbook in full, and what to do next."""
    for one in done.drafts:
        yield f"{'wrote' if one.written else 'kept'} {done.root / one.path} ({one.id})"
    yield from done.notes
    if done.fix is not None:
        fix = done.fix
        yield f"{'wrote' if fix.written else 'kept'} {done.root / fix.patch}"
        yield f"A fix of {fix.runbook} in {fix.repository}:"
        yield ""
        yield from fix.diff.splitlines()
        yield ""
        yield f"Take it with `git apply {done.root / fix.patch}` in {fix.repository}, then `compass contribute {fix.runbook}`."
    if done.drafts:
        yield "Next: read the drafts, mend them, then `compass contribute` each."
