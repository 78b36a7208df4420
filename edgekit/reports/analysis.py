"""The report of analyze: layers, totals, and which boards the model fits."""

from __future__ import annotations

from rich.console import Group, RenderableType

from edgekit.analysis import CODE_ESTIMATE, Analysis, Fit
from edgekit.reports.fitting import FittedTable
from edgekit.reports.parts import counted, dims, need, notes, number, size, table, text


def analysis(a: Analysis) -> RenderableType:
    """The whole report."""
    sentence = f", {counted(len(a.layers), 'layer')}, {counted(a.macs, 'MAC')}, {size(a.weights)} of weights"
    ops = ", ".join(f"{count} {op}" for op, count in a.ops)
    rows = [("fits", f"RAM: arena and stack reserve; flash: weights and an estimate of {size(CODE_ESTIMATE)} for code")]
    rows.append(("arena", "all tensors alive at once, planned; 'bound' is what no plan can go below"))
    if a.planned is not None:
        layers, weights = a.planned
        is_built = f"{counted(layers, 'layer')}, {weights:,} B of constants: optimised, and packed for the kernels"
        rows.append(
            ("layers", f"the file has {counted(len(a.layers), 'layer')}, {a.weights:,} B; built are {is_built}")
        )
    return Group(
        text((a.name, "bold"), sentence),
        text(("sha256 " + a.sha256, "bright_black")) if a.sha256 else "",
        *_signatures(a),
        text("ops: ", ops),
        "",
        _layers(a),
        "",
        *([_boards(a.fits), "", notes(rows)] if a.fits else []),
    )


def _signatures(a: Analysis) -> list[RenderableType]:
    return [text(f"{kind}: {line}") for kind, lines in (("input", a.inputs), ("output", a.outputs)) for line in lines]


def _layers(a: Analysis) -> FittedTable:
    kernels = any(x.kernel for x in a.layers)
    result = table(footer=True, spare=("op",) if kernels else ())  # a kernel's name begins with its op
    result.add_column("layer", "total", tail=True)
    result.add_column("op", no_wrap=True)
    result.add_column("output", whole=True)
    result.add_column("MACs", number(a.macs), justify="right", no_wrap=True)
    result.add_column("weights", number(a.weights), justify="right", no_wrap=True)
    if kernels:
        result.add_column("kernel", tail=True)
    for x in a.layers:
        kernel = [x.kernel or "(no code)"] if kernels else []
        result.add_row(x.name, x.op, dims(x.shape), number(x.macs or None), number(x.weights or None), *kernel)
    return result


def _boards(fits: tuple[Fit, ...]) -> FittedTable:
    result = table(spare=("bound", "core"))
    for head in ("board", "core"):
        result.add_column(head, no_wrap=True)
    result.add_column("fits", no_wrap=True)
    for head in ("arena", "bound"):
        result.add_column(head, justify="right", no_wrap=True)
    for head in ("RAM", "flash"):
        result.add_column(head, justify="right", no_wrap=True)
        result.add_column("", no_wrap=True)
    for f in fits:
        verdict = text(("yes", "green")) if f.fits else text(("no", "bold red"))
        if f.reason:
            result.add_row(f.board, f.core, verdict, "-", "-", "-", "", "-", "")
            continue
        ram, flash = need(f.ram, f.ram_available), need(f.flash, f.flash_available)
        result.add_row(f.board, f.core, verdict, number(f.arena), number(f.lower_bound), *ram, *flash)
    return result
