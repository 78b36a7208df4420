"""Sizes read from linked images: every byte has a name, and the names add up to what is reported."""

import json
from dataclasses import dataclass

import pytest
from support.need import need
from typer.testing import CliRunner

import edgekit
from edgekit import demo
from edgekit.cli import app
from edgekit.toolchain.elf import Image, Section, Symbol
from edgekit.toolchain.footprint import UNNAMED, Part, parts

BOARDS = ("nucleo-l4r5zi", "emu-m0plus", "raspberry-pi-pico", "emu-m55")


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
@pytest.mark.parametrize("board", BOARDS)
def test_every_byte_of_code_constants_and_static_data_has_a_name(board, toolchain):
    if toolchain == "gcc":
        need("arm-none-eabi-gcc")
    built = edgekit.build(demo.MODEL, board, toolchain=toolchain)
    sizes = built.sizes
    assert sum(p.bytes for p in built.code_parts) == sizes.code
    assert sum(p.bytes for p in built.static_parts) == sizes.static
    filling = sizes.weights - sum(layer.weight_bytes for layer in built.plan.layers)
    assert 0 <= filling < 8, "only alignment"
    assert all(p.bytes > 0 for p in built.code_parts + built.static_parts)
    unnamed = sum(p.bytes for p in built.code_parts if p.name == UNNAMED)
    assert unnamed < 0.05 * sizes.code
    assert any(p.name == "ek_model_invoke" for p in built.code_parts)


def test_explain_size_prints_what_adds_up():
    tree = json.loads(CliRunner().invoke(app, ["explain", "size", str(demo.MODEL), "--json"]).stdout)
    assert sum(p["bytes"] for p in tree["code"]) == tree["flash"]["code"]
    assert sum(p["bytes"] for p in tree["static"]) == tree["ram"]["static"]
    assert sum(layer["weight_bytes"] for layer in tree["layers"]) == tree["flash"]["weights"]


@dataclass
class _Where:
    symbols: tuple[Symbol, ...]


def test_aliases_and_overlaps_count_once_and_gaps_are_told():
    text = Section(".text", 0x100, 100, loaded=True, in_ram=False)
    symbols = (
        Symbol("thumb", 0x101, 20, ".text", function=True),
        Symbol("alias", 0x101, 20, ".text", function=True),
        Symbol("inner", 0x10B, 14, ".text", function=True),
        Symbol("table", 0x120, 60, ".text", function=False),
        Symbol("elsewhere", 0x110, 8, ".data", function=False),
    )
    image = Image(demo.MODEL, 0, (text,), (), symbols, {}, ())
    assert parts(image, [text]) == (
        Part("table", ".text", 60), Part("alias", ".text", 20), Part(UNNAMED, ".text", 16), Part("inner", ".text", 4),
    )  # fmt: skip
    assert parts(image, [text, Section(".data", 0x110, 8, loaded=True, in_ram=True)])[-2:] == (
        Part("elsewhere", ".data", 8),
        Part("inner", ".text", 4),
    )
