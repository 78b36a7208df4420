"""A board file is read strictly: whatever is wrong is said, all of it at once."""

import copy
import re
import tomllib

import pytest

from edgekit import board, resources
from edgekit.errors import BoardError

GOOD = {
    "title": "A board",
    "port": "mps2",
    "emulator": "unicorn",
    "checked": False,
    "target": {"core": "cortex-m4", "clock_hz": 1_000_000},
    "memory": [
        {"name": "flash", "kind": "flash", "origin": 0, "size": 1024},
        {"name": "sram", "kind": "ram", "origin": 4096, "size": 1024},
    ],
}


def refused(**changes):
    tree = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *tables, key = path.split("__")
        at = tree
        for table in tables:
            at = at[int(table)] if table.isdigit() else at.setdefault(table, {})
        if value is None:
            del at[key]
        else:
            at[key] = value
    with pytest.raises(BoardError) as error:
        board.parse(tree, "mine")
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize("name", board.names())
def test_every_shipped_board_loads_and_its_port_exists(name):
    loaded = board.load(name)
    assert loaded.name == name
    assert (resources.firmware() / "port" / loaded.port / "port.c").is_file()
    assert loaded.target.isas


@pytest.mark.parametrize("name", board.names())
def test_every_number_of_a_shipped_board_that_is_not_plain_says_where_it_comes_from(name):
    """Clock, origins of real memories and power are followed by a comment or lie under one that names a source."""
    text = (resources.boards() / f"{name}.toml").read_text(encoding="utf-8")
    assert re.search(r"^clock_hz = .* # .+", text, re.MULTILINE)
    for bank in re.findall(r"\[\[memory\]\](.*?)(?=\n\[|\Z)", text, re.DOTALL):
        assert "#" in bank
    assert "[power]" not in text or 'source = "' in text
    for table, key in (("usb", "ids"), ("volume", "code"), ("flash", "openocd"), ("flash", "pyocd")):
        found = re.search(rf"\[{table}\]\n(.*?)(?=\n\[|\Z)", text, re.DOTALL)
        if found and (line := re.search(rf"(# .+\n)?^{key} = .*$", found[1], re.MULTILINE)):
            assert "#" in line[0], (table, key)


def test_a_good_tree_is_read_completely():
    loaded = board.parse(
        {
            **copy.deepcopy(GOOD),
            "serial": {"baud": 9600},
            "usb": {"ids": ["1234:00ff"]},
            "volume": {"code": "XY-1", "image": "uf2", "uf2_family": 7, "uf2_absolute": True},
            "flash": {"methods": ["volume", "openocd"], "openocd": ["a.cfg", "adapter speed 1", "b.cfg"]},
            "trigger": {"pin": "PA1"},
        },
        "mine",
    )
    assert loaded.serial == board.Serial(9600)
    assert loaded.usb == ((0x1234, 0xFF),)
    assert loaded.volume == board.Volume("XY-1", "uf2", 7, uf2_absolute=True)
    assert loaded.flash.openocd == ("a.cfg", "adapter speed 1", "b.cfg")
    assert loaded.trigger == "PA1"
    assert loaded.checked == ""
    assert [m.end for m in loaded.target.memories] == [1024, 5120]
    assert loaded.target.banks("ram")[0].name == "sram"


def test_an_unknown_key_is_refused_with_the_nearest_known_one():
    (problem,) = refused(target__clok_hz=3)
    assert "clok_hz" in problem
    assert "Did you mean 'clock_hz'?" in problem


def test_all_problems_are_told_at_once():
    problems = refused(prt="x", port=None, target__core="cortex-m5", memory__0__kind="rom", memory__1__size="big")
    text = "\n".join(problems)
    for word in ("unknown key 'prt'", "'port' is missing", "cortex-m5", "rom", "'size' has the wrong type"):
        assert word in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"memory__1__origin": 512}, "overlap"),
        ({"memory__1__name": "flash"}, "one name"),
        ({"memory__1__kind": "flash"}, "at least one ram"),
        ({"emulator": "qemu"}, "unknown emulator"),
        ({"emulator": "qemu:"}, "unknown emulator"),
        ({"emulator": "qemu:mps2-an386,dumpdtb=/tmp/x"}, "unknown emulator"),
        ({"emulator": "native"}, "does not run"),
        ({"emulator": "qemu-aarch64"}, "does not run"),
        ({"target__core": "cortex-m55"}, "does not run"),
        ({"port": "linux"}, "not for the board's core"),
        ({"target__core": "cortex-a72", "emulator": ""}, "not for the board's core"),
        ({"port": "../../elsewhere"}, "file names"),
        ({"memory__0__name": "flash ) : bad"}, "linker scripts"),
        ({"title": "one\ntwo"}, "one printable line"),
        ({"title": "x */ y"}, "one printable line"),
        ({"checked": True}, "manuals' names"),
        ({"checked": None}, "'checked' is missing"),
        ({"stack_bytes": 12}, "multiple of 8"),
        ({"target__clock_hz": -1}, "negative"),
        ({"target__clock_hz": 0}, "out of range"),
        ({"target__clock_hz": 1 << 32}, "out of range"),
        ({"target__clock_hz": 1 << 40_000}, "out of range"),
        ({"target__vector_offset": 0x40}, "vector table"),
        ({"target__vector_offset": 1024}, "vector table"),
        ({"serial__baud": 0}, "out of range"),
        ({"memory__1__size": 0}, "out of range"),
        ({"memory__1__origin": 0xFFFF_FFF0}, "cannot lie there"),
        ({"memory__1__origin": 4097}, "cannot lie there"),
        ({"memory__1__name": "LENGTH"}, "linker scripts"),
        ({"memory__1__name": "EK_RAM"}, "linker scripts"),
        ({"power": {"active_mw": float("nan"), "error": 0.1, "source": "x"}}, "milliwatts"),
        ({"power": {"active_mw": 5, "error": -0.1, "source": "x"}}, "milliwatts"),
        ({"target__clock_hz": True}, "wrong type"),
        ({"flash__methods": ["smoke signals"]}, "unknown way to flash"),
        ({"flash__methods": [1]}, "a list of text"),
        ({"flash__methods": ["openocd"]}, "lacks what it needs"),
        ({"flash__methods": ["volume"]}, "lacks what it needs"),
        ({"usb__ids": ["0483:374B0"]}, "not a USB id"),
        ({"usb__vid": 1}, "'ids' is missing"),
        ({"volume__image": "bin"}, "'code' is missing"),
        ({"volume": {"code": "1", "image": "elf"}}, "unknown kind of image"),
        ({"volume": {"code": "1", "image": "uf2"}}, "'uf2_family' goes with"),
        ({"volume": {"code": "1", "image": "bin", "uf2_absolute": True}}, "'uf2_absolute' goes with"),
        ({"target__external_flash": 1}, "wrong type"),
        ({"power__active_mw": 3.0}, "'source' is missing"),
        ({"memory": [1]}, "[[memory]] tables"),
    ],
)
def test_a_contradiction_is_refused(changes, words):
    assert any(words in problem for problem in refused(**changes))


def test_an_unknown_board_is_refused_with_the_nearest_name():
    with pytest.raises(BoardError, match="Did you mean 'nucleo-l4r5zi'"):
        board.load("nucleo-l4r5z")


UNREADABLE = [b"\xff\xfe", b"title = ", None, b"a = " + b"9" * 5000, b"a = " + b"[" * 5000, b"#" * (1 << 21)]


@pytest.mark.parametrize("content", UNREADABLE, ids=range(len(UNREADABLE)))
def test_an_unreadable_board_file_is_one_clear_error(tmp_path, content):
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BoardError, match=re.escape(str(path))):
        board.load(path)


def test_a_name_that_cannot_go_into_c_is_refused():
    with pytest.raises(BoardError, match="goes into C"):
        board.parse(copy.deepcopy(GOOD), 'my "board"')


def test_a_board_of_ones_own_is_loaded_by_path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text((resources.boards() / "emu-m4.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert board.load(path).name == "mine"
    assert board.load(str(path)).target == board.load("emu-m4").target


def test_no_shipped_board_says_it_was_checked_without_naming_what():
    for path in resources.boards().glob("*.toml"):
        checked = tomllib.loads(path.read_text(encoding="utf-8"))["checked"]
        assert checked is False or len(checked) > 5
