"""`compass promote`: propose an entry one level up, anonymized."""

from __future__ import annotations

import click

from compass.cli.context import Context
from compass.cli.proposing import print_proposal, setting_of
from compass.cli.render import format_option


@click.command()
@click.argument("entry")
@click.option(
    "--to", type=click.Choice(["tribe", "hub"]), help="The level to promote to; the next one is the default."
)
@click.option("--dry-run", is_flag=True, help="Write nothing; print everything that would leave.")
@format_option()
@click.pass_obj
def command(context: Context, entry: str, to: str | None, output: str, *, dry_run: bool) -> None:
    """Propose ENTRY (an id or a path) to the tribe, or from a tribe to the hub, anonymized.

    Stops at every word of which the anonymizer is not sure.
    """
    from compass.federation.moves import promote  # noqa: PLC0415  # keeps --help quick
    from compass.model.scope import Level  # noqa: PLC0415  # as above

    level = Level(to) if to else None
    print_proposal(promote(context.repo, entry, setting_of(context), to=level, dry=dry_run), output)
