"""From counts to a cost table: per kernel a sum of terms with coefficients that are not negative, by least squares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgekit.bench.count import Counted
from edgekit.ir.graph import Array
from edgekit.plan.costs import Code, CostTable, KernelCost, quantities
from edgekit.plan.kernels import Kernel, evaluate

_PIXELS = "out_h*out_w"
_QUAD = "(kh*((kw*in_c+3)//4))"
_LANES = "((kh*kw*in_c+15)//16)"
_WINDOW = (
    "1", "out_h", "out_h*kh", "out_h*kh*in_w*in_c", _PIXELS, f"{_PIXELS}*kh", f"{_PIXELS}*kh*kw",
    f"{_PIXELS}*kh*kw*in_c", f"{_PIXELS}*out_c", f"{_PIXELS}*out_c*(act_min<out_zp)",
    f"{_PIXELS}*out_c*(act_min>-128 or act_max<127)",
)  # fmt: skip
_CONVOLUTION = (
    *_WINDOW, f"{_PIXELS}*{_QUAD}", f"({_PIXELS}//4)*{_QUAD}", f"({_PIXELS}//4)*out_c", f"({_PIXELS}//4)*out_c*{_QUAD}",
    f"({_PIXELS}//4)*out_c*{_QUAD}*(1-packable)", f"({_PIXELS}%4)*out_c", f"({_PIXELS}%4)*out_c*{_QUAD}",
    f"({_PIXELS}%4>0)*out_c", f"({_PIXELS}%4>1)*out_c*{_QUAD}", f"({_PIXELS}%4==1)*out_c*{_QUAD}",
    f"({_PIXELS}%4>0)*out_c*{_QUAD}", f"(out_c%2)*({_PIXELS}//4)*{_QUAD}",
    f"(({_PIXELS}+3)//4)*{_LANES}", f"(({_PIXELS}+3)//4)*out_c", f"(({_PIXELS}+3)//4)*out_c*{_LANES}",
    f"{_PIXELS}*out_c*kh*kw*in_c//groups",
)  # fmt: skip
_STRIPS = (
    "out_h*in_w*in_c", "((out_h+1)//2)*in_w*in_c", "((out_h+7)//8)*in_w*in_c",
    "out_h*((out_w+3)//4)*out_c", "((out_h+1)//2)*((out_w+3)//4)*out_c", "((out_h+1)//2)*((out_w+1)//2)*out_c",
    "((out_h+7)//8)*out_w*out_c", "((out_h+7)//8)*out_c", "((out_h+1)//2)*out_c", "out_h*out_c", "out_c",
    "((out_h+3)//4)*out_w*out_c", "((out_h+3)//4)*out_w*out_c*kh*kw", "in_h*in_w*out_c", "in_h*((in_w+1)//2)*out_c",
    "out_h*out_w*((out_c+3)//4)", "out_h*out_w*((out_c+3)//4)*((kh*kw+1)//2)",
    "out_h*out_w*((out_c+3)//4)*(act_min<out_zp)", "out_h*out_w*out_c*kh*kw", "in_h", "out_h*kw",
    "((out_h+3)//4)*out_w*out_c*((kh*kw+2)//3)", "out_c*kh*kw", "out_c*out_w", "out_c*in_w*stride_h", "in_w*in_c",
    "out_h*out_w*out_c*kh", "out_h*in_w*in_w*in_c", "out_h*out_w*in_w*in_c",
)  # fmt: skip
_ELEMENTS = ("1", "out_rows", "out_elements", "in_elements")

TERMS: Mapping[str, Sequence[str]] = {
    "conv_2d": _CONVOLUTION,
    "depthwise_conv_2d": (*_WINDOW, *_STRIPS),
    "fully_connected": (
        "1", "rows", "rows*in_features", "rows*out_features", "rows*((out_features+3)//4)",
        "rows*((out_features+3)//4)*((in_features+3)//4)", "rows*((out_features+7)//8)*((in_features+15)//16)",
        "rows*((out_features+3)//4)*((in_features+3)//4)*(1-packable)", "rows*((out_features+7)//8)",
        "rows*out_features*in_features", "rows*out_features*(act_min<out_zp)",
        "rows*out_features*(act_min>-128 or act_max<127)", "rows*((out_features+3)//4)*((in_features+7)//8)",
        "rows*((in_features+3)//4)", "rows*(in_features%4>0)", "rows*(in_features%4)", "rows*(out_features%4>0)",
        "rows*(out_features%4)", "rows*(out_features//2)", "rows*(out_features%2)",
        "rows*(out_features//2)*in_features",
        "rows*(out_features//2)*(in_features//4)", "rows*(out_features//2)*(in_features%4)",
    ),
    "pool": (
        "1", "out_h", _PIXELS, f"{_PIXELS}*out_c", f"{_PIXELS}*kh", f"{_PIXELS}*kh*kw", f"{_PIXELS}*kh*kw*out_c",
        f"{_PIXELS}*((out_c+3)//4)", f"{_PIXELS}*kh*kw*((out_c+3)//4)",
        f"{_PIXELS}*kh*kw*((out_c+7)//8)", f"{_PIXELS}*kh*((out_c+7)//8)", f"{_PIXELS}*((out_c+7)//8)",
        f"{_PIXELS}*kh*out_c", f"{_PIXELS}*kh*((out_c+3)//4)", f"{_PIXELS}*kh*(kw//4)*out_c",
        f"{_PIXELS}*kh*(kw%4)*out_c", f"{_PIXELS}*kh*(kw//4)*((out_c+3)//4)", f"{_PIXELS}*kh*(kw%4)*((out_c+3)//4)",
    ),
    "softmax": ("1", "rows", "rows*depth"),
    "add": (*_ELEMENTS, "out_elements*(act_min>-128 or act_max<127)", "out_elements*(act_min<out_zp)"),
}  # fmt: skip
"""What a kernel's instructions may grow with, by family: the fit gives most of them no weight."""


def table(core: str, toolchain: str, counted: Sequence[Counted], code: Mapping[str, Sequence[Code]]) -> CostTable:
    """The cost table of a core from the counts of its kernels and their compiled sizes."""
    by_kernel: dict[str, list[Counted]] = {}
    for one in counted:
        by_kernel.setdefault(one.item.kernel.name, []).append(one)
    return CostTable(core, toolchain, {name: line(found, code[name]) for name, found in by_kernel.items()})


def line(counted: Sequence[Counted], code: Sequence[Code]) -> KernelCost:
    """The line of one kernel. Errors are relative, so that small layers count as much as large ones."""
    kernel = counted[0].item.kernel
    terms = terms_of(kernel)
    rows = np.array([[evaluate(term, _names(one)) for term in terms] for one in counted], np.float64)
    wanted = np.array([one.instructions / _images(one) for one in counted], np.float64)
    weights = _sparse(rows / wanted[:, None])
    off = np.abs(rows @ weights / wanted - 1).max() * 100
    chosen = {term: _rounded(w) for term, w in zip(terms, weights.tolist(), strict=True) if w > 0}
    return KernelCost(chosen, round(float(off), 1), tuple(code))


def terms_of(kernel: Kernel) -> tuple[str, ...]:
    """The terms tried for a kernel: its family's, and those its header adds."""
    return (*TERMS.get(kernel.family, _ELEMENTS), *kernel.terms)


def _names(one: Counted) -> dict[str, int]:
    view = one.item.graph.views()[0]
    return one.item.kernel.named(quantities(view, view.node.op.lower(view))[0])


def _images(one: Counted) -> int:
    view = one.item.graph.views()[0]
    return quantities(view, view.node.op.lower(view))[1]


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def _sparse(rows: Array) -> Array:
    """Least squares for ``rows @ weights == 1``; terms that explain less than a thousandth of every row are dropped."""
    weights = nonnegative(rows, np.ones(len(rows)))
    kept = np.flatnonzero((rows * weights).max(axis=0) > 1e-3)  # noqa: PLR2004
    result = np.zeros(rows.shape[1])
    result[kept] = nonnegative(rows[:, kept], np.ones(len(rows)))
    return result


def nonnegative(rows: Array, wanted: Array) -> Array:
    """The x >= 0 that minimises ``|rows @ x - wanted|``.

    Lawson and Hanson's active sets: Solving Least Squares Problems, 1974, chapter 23.
    """
    scale = np.linalg.norm(rows, axis=0)
    scale[scale == 0] = 1
    a = rows / scale
    x = np.zeros(a.shape[1])
    active = np.zeros(a.shape[1], bool)
    for _ in range(10 * a.shape[1]):
        gradient = np.where(active, -np.inf, a.T @ (wanted - a @ x))
        best = int(gradient.argmax())
        if gradient[best] <= 1e-9:  # noqa: PLR2004
            break
        active[best] = True
        while True:
            inner = np.zeros_like(x)
            inner[active] = np.linalg.lstsq(a[:, active], wanted, rcond=None)[0]
            if (inner[active] > 0).all():
                break
            low = active & (inner <= 0)
            step = min((x[low] / (x[low] - inner[low])).tolist())
            x += step * (inner - x)
            active &= x > 1e-12  # noqa: PLR2004
        x = inner
    return x / scale
