"""The bench: what each kernel takes on each core."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import edgekit
from edgekit import report
from edgekit.bench import run as benches
from edgekit.commands.common import Family, Json, Toolchain, ToolchainName, emit, paragraphs, working
from edgekit.errors import Problem, UsageError
from edgekit.plan import costs

app = typer.Typer(no_args_is_help=True, help="Count what kernels take on emulated cores.")


@app.callback()
def _group() -> None:
    pass


def kernels(
    core: Annotated[
        str, typer.Option("--core", metavar="CORE", help=f"One of {', '.join(benches.BOARDS)}; with --write: only it.")
    ] = "",
    family: Family = "",
    model: Annotated[
        Path | None, typer.Option("--model", metavar="MODEL", help="Count over this .tflite file's layers too.")
    ] = None,
    *,
    toolchain: ToolchainName = Toolchain.ZIG,
    write: Annotated[
        bool,
        typer.Option("--write", help="Make the cost tables anew that kernels are chosen by, of all cores."),
    ] = False,
    json: Json = False,
) -> None:
    """Count the instructions of every kernel over typical layers on an emulated core (default: Cortex-M4).

    Instructions are exact, cycles the cycle model's estimate. Flash is the kernel's code with its helpers (code), and
    the constants as it packs them (weights).

    Examples: edgekit bench kernels --core cortex-m0plus --family conv_2d · edgekit bench kernels --write
    """
    with working() as progress:
        if write:
            _write([core] if core else list(benches.BOARDS), family.lower(), model, toolchain, progress, as_json=json)
            return
        graph = edgekit.optimise(edgekit.load(model)) if model is not None else None
        found = benches.run(core or "cortex-m4", family.lower(), graph, toolchain.value, progress)
    emit(found.json(), report.bench(found), as_json=json)


app.command(help=paragraphs(kernels.__doc__ or ""))(kernels)


def _write(
    cores: list[str],
    family: str,
    model: Path | None,
    toolchain: Toolchain,
    progress: benches.Progress,
    *,
    as_json: bool,
) -> None:
    if model is not None:
        raise UsageError(Problem("a cost table is made from the bench's own layers", hint="Leave --model away."))
    paths = [benches.write(core, progress, toolchain.value, family) for core in cores]
    tree = {"written": [str(path) for path in paths]}
    emit(tree, report.cost_tables([costs.from_json(p.read_text(encoding="utf-8")) for p in paths]), as_json=as_json)
