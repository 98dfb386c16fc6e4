"""`compass contribute`: propose an entry to the team."""

from __future__ import annotations

import click

from compass.cli.context import Context
from compass.cli.proposing import print_proposal, setting_of
from compass.cli.render import format_option
from compass.errors import UsageError


@click.command()
@click.argument("entry")
@click.option("--dry-run", is_flag=True, help="Write nothing; print everything that would leave.")
@click.option(
    "--confirm",
    "confirmed",
    is_flag=True,
    help="First raise the status of a pattern as far as recordings and incidents confirm it.",
)
@format_option()
@click.pass_obj
def command(context: Context, entry: str, output: str, *, dry_run: bool, confirmed: bool) -> None:
    """Propose ENTRY (an id or a path) to your team.

    Works in the personal repository, and in a clone of the team's repository, of which HEAD is sent.
    """
    from compass.federation.moves import contribute  # noqa: PLC0415  # keeps --help quick

    if confirmed and dry_run:
        raise UsageError(
            "--confirm commits to this clone, so that it is no dry run", "`compass check` says what is due"
        )
    setting = setting_of(context)
    print_proposal(contribute(context.repo, entry, setting, dry=dry_run, confirmed=confirmed), output)
