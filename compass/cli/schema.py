"""`compass schema`: the JSON Schema of what people write."""

from __future__ import annotations

import click

from compass.cli.context import Context
from compass.cli.render import emit_json
from compass.errors import UsageError
from compass.workflows.schemas import MODELS, schema, write_schemas


@click.command()
@click.argument("kind", required=False)
@click.option("--write", is_flag=True, help="Bring .compass/schema of the repository up to date instead.")
@click.pass_obj
def command(context: Context, kind: str | None, *, write: bool) -> None:
    """Print the JSON Schema of a KIND of file (without KIND: list them), for editors and other programs."""
    if write:
        if not (context.repo / "compass.yaml").is_file():
            raise UsageError(f"{context.repo} is not a knowledge repository", "name one with -C")
        for path in write_schemas(context.repo):
            click.echo(f"wrote {path}")
    elif kind:
        emit_json(schema(kind))
    else:
        for name, model in MODELS.items():
            click.echo(f"{name:<12}{(model.__doc__ or '').strip().splitlines()[0]}")
