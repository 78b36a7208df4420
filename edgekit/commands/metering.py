"""Options of `profile` on timing and energy."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.device.link import RUNS_MAX
from edgekit.device.meters.registry import METERS

Runs = Annotated[
    int, typer.Option("--runs", min=0, metavar="N", help="Inferences to time (0: 20, on an emulated board 1).")
]
Warmup = Annotated[
    int, typer.Option("--warmup", min=0, max=RUNS_MAX, metavar="N", help="Inferences before the first that is timed.")
]
MeterName = Annotated[
    str,
    typer.Option(
        "--meter",
        metavar="NAME[:WHERE]",
        help=f"Measure energy with {', '.join(METERS)}. WHERE is its serial port, or user@host of the board it is on.",
        show_default=False,
    ),
]
Supply = Annotated[
    float | None,
    typer.Option("--supply", metavar="VOLTS", help="The meter feeds the board with this.", show_default=False),
]
Voltage = Annotated[
    float | None,
    typer.Option("--voltage", metavar="VOLTS", help="Voltage of another supply, behind the meter.", show_default=False),
]
WindowSeconds = Annotated[
    float,
    typer.Option("--window", min=0, metavar="SECONDS", help="Length of a window of inferences (0: 10, emulated 0.3)."),
]
WindowCount = Annotated[int, typer.Option("--windows", min=1, metavar="N", help="Windows; their median is reported.")]
SubtractIdle = Annotated[
    bool, typer.Option("--subtract-idle", help="Take off what the board draws between windows, waiting for commands.")
]
SpikeFilter = Annotated[
    bool, typer.Option("--spike-filter", help="PPK2: smooth the samples after a change of range; said in the report.")
]
