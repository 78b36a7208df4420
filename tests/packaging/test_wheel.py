"""The wheel: what it ships is what the checkout has, and it works where there is no checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ("templates", "firmware", "boards")
MAX_WHEEL_BYTES = 2_000_000


def files_below(folder):
    hidden = {"__pycache__", ".gitkeep"}
    return {p for p in folder.rglob("*") if p.is_file() and not hidden & {*p.parts} and p.suffix != ".pyc"}


def run(*command, **keywords):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **keywords)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT))
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="session")
def shipped(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {n: archive.read(n) for n in archive.namelist() if not n.endswith("/")}


@pytest.fixture(scope="session")
def python(wheel, tmp_path_factory):
    """An interpreter that sees the wheel and its dependencies, but neither the checkout nor an installed edgekit."""
    home = tmp_path_factory.mktemp("clean")
    venv.create(home, with_pip=False)
    interpreter = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", str(interpreter), "install", "--quiet", "--no-deps", str(wheel))
    site = Path(run(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # A plain path in a .pth file brings the dependencies; the .pth of an editable edgekit in there is not followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return interpreter


@pytest.mark.parametrize("folder", SHARED)
def test_a_data_folder_is_shipped_file_by_file(shipped, folder):
    checkout = {f"edgekit/_share/{p.relative_to(ROOT).as_posix()}": p.read_bytes() for p in files_below(ROOT / folder)}
    inside = {n for n in shipped if n.startswith(f"edgekit/_share/{folder}/") and not n.endswith(".gitkeep")}
    assert inside == set(checkout)
    assert not [n for n, content in checkout.items() if shipped[n] != content]


def test_the_package_is_shipped_file_by_file(shipped):
    checkout = {p.relative_to(ROOT).as_posix(): p.read_bytes() for p in files_below(ROOT / "edgekit")}
    inside = {n for n in shipped if n.startswith("edgekit/") and not n.startswith("edgekit/_share/")}
    assert inside == set(checkout)
    assert not [n for n, content in checkout.items() if shipped[n] != content]


def test_the_wheel_holds_nothing_else(shipped):
    assert {n.split("/")[0].split("-")[0] for n in shipped} == {"edgekit"}


def test_the_wheel_stays_small(wheel):
    assert wheel.stat().st_size < MAX_WHEEL_BYTES


def test_the_licences_travel_with_the_wheel(shipped):
    licences = {n.split("/licenses/")[1] for n in shipped if "/licenses/" in n}
    assert licences == {"LICENSE", "edgekit/demo/LICENSE"}


def test_an_installed_edgekit_finds_its_own_data(python, tmp_path):
    code = "import json, edgekit, edgekit.resources as r; print(json.dumps([edgekit.__file__, str(r.share())]))"
    package, share = json.loads(run(python, "-c", code, cwd=tmp_path))
    assert Path(package).is_relative_to(python.parents[1])
    assert Path(share) == Path(package).parent / "_share"


def test_the_command_of_an_installed_edgekit_shows_its_help(python, tmp_path):
    assert "build" in run(python.parent / "edgekit", "--help", cwd=tmp_path)


def test_an_installed_edgekit_knows_every_board_of_the_checkout(python, tmp_path):
    listed = run(python.parent / "edgekit", "boards", "--json", cwd=tmp_path)
    assert all(f'"{p.stem}"' in listed for p in (ROOT / "boards").glob("*.toml"))


def test_an_installed_edgekit_takes_the_shipped_model_to_a_verified_board(python, tmp_path):
    command = (python.parent / "edgekit", "demo", "--board", "emu-m4", "--count", "1", "--out", "firmware", "--json")
    found = json.loads(run(*command, cwd=tmp_path))
    assert found["exact"] is True
    assert (tmp_path / "firmware" / "CMakeLists.txt").is_file()
