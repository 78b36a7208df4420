"""Host compilers with sanitizers, and the warnings that generated C must not give."""

from __future__ import annotations

import sys

from support.need import need

COMPILERS = ("zig", "gcc")
_WARNINGS = (
    "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wundef", "-Wvla", "-Werror",
)  # fmt: skip


def command(name: str) -> list[str]:
    """zig's trapping undefined-behaviour sanitizer works everywhere; gcc brings the address sanitizer."""
    if name == "zig":
        zig = [sys.executable, "-m", "ziglang", "cc"]
        return [*zig, "-fsanitize=undefined", "-fsanitize-trap=undefined", *_WARNINGS]
    return [need("gcc"), "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *_WARNINGS]
