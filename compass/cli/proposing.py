"""What the commands about proposals share: where their settings come from, and how a proposal is printed."""

from __future__ import annotations

from datetime import UTC, datetime
from random import SystemRandom
from typing import TYPE_CHECKING

import click

from compass.cli.context import Context
from compass.cli.render import clean, emit_json, table

if TYPE_CHECKING:
    from compass.federation.setting import Setting
    from compass.model.proposal import Proposal

_COLOURS = {"open": "cyan", "conflicted": "red", "landed": "green", "rejected": "red", "unchanged": "green"}


def setting_of(context: Context) -> Setting:
    """Folders, identity and keys from the settings; chance and time from the machine."""
    from compass.adapters.forge.github import Access  # noqa: PLC0415  # as below
    from compass.federation.setting import Setting  # noqa: PLC0415  # pydantic costs too much for --help
    from compass.model.ids import draw  # noqa: PLC0415  # as above

    settings = context.settings
    return Setting(
        clones=settings.data / "clones",
        cache=settings.cache,
        now=datetime.now(UTC),
        draw=lambda: draw(16, SystemRandom()),
        principal=settings.principal,
        seal_key=settings.seal_key,
        github=Access(settings.github_token, settings.github_server, settings.github_api),
    )


def print_proposal(proposal: Proposal, output: str) -> None:
    """The proposal for people or for programs; ends with status 1 when it is conflicted or rejected."""
    if output == "json":
        emit_json(
            proposal.model_dump(
                mode="json", by_alias=True, exclude=set() if proposal.leaves is not None else {"leaves"}
            )
        )
    else:
        _as_text(proposal)
    if proposal.state in {"conflicted", "rejected"}:
        raise click.exceptions.Exit(1)


def _as_text(proposal: Proposal) -> None:
    state = click.style(proposal.state.value, fg=_COLOURS[proposal.state.value], bold=True)
    click.echo(f"{clean(proposal.title or proposal.entry)}: {state} in {proposal.target}")
    if proposal.proposal:
        click.echo(f"  proposal {proposal.proposal}  head {(proposal.head or '')[:12]}")
    if proposal.url:
        click.echo(f"  {clean(proposal.url)}")
    if proposal.needs:
        table(
            ["approved", "needed", "role"],
            [(need.have, need.count, need.role.value) for need in proposal.needs],
        )
    if proposal.replaced:
        table(["replaced", "class", "rule"], [(one.count, one.klass, one.rule) for one in proposal.replaced])
    for field in proposal.conflicts:
        click.echo(f"  both sides changed {clean(field)}")
    for note in proposal.notes:
        click.echo(f"  {clean(note)}")
    if proposal.replay and proposal.replay.patterns:
        click.echo("  replayed over the stored recordings:")
        for line in proposal.replay.lines():
            click.echo(f"    {clean(line)}")
    for path, text in (proposal.leaves or {}).items():
        click.secho(f"\n--- {path.strip() or 'commit message'}", bold=True)
        click.echo(clean(text))
