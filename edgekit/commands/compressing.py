"""The command that makes a small int8 model of a float one, by a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit import compressing
from edgekit.commands.common import BoardName, Json, Toolchain, ToolchainName, emit, working
from edgekit.commands.quantizing import FloatModel
from edgekit.compress import recipe as recipes
from edgekit.reports.compressing import compression, intended

RecipeFile = Annotated[
    Path, typer.Option("--recipe", "-r", metavar="FILE", help="A .toml that names the stages.", show_default=False)
]
LabelledData = Annotated[
    Path,
    typer.Option(
        "--data",
        metavar="FILE",
        help="A .npz with float `inputs` and `labels` to train on, and maybe `test_inputs` and `test_labels`.",
        show_default=False,
    ),
]
WorkDir = Annotated[
    Path, typer.Option("--out", "-o", metavar="DIR", help="Where stages and results lie; a killed run goes on here.")
]


def compress(
    model: FloatModel,
    recipe: RecipeFile,
    data: LabelledData,
    *,
    board: BoardName = "nucleo-l4r5zi",
    toolchain: ToolchainName = Toolchain.ZIG,
    out: WorkDir = Path("compressed"),
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and say what would be trained; write nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Prune, distill, quantise, build, verify and profile a float Keras model; say what it cost and gained.

    Stages that are finished are kept: a run that was stopped goes on with the same command.

    Example: edgekit compress net.keras --recipe r.toml --data data.npz --board nucleo-l4r5zi
    """
    wanted = recipes.read(recipe)
    with working() as progress:
        if dry_run:
            would = compressing.intended(model, wanted, data, board, out)
            tree, shown = would.json(), intended(would)
        else:
            found = compressing.run(model, wanted, data, board, out, toolchain=toolchain.value, progress=progress)
            tree, shown = found.json(), compression(found)
    emit(tree, shown, as_json=json)
