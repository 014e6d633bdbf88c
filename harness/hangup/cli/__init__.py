"""The command line. Each command is a module of its own, loaded when it is used, so that ``hangup --help`` is quick.

What the user can put right ends as one message and exit status 2; a trial or a cell that failed, as status 1.
"""

from __future__ import annotations

import importlib
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from hangup import __version__
from hangup.errors import HangupError
from hangup.plain_text import plain

COMMANDS = {
    "lookup": "From an error text to who says it, what happened and what to do.",
    "run": "Play every scenario with every client, and tabulate what they report.",
    "show": "What a client reports, or one cell with its packets, or a scenario and what to do about it.",
    "play": "Play one trial live, with the packets as they pass.",
    "serve": "Play the peer's part of a scenario to a client of your own.",
    "diagnose": "How each connection in a capture ended, who ended it, why, and what clients report.",
    "table": "The matrix, in the terminal, as Markdown, CSV, HTML or JSON.",
    "cite": "The permanent address of a cell, with a snippet and a badge.",
    "site": "The matrix as a site of static files, to read, search and cite.",
    "diff": "What two sets of results differ in, most serious first.",
    "list": "The clients, the scenarios, and the causes that there are.",
    "images": "Build, list and remove the images of the docker lab.",
    "clean": "Remove old runs, and what a run left that was killed.",
    "doctor": "What this machine can run, and what is missing for the rest.",
}


class ReaderLeftError(Exception):
    """Whoever read our output has had enough, as ``head`` has."""


class OutputError(HangupError):
    """Standard output takes no more: its disk is full, say."""


@contextmanager
def _reader() -> Iterator[None]:
    """click and rich end with status 1 where the reader of standard output has left; here that status says something of
    a cell or a text. What is still buffered is written now, while something can be said of it."""
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        if _is_read():  # another pipe broke
            raise
        raise ReaderLeftError from None
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            raise ReaderLeftError from None
        raise
    except OSError as error:
        if error.filename is not None or _is_written():  # another file failed
            raise
        raise OutputError(f"standard output cannot be written: {error.strerror}") from None


def _is_written() -> bool:
    """Whether standard output takes anything, a line's end here: an error does not name the file that it is of."""
    try:
        sys.stdout.flush()
        os.write(sys.stdout.fileno(), b"\n")
    except OSError:
        return False
    return True


def _is_read() -> bool:
    """Whether somebody still reads our standard output."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), select.POLLOUT)
    return not any(event & (select.POLLERR | select.POLLHUP) for _fd, event in poll.poll(0))


class Commands(click.Group):
    """Finds a command's module by its name."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Help is printed while the arguments are read."""
        with _reader():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """All else is printed by commands."""
        with _reader():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"hangup.cli.{'listing' if cmd_name == 'list' else cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Names the nearest command where there is none of that name."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            from hangup.names import nearest

            close = nearest(args[0], COMMANDS)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hangup")
def group() -> None:
    """What client stacks report when a TCP connection ends badly: measured, with the packets to prove it."""


def main() -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what it lacks is a question mark then
            stream.reconfigure(errors="replace")
    try:
        sys.exit(group.main(standalone_mode=False))
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        click.echo(plain(said.getvalue()), nl=False, err=True)
        sys.exit(error.exit_code)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except (click.Abort, KeyboardInterrupt) as end:
        words = map(str, (end.__cause__ or end).args)  # click raises one of its own in the place of the interrupt
        click.echo("; ".join(("hangup: interrupted", *words)), err=True)
        sys.exit(130)
    except (HangupError, PermissionError) as error:
        click.echo(plain(f"hangup: error: {_worded(error)}"), err=True)
        if isinstance(error, OutputError):
            _discard()
        sys.exit(2)
    except ReaderLeftError:
        _discard()
        sys.exit(0)


def _worded(error: HangupError | PermissionError) -> str:
    """Even to ask whether a file is there takes the right to enter its folder."""
    if isinstance(error, PermissionError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _discard() -> None:
    """What is still buffered has nowhere to go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
