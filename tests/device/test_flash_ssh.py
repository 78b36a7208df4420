"""Linux boards over ssh: copying, checking over there, running; against OpenSSH's server and one that misbehaves."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shlex
import threading
import time

import pytest
from support import need
from support.ssh_server import Client, OpenSshd, PythonSshd
from typer.testing import CliRunner

import edgekit
from edgekit import board as board_files
from edgekit import demo
from edgekit.cli import app
from edgekit.device import ssh
from edgekit.device.deploy import Image
from edgekit.device.discovery.ask import ask
from edgekit.device.discovery.found import Found
from edgekit.device.flash import run
from edgekit.device.flash.choose import Choice, Wish, choose
from edgekit.device.flash.running import build_id_of
from edgekit.device.flash.ssh import BySsh
from edgekit.device.transport import open_port
from edgekit.errors import FlashError, LinkError, PortError, UsageError

BOARD = """\
title = "a Linux computer like this one"
port = "linux"
emulator = "native"
checked = false

[target]
core = "host"
clock_hz = 100_000_000 # port linux counts 10 ns

[flash]
methods = ["ssh"]
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Keys, known hosts and the wrapper of ssh, at the head of PATH."""
    need.need("ssh")
    folder = tmp_path_factory.mktemp("client")
    made = Client(folder)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
    yield made
    os.environ["PATH"] = before


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The demonstration's model for a Linux computer like this one: board file and image."""
    folder = tmp_path_factory.mktemp("linux")
    file = folder / "like-this.toml"
    file.write_text(BOARD)
    made = edgekit.build(demo.MODEL, str(file), folder / "out")
    return file, Image(made.image, made.elf, made.build_id)


@pytest.fixture(params=["OpenSSH", "asyncssh"])
def server(request, client, tmp_path):
    """A board whose host key is known; its home is tmp_path/home."""
    (tmp_path / "home").mkdir()
    if request.param == "OpenSSH":
        need.need("sshd")
        made = OpenSshd(client, tmp_path / "home")
    else:
        made = PythonSshd(client, tmp_path / "home")
    client.know(made.port)
    yield made
    made.close()


@pytest.fixture
def hostile(client, tmp_path):
    """A function that makes a board which treats every command its own way."""
    made = []

    def make(behave):
        (tmp_path / "home").mkdir(exist_ok=True)
        made.append(PythonSshd(client, tmp_path / "home", behave))
        client.know(made[-1].port)
        return made[-1]

    yield make
    for one in made:
        one.close()


def silent(*_):
    pass


def flash(built, url, progress=silent, **options):
    board, image = board_files.load(built[0]), built[1]
    way = BySsh(board, image, ssh.parse(url))
    return run.flash(board, image, Choice(way, "test", url), progress, **options)


def test_a_program_is_copied_checked_over_there_and_run(built, server, tmp_path):
    seen = []
    done = flash(built, server.url, lambda *step: seen.append(step))
    data = built[1].elf.read_bytes()
    installed = tmp_path / "home/.edgekit/bench"
    assert installed.read_bytes() == data
    assert [p.name for p in installed.parent.iterdir()] == ["bench"]
    assert len(done.verified) == 2
    assert "SHA-256" in done.verified[0]
    assert ("copying", len(data), len(data)) in seen
    assert build_id_of(server.url, 0) == built[1].build_id


def test_a_board_that_has_this_very_image_is_left_alone_unless_forced(built, server, tmp_path):
    flash(built, server.url)
    before = (tmp_path / "home/.edgekit/bench").stat()
    assert flash(built, server.url).skipped
    assert (tmp_path / "home/.edgekit/bench").stat().st_ino == before.st_ino
    assert not flash(built, server.url, force=True).skipped
    assert (tmp_path / "home/.edgekit/bench").stat().st_ino != before.st_ino


def test_the_commands_flash_verify_and_profile_the_program_on_the_board(built, server):
    common = (str(demo.MODEL), "--board", str(built[0]), "--port", server.url, "--json")
    flashed = CliRunner().invoke(app, ["flash", *common])
    assert flashed.exit_code == 0, flashed.stderr
    assert json.loads(flashed.stdout)["via"] == "ssh"
    checked = CliRunner().invoke(app, ["verify", *common, "--count", "2"])
    assert checked.exit_code == 0, checked.stderr
    assert json.loads(checked.stdout)["exact"]
    found = json.loads(CliRunner().invoke(app, ["profile", *common, "--runs", "3"]).stdout)
    assert (found["how"], found["exact"]) == ("measured", True)


def test_a_dry_run_prints_commands_that_do_the_same(built, server, tmp_path):
    args = ["flash", str(demo.MODEL), "--board", str(built[0]), "--port", server.url, "--dry-run", "--json"]
    result = CliRunner().invoke(app, args)
    assert result.exit_code == 0, result.stderr
    assert not list((tmp_path / "home").iterdir())
    way = BySsh(board_files.load(built[0]), built[1], ssh.parse(server.url))
    for command in way.commands:
        assert os.system(f"{command} > /dev/null") == 0  # noqa: S605 - as a user would paste it
    assert (tmp_path / "home/.edgekit/bench").read_bytes() == built[1].elf.read_bytes()
    planned = json.loads(result.stdout)["commands"][-2:]
    assert [shlex.split(c)[-1 if i else -3] for i, c in enumerate(planned)] == [
        shlex.split(c)[-1 if i else -3] for i, c in enumerate(way.commands)
    ]


def test_an_aarch64_program_runs_on_a_board_of_that_kind(firmware, client, tmp_path):
    need.need("sshd")
    emulator = need.need("qemu-aarch64")
    made = firmware("raspberry-pi-4")
    (tmp_path / "home").mkdir()
    server = OpenSshd(client, tmp_path / "home", emulator=f"{emulator} -cpu cortex-a72")
    try:
        client.know(server.port)
        args = ["--board", "raspberry-pi-4", "--port", server.url, "--json"]
        flashed = CliRunner().invoke(app, ["flash", str(made.folder), *args])
        assert flashed.exit_code == 0, flashed.stderr
        assert len(json.loads(flashed.stdout)["verified"]) == 2
        checked = CliRunner().invoke(app, ["verify", str(demo.MODEL), *args, "--count", "1"])
        assert json.loads(checked.stdout)["exact"], checked.stderr
    finally:
        server.close()


def test_a_program_of_another_processor_is_an_error_that_says_so(firmware, server):
    made = firmware("raspberry-pi-4")
    way = BySsh(made.board, made.image, ssh.parse(server.url))
    with pytest.raises((PortError, LinkError)) as caught:
        run.flash(made.board, made.image, Choice(way, "test", server.url), silent, answer_s=0.5)
    assert "cannot run the program" in str(caught.value)
    assert "64 bits" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "words"), [(None, "is not known on this computer"), ("other", "another one than before")]
)
def test_a_host_key_is_never_accepted_silently(built, server, client, key, words):
    """Also where the user's configuration would accept it (it says accept-new)."""
    (client.folder / "known_hosts").write_text("")
    if key:
        client.know(server.port, key)
    known = (client.folder / "known_hosts").read_text()
    with pytest.raises(FlashError, match=words) as caught:
        flash(built, server.url)
    assert "keeps the one it had" in str(caught.value)
    assert (client.folder / "known_hosts").read_text() == known
    with pytest.raises(PortError, match=words):
        open_port(server.url)


def test_a_key_the_board_does_not_know_is_told_with_the_next_step(server, client):
    user, kept = client.folder / "user", client.folder / "user.kept"
    user.rename(kept)
    try:
        (client.folder / "other").rename(user)
        with pytest.raises(PortError, match=r"without a password.*ssh-copy-id \w+@127.0.0.1"):
            open_port(server.url)
        user.rename(client.folder / "other")
    finally:
        kept.rename(user)


def ended(url):
    """Why the program of a place ended by itself."""
    port = open_port(url)
    try:
        with pytest.raises(PortError) as caught:
            port.read(10)
        return str(caught.value)
    finally:
        port.close()


def test_nobody_there_no_such_name_and_no_program_are_told_apart(server):
    assert re.search(r"there is no program .edgekit/bench.*edgekit flash", ended(server.url))
    with pytest.raises(PortError, match="does not answer"):
        open_port("ssh://a@127.0.0.1:9")
    with pytest.raises(PortError, match="no computer of this name"):
        open_port("ssh://edgekit.invalid")
    assert ask(server.url, 0) is None


def test_a_program_that_dies_is_told_by_its_signal(server, tmp_path):
    program = tmp_path / "home/dies"
    program.write_text("#!/bin/sh\nkill -TRAP $$\n")
    program.chmod(0o755)
    assert "ended by signal 5" in ended(f"{server.url}/~/dies")


def test_the_program_ends_when_the_port_is_closed(built, server):
    flash(built, server.url)
    port = open_port(server.url)
    begin = time.monotonic()
    port.close()
    assert time.monotonic() - begin < 4
    assert port._process.poll() == 0


@pytest.mark.parametrize("path", ["/~/a b/it's $HOME `x`", "{home}/abso lute"])
def test_any_path_is_taken_as_it_is(built, server, tmp_path, path):
    url = server.url + path.format(home=tmp_path / "home")
    flash(built, url)
    assert build_id_of(url, 0) == built[1].build_id
    place = path.removeprefix("/~/") if "~" in path else "abso lute"
    assert (tmp_path / "home" / place).is_file()


@pytest.mark.parametrize(
    "url",
    ["ssh://", "ssh://-oProxyCommand=x", "ssh://a@-b", "ssh://user:secret@host", "ssh://host:99999", "ssh://a b/",
     "ssh://host/a\nb", "ssh://host/a%0Ab"],
)  # fmt: skip
def test_what_is_no_address_is_refused_before_anything_runs(url):
    with pytest.raises(PortError, match="no ssh address"):
        ssh.parse(url)


@pytest.mark.parametrize(
    "url", ["ssh://pi@raspberrypi", "ssh://h:2222/opt/x", "ssh://a@[fe80::1]:22/~/x/y", "ssh://orin.local"]
)
def test_an_address_is_told_as_it_was_given(url):
    assert ssh.parse(url).url == url
    assert ssh.parse("ssh://h/").program == ssh.PROGRAM


def failure(built, server):
    begin = time.monotonic()
    with pytest.raises(FlashError) as caught:
        flash(built, server.url, force=True)
    assert time.monotonic() - begin < 60
    assert len(str(caught.value)) < 2_000
    return str(caught.value)


def test_a_connection_cut_half_way_leaves_the_old_program_and_says_so(built, hostile):
    async def cut(process):
        await process.stdin.read(20_000)
        process.channel.get_connection().abort()

    text = failure(built, hostile(cut))
    assert "keeps the one it had" in text
    assert "connection to the board broke" in text


def test_a_copy_that_ends_early_never_replaces_the_program(built, server, tmp_path):
    """Whatever reads less than was sent: what lies over there is not what was sent."""
    installed = tmp_path / "home/.edgekit/bench"
    installed.parent.mkdir()
    installed.write_text("the old one")
    (tmp_path / "home/.edgekit/bench.part").mkdir()
    text = failure(built, server)
    assert "keeps the one it had" in text
    assert installed.read_text() == "the old one"


def test_a_checksum_that_differs_is_not_believed(built, hostile):
    server = hostile(None)

    async def lie(process):
        while await process.stdin.read(65_536):
            pass
        process.stdout.write(b"\nedgekit-sha256 " + hashlib.sha256(b"x").hexdigest().encode() + b"\n")
        process.exit(0)

    server.behave = lie
    text = failure(built, server)
    assert "not what was sent" in text
    assert len(server.commands) == 1


def test_storage_that_does_not_keep_it_is_told(built, hostile):
    async def forget(process):
        data = b""
        while piece := await process.stdin.read(65_536):
            data += piece
        process.stdout.write(b"edgekit-sha256 " + hashlib.sha256(data).hexdigest().encode() + b"\n")
        process.exit(0)

    assert "not to be trusted" in failure(built, hostile(forget))


@pytest.mark.parametrize("what", ["out", "err", "both sums", "nothing", "escape"])
def test_answers_without_end_or_sense_are_bounded(built, hostile, what):
    async def babble(process):
        stream = process.stderr if what in ("err", "escape") else process.stdout
        if what == "both sums":
            stream.write((b"edgekit-sha256 " + b"0" * 64 + b"\n") * 2)
        elif what == "escape":
            stream.write(b"\x1b]0;title\x07\x1b[2J" * 100)
        elif what != "nothing":
            for _ in range(200):
                stream.write(b"y" * 65_536)
                await stream.drain()
        process.exit(1 if what == "escape" else 0)

    text = failure(built, hostile(babble))
    assert "keeps the one it had" in text
    assert "\x1b" not in text


def test_a_port_that_babbles_before_the_program_begins_is_given_up(hostile):
    async def babble(process):
        while True:
            process.stdout.write(b"motd " * 10_000)
            await process.stdout.drain()

    begin = time.monotonic()
    with pytest.raises(PortError, match="does not start the program"):
        open_port(hostile(babble).url)
    assert time.monotonic() - begin < 30


def test_a_login_that_hangs_is_given_up(hostile, monkeypatch):
    monkeypatch.setattr(ssh, "_OPEN_S", 1.0)

    async def hang(_process):
        await asyncio.sleep(60)

    with pytest.raises(PortError, match="does not start the program"):
        open_port(hostile(hang).url)


def test_a_board_that_takes_no_data_is_given_up(hostile, monkeypatch):
    monkeypatch.setattr(ssh, "_WRITE_S", 1.0)

    async def deaf(process):
        process.stdout.write(b"\nedgekit-begin\n")
        await asyncio.sleep(60)

    port = open_port(hostile(deaf).url)
    with pytest.raises(PortError, match="takes no data"):
        port.write(bytes(32_000_000))
    port.close()


def test_nothing_is_left_running(built, server):
    before = threading.active_count()
    flash(built, server.url)
    assert threading.active_count() <= before + 1  # the server's own


def test_without_an_address_it_is_said_how_to_give_one(built):
    with pytest.raises(UsageError, match="--port ssh://USER@HOST"):
        choose(board_files.load(built[0]), built[1], Wish(via="ssh"), lambda: Found((), ()), dry_run=True)
    choice = choose(board_files.load(built[0]), built[1], Wish(port="ssh://pi@zero"), lambda: Found((), ()))
    assert (choice.way.name, choice.port) == ("ssh", "ssh://pi@zero")
