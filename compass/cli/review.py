"""`compass review`: list, show, approve, reject and land proposals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from compass.cli.context import Context
from compass.cli.proposing import print_proposal, setting_of
from compass.cli.render import clean, emit_json, format_option, table

if TYPE_CHECKING:
    from compass.federation.review import Desk


def _desk(context: Context) -> Desk:
    from compass.federation.review import open_desk  # noqa: PLC0415  # keeps --help quick

    return open_desk(str(context.repo), setting_of(context))


@click.group()
def command() -> None:
    """List, show, approve, reject and land proposals; -C names the repository that they go to."""


@command.command("list")
@format_option()
@click.pass_obj
def list_command(context: Context, output: str) -> None:
    """The proposals that wait for a decision."""
    from compass.federation.review import list_proposals  # noqa: PLC0415  # keeps --help quick

    found = [one.proposal() for one in list_proposals(_desk(context))]
    if output == "json":
        emit_json([one.model_dump(mode="json", by_alias=True, exclude={"leaves"}) for one in found])
        return
    rows = []
    for one in found:
        needs = ", ".join(f"{need.have}/{need.count} {need.role}" for need in one.needs)
        rows.append((one.proposal, one.state.value, needs, clean(one.title or one.entry)))
    if rows:
        table(["proposal", "state", "approved", "what"], rows)
    else:
        click.echo("Nothing waits for a decision.")


@command.command("show")
@click.argument("pid")
@format_option()
@click.pass_obj
def show_command(context: Context, pid: str, output: str) -> None:
    """One proposal: what it would change, and what it still needs."""
    from compass.federation.replayed import with_replay  # noqa: PLC0415  # keeps --help quick
    from compass.federation.review import difference, show  # noqa: PLC0415  # as above

    desk = _desk(context)
    standing = show(desk, pid)
    if output == "text":
        click.echo(clean(difference(standing)))
    print_proposal(with_replay(standing), output)


@command.command("approve")
@click.argument("pid")
@click.option(
    "--key",
    type=click.Path(path_type=Path),
    required=True,
    help="Your Ed25519 private key; its public half stands in people.yaml.",
)
@format_option()
@click.pass_obj
def approve_command(context: Context, pid: str, key: Path, output: str) -> None:
    """Sign the proposal as it stands now; a change of it makes the approval stale."""
    from compass.adapters.sshsig import load_key  # noqa: PLC0415  # cryptography costs too much for --help
    from compass.federation.review import approve  # noqa: PLC0415  # keeps --help quick

    print_proposal(approve(_desk(context), pid, load_key(key)).proposal(), output)


@command.command("reject")
@click.argument("pid")
@click.option("--reason", required=True, help="What its author can work with; it stays readable.")
@format_option()
@click.pass_obj
def reject_command(context: Context, pid: str, reason: str, output: str) -> None:
    """Close a proposal without landing it."""
    from compass.federation.review import reject  # noqa: PLC0415  # keeps --help quick

    proposal = reject(_desk(context), pid, reason).proposal()
    if output == "json":
        emit_json(proposal.model_dump(mode="json", by_alias=True, exclude={"leaves"}))
    else:
        click.echo(f"{clean(proposal.title or pid)}: rejected")


@command.command("land")
@click.argument("pid")
@format_option()
@click.pass_obj
def land_command(context: Context, pid: str, output: str) -> None:
    """Merge an approved proposal into main, with its approvals in the trailers."""
    from compass.federation.review import land  # noqa: PLC0415  # keeps --help quick

    print_proposal(land(_desk(context), pid).proposal(), output)
