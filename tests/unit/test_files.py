"""Files of the user: written whole or not at all, read up to a limit, and never replaced by something else."""

import os
import stat
import subprocess
import sys
import threading

import pytest
from typer.testing import CliRunner

from edgekit import bundle, demo
from edgekit.cli import app
from edgekit.errors import ModelError, ResultError, UserError
from edgekit.files import read_at_most, write_whole
from edgekit.frontends import tflite


def test_a_file_is_replaced_whole_and_keeps_its_rights(tmp_path):
    path = tmp_path / "page.html"
    path.write_bytes(b"before, and longer")
    path.chmod(0o640)
    assert write_whole(path, b"after") == 5
    assert path.read_bytes() == b"after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_a_link_stays_and_the_file_it_names_is_written(tmp_path):
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "page.html"
    target.write_bytes(b"before")
    link = tmp_path / "page.html"
    link.symlink_to(target)
    write_whole(link, b"after")
    assert link.is_symlink()
    assert target.read_bytes() == b"after"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_whole(pipe, b"page")
    reader.join(10)
    assert heard == [b"page"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_what_cannot_be_written_is_an_error_that_leaves_nothing(tmp_path):
    for path in (tmp_path, tmp_path / "no folder" / "page.html"):
        with pytest.raises(UserError, match="cannot be written"):
            write_whole(path, b"page")
    assert not list(tmp_path.iterdir())


def test_a_file_is_read_up_to_a_limit(tmp_path):
    path = tmp_path / "ten"
    path.write_bytes(bytes(10))
    assert read_at_most(path, 10) == bytes(10)
    with pytest.raises(OSError, match="more than 9 bytes"):
        read_at_most(path, 9)


def test_no_more_of_a_model_or_a_result_is_read_than_the_limit(monkeypatch, tmp_path):
    endless = tmp_path / "endless"
    endless.write_bytes(bytes(1001))
    monkeypatch.setattr(tflite, "_MAX_BYTES", 1000)
    with pytest.raises(ModelError, match="more than 1,000 bytes"):
        tflite.read(endless)
    monkeypatch.setattr(bundle, "_MAX_BYTES", 1000)
    done = CliRunner(env={"COLUMNS": "200"}).invoke(app, ["report", str(endless)], prog_name="edgekit")
    assert done.exit_code == ResultError.exit_code
    assert "more than 1,000 bytes" in done.stderr


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_stdout_that_takes_nothing_is_said_without_a_traceback(form, tmp_path):
    (tmp_path / "taken").touch()
    with (tmp_path / "taken").open("rb") as unwritable:  # as on a full disk, every write fails
        done = subprocess.run(
            [sys.executable, "-m", "edgekit", "dump", str(demo.MODEL), *form],
            stdout=unwritable, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == UserError.exit_code
    assert "cannot be printed" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
