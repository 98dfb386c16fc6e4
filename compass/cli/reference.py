"""The reference page of commands and settings: `python -m compass.cli.reference > site/docs/reference/commands.md`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from compass.cli import COMMANDS, cli
from compass.config import SECRETS, LanguageModel, Settings

_EXITS = (
    (0, "done"),
    (1, "it ran, and the answer is no: problems found, nothing matched"),
    (2, "wrong usage or configuration"),
    (3, "something outside failed: Git, a forge, a model, telemetry"),
    (70, "a bug of ours; the traceback is in the file whose path is printed"),
    (130, "interrupted"),
)


def page() -> str:
    """The whole page; a test compares it with the committed one."""
    return "\n".join([*_head(), *_commands(), *_settings(), ""])


def _head() -> Iterator[str]:
    yield "<!-- Made by `python -m compass.cli.reference`; do not edit. -->"
    yield "# Commands and settings"
    yield ""
    yield "Answers go to standard output; progress, warnings and errors go to standard error."
    yield ""
    yield "| exit code | meaning |"
    yield "|---|---|"
    for code, meaning in _EXITS:
        yield f"| {code} | {meaning} |"
    yield ""
    yield "Options that stand before the command:"
    yield ""
    yield from _options(cli)


def _commands() -> Iterator[str]:
    context = click.Context(cli, info_name="compass")
    for name in COMMANDS:
        command = cli.get_command(context, name)
        if command is not None:
            yield from _section(f"compass {name}", command, context)


def _section(path: str, command: click.Command, context: click.Context) -> Iterator[str]:
    yield ""
    yield f"## `{path}`"
    yield ""
    yield (command.get_short_help_str(300) or command.help or "").replace("\n", " ")
    yield ""
    words = " ".join(command.collect_usage_pieces(click.Context(command, info_name=path)))
    yield f"    {path} {words}"
    yield ""
    yield from _options(command)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _section(f"{path} {name}", inner, context)


def _options(command: click.Command) -> Iterator[str]:
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    if not options:
        return
    yield "| option | meaning |"
    yield "|---|---|"
    for option in options:
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        kind = option.type
        values = (
            f" One of {', '.join(f'`{value}`' for value in kind.choices)}."
            if isinstance(kind, click.Choice)
            else ""
        )
        yield f"| {names} | {(option.help or '').replace('|', '∣')}{values} |"


def _settings() -> Iterator[str]:
    yield ""
    yield "## Settings"
    yield ""
    yield "A variable of the environment wins over `config.yaml` in the user's configuration folder, which wins over the default."
    yield "`compass doctor` shows each value and where it came from."
    yield ""
    yield "| variable | key in the file | meaning |"
    yield "|---|---|---|"
    for name, field in Settings.model_fields.items():
        key = "–" if name in SECRETS else f"`{name}`"
        variable = "–" if name == "llm" else f"`COMPASS_{name.upper()}`"
        yield f"| {variable} | {key} | {field.description} |"
    yield ""
    yield "Below `llm:`, for the language model:"
    yield ""
    yield "| variable | key in the file | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in LanguageModel.model_fields.items():
        key = "–" if f"llm.{name}" in SECRETS else f"`llm: {name}`"
        variable = "–" if name == "prices" else f"`COMPASS_LLM_{name.upper()}`"
        default = "–" if field.default in (None, {}) else f"`{field.default}`"
        yield f"| {variable} | {key} | {default} | {field.description} |"


if __name__ == "__main__":
    click.echo(page(), nl=False)
