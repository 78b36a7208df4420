"""Drives that boards show: which are mounted, and which board each says it is.

MBED.HTM leads to a page whose address holds the board's code; DETAILS.TXT of DAPLink begins its Unique ID with the
same code; INFO_UF2.TXT of UF2 boot loaders has a Board-ID.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from edgekit.device.discovery.found import Volume

MOUNTS = Path("/proc/mounts")
BLOCKS = Path("/sys/class/block")
MAC_VOLUMES = Path("/Volumes")

_LONGEST = 65_536
_FAT = ("vfat", "msdos", "fat", "exfat", "fuseblk")
_PLACE = re.compile(r"/(\d+-\d+(?:\.\d+)*)(?=[:/])")


def find(extra: Sequence[Path] = (), mounts: Path = MOUNTS, blocks: Path = BLOCKS) -> tuple[Volume, ...]:
    """Board volumes that are mounted; ``extra`` are folders to look in too, themselves or their subfolders."""
    places = dict(_mounted(mounts, blocks))
    if MAC_VOLUMES.is_dir():
        places.update((path, "") for path in sorted(MAC_VOLUMES.iterdir()) if path.is_dir())
    for folder in extra:
        below = sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []
        places.update((path, "") for path in (folder, *below))
    return tuple(v for path, place in places.items() if (v := read(path, place)) is not None)


def read(path: Path, place: str = "") -> Volume | None:
    """The board volume at ``path``, or None if it is none or cannot be read."""
    files = _files(path)
    note = _text(files.get("fail.txt")).strip()
    if uf2 := _text(files.get("info_uf2.txt")):
        code, title = _field(uf2, "Board-ID"), _field(uf2, "Model")
    else:
        details = _text(files.get("details.txt"))
        code = _mbed_code(_text(files.get("mbed.htm"))) or _field(details, "Unique ID")[:4]
        title = path.name
    return Volume(path, code, title, place, note) if code else None


def usb_place(device: Path) -> str:
    """The USB port a device hangs on, by its path in Linux's /sys; empty if it is on none."""
    found = _PLACE.findall(str(device))
    return found[-1] if found else ""


def _mounted(mounts: Path, blocks: Path) -> Iterator[tuple[Path, str]]:
    """Mount points of file systems that a board's drive can have, with their USB places."""
    for line in _text(mounts).splitlines():
        device, point, kind = (*line.split(" "), "", "", "")[:3]
        if kind in _FAT:
            block = blocks / Path(device).name
            yield Path(_unescaped(point)), usb_place(Path(os.path.realpath(block)))


def _unescaped(point: str) -> str:
    """A mount point as the kernel writes it, with octal escapes for spaces, and without."""
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), point)


def _files(folder: Path) -> dict[str, Path]:
    try:
        return {p.name.lower(): p for p in folder.iterdir()}
    except OSError:
        return {}


def _text(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST).decode("utf-8", "replace")
    except OSError:
        return ""


def _field(text: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(.*?)[ \t]*\r?$", text, re.MULTILINE)
    return found[1] if found else ""


def _mbed_code(page: str) -> str:
    found = re.search(r"[?&](?:code|auth)=([0-9A-Fa-f]{4})", page)
    return found[1] if found else ""
