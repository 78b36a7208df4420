"""The command line: arguments in, verbs called, exit code out."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from edgekit import __version__, report
from edgekit.commands import bench, catalogue, compressing, devices, explain, fit, model, on_board, quantizing, results
from edgekit.commands.common import paragraphs
from edgekit.errors import EdgekitError, InternalError, Problem
from edgekit.reports.errors import as_json

_MISSING = "MissingParameter"
"""What the command line's library raises where an option is lacking; it gives the class no public name."""


_NOISE = "Value error, "
"""What it puts before the reason why a word is none of a choice."""


class Commands(TyperGroup):
    """The group of commands; it shows every error the same way and takes --debug anywhere."""

    def main(self, args: Sequence[str] | None = None, *others: Any, **extra: Any) -> Any:
        """Run a command line; --debug may stand anywhere in it."""
        words = list(sys.argv[1:] if args is None else args)
        extra["obj"] = {"debug": "--debug" in words, "json": "--json" in words}
        return super().main([w for w in words if w != "--debug"], *others, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command of ``ctx``; an EdgekitError becomes its text and exit code."""
        try:
            return super().invoke(ctx)
        except EdgekitError as error:
            _show(error, ctx.obj or {})
            raise typer.Exit(error.exit_code) from error
        except Exception as error:
            if getattr(getattr(error, "param", None), "name", "") == "board" and type(error).__name__ == _MISSING:
                error.message = "`edgekit boards` lists them."  # pyright: ignore[reportAttributeAccessIssue]
            elif (said := str(getattr(error, "message", ""))).startswith(_NOISE):
                error.message = said.removeprefix(_NOISE)  # pyright: ignore[reportAttributeAccessIssue]
            if isinstance(error, (BrokenPipeError, typer.Exit, typer.Abort)) or hasattr(error, "exit_code"):
                raise
            hint = "Run again with --debug and report what it prints."
            fault = InternalError(Problem(f"{type(error).__name__}: {error}", hint=hint))
            fault.__cause__ = error
            _show(fault, ctx.obj or {})
            raise typer.Exit(fault.exit_code) from error


def _show(error: EdgekitError, wanted: dict[str, bool]) -> None:
    console = report.console(sys.stderr)
    if wanted.get("debug"):
        sys.stderr.write("".join(traceback.format_exception(error)))
    if wanted.get("json"):
        sys.stdout.write(json.dumps(as_json(error), indent=2) + "\n")
    console.print(report.errors(error))


app = typer.Typer(
    name="edgekit",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Neural networks on microcontrollers: int8 .tflite models become verified, profiled firmware.",
    epilog="First steps: edgekit demo · edgekit analyze MODEL · edgekit profile MODEL --board nucleo-l4r5zi",
)


def _print_version(value: bool) -> None:
    if value:
        sys.stdout.write(f"edgekit {__version__}\n")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error; may stand anywhere.")] = False,
) -> None:
    pass


_PANELS = {
    "A model on a board": (
        on_board.demo,
        on_board.build,
        on_board.run,
        on_board.verify,
        on_board.evaluate,
        on_board.profile,
    ),
    "Boards on the desk": (devices.devices, devices.flash),
    "Results": (results.compare, results.report),
    "A model": (compressing.compress, quantizing.quantize, model.analyze, fit.fit, explain.explain, model.dump),
    "What there is": (catalogue.boards, catalogue.ops, catalogue.kernels, catalogue.doctor),
}
for _panel, _commands in _PANELS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel, help=paragraphs(_command.__doc__ or ""))(_command)
app.add_typer(bench.app, name="bench", rich_help_panel="What there is")


def main() -> None:
    """Entry point of the ``edgekit`` command."""
    app()
