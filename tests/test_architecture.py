"""The shape of the code, enforced on its syntax trees: who imports whom, how long things are, what never occurs."""

from __future__ import annotations

import ast
import graphlib
import re
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "edgekit"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_MODULE_LINES, MAX_FUNCTION_LINES = 450, 60

LEVELS: tuple[tuple[str, ...], ...] = (
    ("", "errors", "files", "resources", "demo"),
    ("board", "ir", "ir.graph", "ir.quant"),
    ("ops", "ir.*", "sample_files", "samples"),
    ("frontends", "compress", "passes", "reference"),
    ("plan",),
    ("codegen",),
    ("toolchain", "emulate"),
    ("device",),
    ("scoring", "results", "costs", "timing", "energy", "analysis", "execution", "journal", "evaluation"),
    (
        "contract",
        "bundle",
        "compare",
        "limits",
        "keeping",
        "cache",
        "doctor",
        "fits",
        "flashing",
        "quantizing",
        "report",
        "reports",
        "bench",
    ),
    ("verbs", "compressing", "reports.compressing"),
    ("commands", "cli", "__main__", "demo.*"),
)
"""From the ground up: a module imports from its own level or below, never from above. "" is edgekit itself, which loads
its verbs only when they are asked for."""

HEAVY = {"tensorflow", "keras", "tf_keras", "torch", "onnx", "pyocd", "pyjoulescope_driver"}
HEAVY_HOMES = (
    "frontends.keras", "frontends.onnx", "frontends.torch", "compress", "demo.make", "device.discovery.usb",
    "device.flash.pyocd", "device.meters.joulescope",
)  # fmt: skip
COMPILER = {"ir", "ops", "frontends", "compress", "passes", "plan", "codegen"}
DISTRIBUTIONS = {"serial": "pyserial", "elftools": "pyelftools"}


@dataclass(frozen=True)
class Import:
    """One imported module, full name; ``deep`` if inside a function, ``types`` if only for the type checker."""

    name: str
    line: int
    deep: bool
    types: bool

    @property
    def top(self) -> str:
        return self.name.split(".", maxsplit=1)[0]

    @property
    def inner(self) -> str:
        """The name below edgekit; "" for edgekit itself."""
        return self.name.removeprefix("edgekit").removeprefix(".")


def module_name(path: Path, root: Path = PACKAGE) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str) -> bool:
    base = ROOT.joinpath(*name.split("."))
    return base.with_suffix(".py").is_file() or (base / "__init__.py").is_file()


def imports(tree: ast.AST) -> list[Import]:
    """Every import of a module; ``from package import module`` counts as the module."""
    found: list[Import] = []

    def visit(node: ast.AST, *, deep: bool, types: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(a.name, node.lineno, deep, types) for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = f"{'.' * node.level}{node.module or ''}"
            joined = [f"{module}.{a.name}" for a in node.names]
            found.extend(Import(j if is_module(j) else module, node.lineno, deep, types) for j in joined)
        checking = isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            visit(child, deep=deep or inside, types=types or checking)

    visit(tree, deep=False, types=False)
    return found


def level(module: str) -> int:
    """How high a module stands: the longest name in LEVELS that covers it decides."""
    parts = module.split(".")
    names = [module, f"{parts[0]}.*", *(".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1))]
    for name in names:
        for number, row in enumerate(LEVELS):
            if name in row:
                return number
    message = f"edgekit.{module} has no place in LEVELS"
    raise LookupError(message)


PARSED = {module_name(p): ast.parse(p.read_text(encoding="utf-8")) for p in FILES}
IMPORTS = {name: imports(tree) for name, tree in PARSED.items()}


def inner_imports(module: str) -> list[Import]:
    return [i for i in IMPORTS[module] if i.top == "edgekit" and not i.types]


def offenders(wrong: Callable[[str, Import], bool]) -> list[str]:
    """Every import for which ``wrong(module, import)`` holds, as text."""
    return [
        f"edgekit.{module}, line {i.line}: {i.name}"
        for module, found in IMPORTS.items()
        for i in found
        if wrong(module, i)
    ]


def inside(module: str, *packages: str) -> bool:
    return any(module == p or module.startswith(f"{p}.") for p in packages)


def test_a_module_imports_only_from_its_own_level_or_below():
    assert not offenders(lambda m, i: i.top == "edgekit" and not i.types and level(i.inner) > level(m))


def test_imports_name_the_full_module():
    assert not offenders(lambda _, i: i.name.startswith("."))


def test_no_two_modules_import_each_other_even_through_others():
    tree = {m: {i.inner for i in inner_imports(m) if i.inner != m} for m in PARSED}
    order = list(graphlib.TopologicalSorter(tree).static_order())  # raises the cycle it finds
    assert set(tree) <= set(order)


def test_the_code_generator_sees_the_plan_and_nothing_of_the_compiler():
    allowed = {"edgekit.plan.plan", "edgekit.errors", "edgekit.resources", "jinja2"}

    def foreign(i: Import) -> bool:
        own = inside(i.inner, "codegen") and i.top == "edgekit"
        return not (i.types or own or i.name in allowed or i.top in sys.stdlib_module_names)

    assert not offenders(lambda m, i: inside(m, "codegen") and foreign(i))


def test_the_device_side_knows_the_plan_and_nothing_else_of_the_compiler():
    def compiler(i: Import) -> bool:
        return i.top == "edgekit" and not i.types and inside(i.inner, *COMPILER) and i.inner != "plan.plan"

    assert not offenders(lambda m, i: inside(m, "device") and compiler(i))


def test_the_plan_is_plain_data():
    assert not offenders(lambda m, i: m == "plan.plan" and i.top not in sys.stdlib_module_names)


def test_heavy_packages_are_imported_only_where_they_are_needed():
    assert not offenders(lambda m, i: i.top in HEAVY and not (i.deep and inside(m, *HEAVY_HOMES)))


def test_every_package_used_is_a_declared_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[^\w-]", d, maxsplit=1)[0].lower() for d in project["dependencies"]}
    known = {"edgekit", *sys.stdlib_module_names, *HEAVY}

    def undeclared(module: str, i: Import) -> bool:
        return i.top not in known and DISTRIBUTIONS.get(i.top, i.top) not in declared and module != "demo.make"

    assert not offenders(undeclared)


def test_modules_are_short():
    lengths = {m: len(path.read_text(encoding="utf-8").splitlines()) for m, path in zip(PARSED, FILES, strict=True)}
    assert not {m: n for m, n in lengths.items() if n > MAX_MODULE_LINES}


def test_functions_are_short():
    functions = [
        (f"edgekit.{module}.{f.name}", (f.end_lineno or f.lineno) - f.lineno + 1)
        for module, tree in PARSED.items()
        for f in ast.walk(tree)
        if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert not [(name, n) for name, n in functions if n > MAX_FUNCTION_LINES]


def shipped_text() -> list[Path]:
    folders = (PACKAGE, ROOT / "templates", ROOT / "firmware", ROOT / "boards")
    kinds = {".py", ".j2", ".c", ".h", ".S", ".ld", ".cmake", ".toml"}
    return sorted(p for folder in folders for p in folder.rglob("*") if p.suffix in kinds)


def test_firmware_files_are_short():
    limits = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in shipped_text() if p.suffix in {".c", ".h"}}
    assert not {p.name: n for p, n in limits.items() if n > MAX_MODULE_LINES}


def test_nothing_shipped_is_unfinished():
    mark = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
    found = [p.relative_to(ROOT).as_posix() for p in shipped_text() if mark.search(p.read_text(encoding="utf-8"))]
    assert not found


def skips(tree: ast.AST) -> list[int]:
    """Lines that could skip a test: pytest.skip, importorskip, mark.skip, mark.skipif, unittest's ways."""
    names = {"skip", "skipif", "importorskip", "xfail", "skipTest", "SkipTest"}
    return [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Attribute) and n.attr in names]


def test_tests_skip_only_through_need():
    allowed = {"support/need.py", "unit/test_need.py"}
    folder = ROOT / "tests"
    wrong = {
        name: lines
        for path in sorted(folder.rglob("*.py"))
        if (name := path.relative_to(folder).as_posix()) not in allowed
        and (lines := skips(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert not wrong


def test_this_file_sees_imports_wherever_they_hide():
    source = """
from typing import TYPE_CHECKING
from edgekit.plan import plan, Plan
if TYPE_CHECKING:
    import edgekit.cli
def late():
    import tensorflow as tf
"""
    found = {(i.name, i.deep, i.types) for i in imports(ast.parse(source))}
    assert found == {
        ("typing", False, False),
        ("edgekit.plan.plan", False, False),
        ("edgekit.plan", False, False),
        ("edgekit.cli", False, True),
        ("tensorflow", True, False),
    }


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ("errors", "board"), ("ir.graph", "ops.base"), ("ir.quant", "ir.interp"), ("ops.conv_2d", "frontends.tflite"),
        ("passes.fold", "plan.plan"), ("plan.arena", "codegen.render"), ("codegen", "toolchain.project"),
        ("emulate.qemu", "device.link"), ("device.meters.ppk2", "cli"), ("device", "verbs"), ("demo", "demo.make"),
    ],
)  # fmt: skip
def test_levels_are_as_designed(low, high):
    assert level(low) < level(high)
