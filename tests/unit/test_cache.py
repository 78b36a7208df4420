"""The cache: what it holds, and that clearing takes nothing that edgekit did not put there."""

import fcntl
import json
import os
import shutil
import threading

import pytest
from typer.testing import CliRunner

from edgekit import cache
from edgekit.cli import app
from edgekit.errors import UserError


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A cache with a build, zig's files and something of the user's own."""
    monkeypatch.setenv("EDGEKIT_CACHE_DIR", str(tmp_path / "cache"))
    root = tmp_path / "cache"
    for name, size in (("builds/model-a/build/model.elf", 3000), ("builds/.model-a.lock", 0), ("zig/o/x.o", 500)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(bytes(size))
    (root / "thesis.txt").write_text("the user's own")
    return root


def doctor(*args):
    result = CliRunner(env={"COLUMNS": "100"}).invoke(app, ["doctor", *args])
    assert result.exit_code == 0, result.output
    return result.stdout


def files(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def test_a_dry_run_says_the_sizes_and_removes_nothing(folder):
    before = files(folder)
    tree = json.loads(doctor("--clear-cache", "--dry-run", "--json"))["cache"]
    assert (tree["bytes"], tree["cleared"], tree["path"]) == (3500, False, str(folder))
    assert {k["name"]: k["bytes"] for k in tree["kept"]} == {"builds": 3000, "zig": 500}
    text = doctor("--dry-run")
    assert "3,500 B" in text
    assert files(folder) == before


def test_clearing_removes_what_edgekit_made_and_leaves_what_it_did_not(folder):
    text = doctor("--clear-cache")
    assert "removed from" in text
    assert "3,500 B" in text
    assert files(folder) == ["thesis.txt"]
    assert json.loads(doctor("--clear-cache", "--json"))["cache"]["bytes"] == 0


def test_a_build_under_way_stays(folder):
    with (folder / "builds" / ".model-a.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another edgekit is building it" in " ".join(doctor("--clear-cache").split())
    assert files(folder) == ["builds/.model-a.lock", "builds/model-a/build/model.elf", "thesis.txt"]


def test_a_link_is_taken_away_and_what_it_points_to_is_not(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("x")
    (folder / "builds" / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "native").symlink_to(tmp_path / "elsewhere")
    assert cache.clear().cleared
    assert (tmp_path / "elsewhere" / "precious").exists()
    assert not (folder / "builds" / "link").is_symlink()


def test_what_cannot_be_removed_is_one_clear_error(monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(cache.shutil, "rmtree", refuse)
    with pytest.raises(UserError, match="cannot be cleared"):
        cache.clear()


def test_doctor_says_how_large_the_cache_is(folder):
    assert f"3,500 B in {folder}" in doctor().replace("\n", " ")


def test_no_cache_at_all_is_fine(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEKIT_CACHE_DIR", str(tmp_path / "none"))
    assert cache.clear().bytes == 0


@pytest.mark.parametrize("kind", ["pipe", "dangling link", "folder"])
def test_what_is_no_lock_of_edgekits_neither_stops_nor_hangs_the_doctor(folder, kind):
    lock = folder / "builds" / ".odd.lock"
    if kind == "pipe":
        os.mkfifo(lock)
    elif kind == "folder":
        lock.mkdir()
    else:
        lock.symlink_to(folder / "nowhere")
    tree = json.loads(doctor("--clear-cache", "--dry-run", "--json"))["cache"]
    assert (tree["bytes"], tree["busy"]) == (3500, [])


def test_sizes_are_told_while_another_edgekit_takes_files_and_folders_away(folder):
    stop = threading.Event()

    def churn():
        while not stop.is_set():
            place = folder / "builds" / "b" / "c"
            place.mkdir(parents=True, exist_ok=True)
            (place / "x.o").touch()
            shutil.rmtree(folder / "builds" / "b", ignore_errors=True)

    other = threading.Thread(target=churn)
    other.start()
    try:
        for _ in range(300):
            found = {k.name: k.bytes for k in cache.look().kept}
            assert found == {"builds": 3000, "zig": 500}
    finally:
        stop.set()
        other.join()
