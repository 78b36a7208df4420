"""What a test needs beyond Python and the extra `test`: tools, large packages and the reference models.

A test without what it needs is skipped, with the reason; if ``EDGEKIT_REQUIRE`` (names separated by commas) lists
it, the test fails instead. Nothing else under tests/ may skip: ``tests/test_architecture.py`` sees to it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

APT = {
    "qemu-system-arm": "qemu-system-arm",
    "qemu-aarch64": "qemu-user",
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu",
    "gcc": "gcc",
    "openocd": "openocd",
    "ser2net": "ser2net",
    "chromium": "chromium fonts-dejavu-core",
    "ssh": "openssh-client",
    "sshd": "openssh-server",
}
"""Tools tests may need, and the Debian packages that bring them."""

PACKAGES = {"tensorflow": "edgekit[tensorflow]", "mlxtend": "edgekit[data]", "seglearn": "edgekit[data]"}
"""Python packages tests may need beyond the extra `test`, and what pip installs them from."""

MODELS = "models"
"""The name in EDGEKIT_REQUIRE of the folder that EDGEKIT_MODELS names."""


def required() -> frozenset[str]:
    """The names in EDGEKIT_REQUIRE.

    Raises:
        pytest.UsageError: if one of them is none that a test could need.
    """
    names = frozenset(n.strip() for n in os.environ.get("EDGEKIT_REQUIRE", "").split(",") if n.strip())
    unknown = names - {*APT, *PACKAGES, MODELS}
    if unknown:
        message = f"EDGEKIT_REQUIRE has unknown {sorted(unknown)}; known are {sorted({*APT, *PACKAGES, MODELS})}"
        raise pytest.UsageError(message)
    return names


def need(tool: str) -> str:
    """The path of ``tool``; without it the running test is skipped, or fails if the tool is required."""
    found = shutil.which(tool)
    if found is None:
        _absent(tool, f"{tool} is not installed; Debian: apt-get install {APT[tool]}")
    return found


def package(name: str) -> None:
    """See that ``name`` can be imported; without it the running test is skipped, or fails if it is required."""
    if importlib.util.find_spec(name) is None:
        _absent(name, f"the package {name} is not installed; pip install '{PACKAGES[name]}'")


def model(name: str) -> Path:
    """The reference model ``<EDGEKIT_MODELS>/<name>``; without it the running test is skipped, or fails if required."""
    folder = os.environ.get("EDGEKIT_MODELS", "")
    path = Path(folder) / name
    if not folder:
        _absent(MODELS, "EDGEKIT_MODELS does not name the folder of the reference models")
    if not path.is_file():
        _absent(MODELS, f"EDGEKIT_MODELS={folder} holds no {name}")
    return path


def _absent(name: str, reason: str) -> NoReturn:
    if name in required():
        pytest.fail(f"{reason} (EDGEKIT_REQUIRE asks for {name})", pytrace=False)
    pytest.skip(reason)
