"""`compass watch`: alerts in, investigations out."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import click

from compass.cli.agreeing import of_catalog, trust_option
from compass.cli.context import Context
from compass.cli.model_options import model_options
from compass.cli.render import clean, note
from compass.cli.servers import server_options, words_of
from compass.workflows.investigate import Memory
from compass.workflows.recording.request import history_of
from compass.workflows.recording.sources import datasources_of, servers_of
from compass.workflows.watch.child import Children
from compass.workflows.watch.listener import address_of
from compass.workflows.watch.service import watch


@click.command()
@click.option(
    "--listen",
    default="127.0.0.1:9099",
    show_default=True,
    metavar="HOST:PORT",
    help="Where webhooks are received; an address of this machine alone.",
)
@server_options(20.0)
@trust_option
@click.option("--history", metavar="FROM/TO", help="A fault-free time to compare with: now-25h/now-24h.")
@click.option(
    "--limit",
    type=click.IntRange(1, 32),
    default=2,
    show_default=True,
    metavar="N",
    help="How many investigations run at once.",
)
@click.option(
    "--waiting",
    type=click.IntRange(1, 100),
    default=20,
    show_default=True,
    metavar="N",
    help="How many alerts may wait; further ones are refused, and sent again by their sender.",
)
@model_options
@click.pass_obj
def command(context: Context, /, *, listen: str, limit: int, waiting: int, **given: Any) -> None:
    """Receive alerts of Alertmanager and Grafana as webhooks, and investigate each firing once, in the background.

    Without --server and --command the servers of the catalog are asked. Records go where `compass investigate`
    writes them; what a model may cost is for each investigation. Ctrl-C ends it, with all that runs.
    """
    address = address_of(listen)
    commands = tuple(words_of(one) for one in given["commands"])
    if given["servers"] or commands:
        servers_of(given["servers"], commands, offline=context.offline)
    else:
        of_catalog(
            context, Memory(context.repo, context.settings.data, context.settings.cache), trust=given["trust"]
        )
    datasources_of(given["datasources"])
    history_of(given["history"], time.time())
    children = Children(_before(context), _options(given), os.environ)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        watch(
            address,
            children,
            at_once=limit,
            waiting=waiting,
            told=_told,
            ready=lambda url: note(f"listening on {url}; Ctrl-C ends"),
        )
    except KeyboardInterrupt:
        note("ended")


def _before(context: Context) -> list[str]:
    """The global options of each investigation."""
    return [
        *(["-C", str(context.repo)] if str(context.repo) != "." else []),
        *(["--config", str(context.config)] if context.config else []),
        *(["--offline"] if context.offline else []),
        "--quiet",
    ]


def _options(given: dict[str, Any]) -> list[str]:
    return [
        *(f"--server={one}" for one in given["servers"]),
        *(f"--command={one}" for one in given["commands"]),
        *(f"--datasource={one}" for one in given["datasources"]),
        *([f"--history={given['history']}"] if given["history"] else []),
        f"--timeout={given['timeout']}",
        *(["--no-llm"] if given["no_llm"] else []),
        *(
            f"--{name.replace('_', '-')}={given[name]}"
            for name in ("budget_tokens", "budget_usd", "budget_seconds")
            if given[name] is not None
        ),
    ]


def _told(line: str) -> None:
    click.echo(clean(" ".join(line.split())))
