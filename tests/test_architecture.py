"""The shape of the code, enforced on its syntax trees: who imports whom, how long things are, what never occurs."""

from __future__ import annotations

import ast
import graphlib
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "edgekit"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_MODULE_LINES, MAX_FUNCTION_LINES = 450, 60

LEVELS: tuple[tuple[str, ...], ...] = (
    ("", "errors", "resources", "demo"),
    ("board", "ir", "ir.graph", "ir.quant"),
    ("ops", "ir.*", "samples"),
    ("frontends", "compress", "passes", "reference"),
    ("plan",),
    ("codegen",),
    ("toolchain", "emulate"),
    ("device",),
    ("results", "analysis", "doctor", "execution", "report", "reports"),
    ("verbs",),
    ("commands", "cli", "__main__", "demo.*"),
)
"""From the ground up: a module imports from its own level or below, never from above. "" is edgekit itself, which loads
its verbs only when they are asked for."""

HEAVY = {"tensorflow", "keras", "tf_keras", "torch", "onnx"}
HEAVY_HOMES = ("frontends.keras", "frontends.onnx", "frontends.torch", "compress", "demo.make")
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
EVERY_MODULE = pytest.mark.parametrize("module", sorted(PARSED), ids=lambda m: m or "edgekit")


def inner_imports(module: str) -> list[Import]:
    return [i for i in IMPORTS[module] if i.top == "edgekit" and not i.types]


@EVERY_MODULE
def test_a_module_imports_only_from_its_own_level_or_below(module):
    above = [f"line {i.line}: {i.name}" for i in inner_imports(module) if level(i.inner) > level(module)]
    assert not above


@EVERY_MODULE
def test_imports_name_the_full_module(module):
    assert not [i.line for i in IMPORTS[module] if i.name.startswith(".")]


def test_no_two_modules_import_each_other_even_through_others():
    tree = {m: {i.inner for i in inner_imports(m) if i.inner != m} for m in PARSED}
    graphlib.TopologicalSorter(tree).prepare()


@pytest.mark.parametrize("module", [m for m in PARSED if m.split(".")[0] == "codegen"])
def test_the_code_generator_sees_the_plan_and_nothing_of_the_compiler(module):
    allowed = {"edgekit.plan.plan", "edgekit.errors", "edgekit.resources", "jinja2"}
    others = [
        f"line {i.line}: {i.name}"
        for i in IMPORTS[module]
        if i.name not in allowed
        and not i.name.startswith("edgekit.codegen")
        and i.top not in sys.stdlib_module_names
        and not i.types
    ]
    assert not others


@pytest.mark.parametrize("module", [m for m in PARSED if m.split(".")[0] == "device"])
def test_the_device_side_knows_the_plan_and_nothing_else_of_the_compiler(module):
    others = [
        f"line {i.line}: {i.name}"
        for i in inner_imports(module)
        if i.inner.split(".")[0] in COMPILER and i.inner != "plan.plan"
    ]
    assert not others


def test_the_plan_is_plain_data():
    assert not [i.name for i in IMPORTS["plan.plan"] if i.top not in sys.stdlib_module_names]


@EVERY_MODULE
def test_heavy_packages_are_imported_only_where_they_are_needed(module):
    at_home = module.startswith(HEAVY_HOMES)
    wrong = [f"line {i.line}: {i.name}" for i in IMPORTS[module] if i.top in HEAVY and not (at_home and i.deep)]
    assert not wrong


@EVERY_MODULE
def test_every_package_used_is_a_declared_dependency(module):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[^\w-]", d, maxsplit=1)[0].lower() for d in project["dependencies"]}
    undeclared = [
        f"line {i.line}: {i.name}"
        for i in IMPORTS[module]
        if i.top not in {"edgekit", *sys.stdlib_module_names, *HEAVY}
        and DISTRIBUTIONS.get(i.top, i.top) not in declared
        and module != "demo.make"
    ]
    assert not undeclared


@EVERY_MODULE
def test_modules_are_short(module):
    path = PACKAGE.joinpath(*module.split(".")) if module else PACKAGE
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    assert len(file.read_text(encoding="utf-8").splitlines()) <= MAX_MODULE_LINES


@EVERY_MODULE
def test_functions_are_short(module):
    long = [
        f"line {f.lineno}: {f.name}"
        for f in ast.walk(PARSED[module])
        if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)
        and (f.end_lineno or f.lineno) - f.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert not long


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
