from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import need

CI = Path(__file__).resolve().parents[2] / ".ci" / "run"


def test_a_missing_tool_skips_the_test_and_says_how_to_get_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("EDGEKIT_REQUIRE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install qemu-system-arm"):
        need.need("qemu-system-arm")


def test_a_missing_tool_that_is_required_fails_the_test(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("EDGEKIT_REQUIRE", "gcc, qemu-system-arm")
    with pytest.raises(pytest.fail.Exception, match="EDGEKIT_REQUIRE asks for qemu-system-arm"):
        need.need("qemu-system-arm")


def test_a_tool_that_is_there_is_found(monkeypatch, tmp_path):
    tool = tmp_path / "gcc"
    tool.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert need.need("gcc") == str(tool)


def test_a_misspelt_requirement_is_refused(monkeypatch):
    monkeypatch.setenv("EDGEKIT_REQUIRE", "quemu")
    with pytest.raises(pytest.UsageError, match="unknown \\['quemu'\\]"):
        need.required()


def test_models_are_found_through_the_environment(monkeypatch, tmp_path):
    (tmp_path / "net.tflite").touch()
    monkeypatch.setenv("EDGEKIT_MODELS", str(tmp_path))
    assert need.model("net.tflite") == tmp_path / "net.tflite"


@pytest.mark.parametrize("folder", ["", "elsewhere"])
def test_missing_models_skip_or_fail_as_asked(monkeypatch, folder):
    monkeypatch.setenv("EDGEKIT_MODELS", folder)
    monkeypatch.delenv("EDGEKIT_REQUIRE", raising=False)
    with pytest.raises(pytest.skip.Exception, match="EDGEKIT_MODELS"):
        need.model("net.tflite")
    monkeypatch.setenv("EDGEKIT_REQUIRE", "models")
    with pytest.raises(pytest.fail.Exception, match="asks for models"):
        need.model("net.tflite")


@pytest.mark.parametrize("tool", sorted(need.APT))
def test_ci_installs_and_requires_every_tool_a_test_may_need(tool):
    script = CI.read_text(encoding="utf-8")
    packages = re.search(r"packages=\(([^)]*)\)", script)
    required = re.search(r"EDGEKIT_REQUIRE=(\S+)", script)
    assert packages is not None
    assert required is not None
    assert set(need.APT[tool].split()) <= set(packages[1].split())
    assert tool in required[1].split(",")
