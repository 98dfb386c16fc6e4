"""The one handler at the top: every exception becomes one clear message and an exit code."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from pathlib import Path

import click

from compass.errors import CompassError
from compass.model.foreign import clean


def guarded(command: click.Command, arguments: list[str] | None = None) -> int:  # noqa: PLR0911  # one way out for each way to end
    """Run `command`; its exit code."""
    try:
        result = command.main(args=arguments, prog_name="compass", standalone_mode=False)
    except CompassError as error:
        return _report(error)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        # The reader of our output went away (`compass … | head`): nothing is left to say, nor anywhere to say it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001  # the top handler: a bug must leave its traceback, not a wall of text
        return _bug(error)
    return result if isinstance(result, int) else 0


def _report(error: CompassError) -> int:
    click.echo(f"{click.style('error:', fg='red', bold=True)} {clean(str(error))}", err=True)
    if error.hint:
        click.echo(f"  {click.style('next:', bold=True)} {clean(error.hint)}", err=True)
    return error.exit_code


def _bug(error: Exception) -> int:
    handle, name = tempfile.mkstemp(prefix="compass-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as log:
        log.writelines(traceback.format_exception(error))
    click.echo(f"error: this is a bug in COMPASS ({type(error).__name__}: {clean(str(error))})", err=True)
    click.echo(f"  next: the traceback is in {Path(name)}; please report it", err=True)
    return 70
