"""Wiring of boards as SVG, drawn from their board files: two boxes and the wires between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from edgekit.board import Board

RED, BLACK, BLUE, GREEN, VIOLET = "#c0392b", "#222222", "#35608f", "#2e7d32", "#6a4fa3"
_LEFT, _RIGHT, _TOP, _STEP = 240, 480, 78, 38


@dataclass(frozen=True)
class Wire:
    """A connection: what it is called at either end, what it is for, and its colour."""

    left: str
    right: str
    note: str
    colour: str


def picture(title: str, left: str, right: str, wires: Sequence[Wire], foot: str) -> str:
    """The SVG of two things and the wires between them."""
    height = _TOP + _STEP * len(wires) + 28
    box = f'y="50" width="220" height="{height - 82}" rx="8"'
    attributes = f'role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="14"'
    small = 'text-anchor="middle" font-size="12" fill="#444444"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {height}" {attributes}>',
        f"  <title>{escape(title)}</title>",
        f'  <rect width="720" height="{height}" fill="#ffffff"/>',
        f'  <rect x="20" {box} fill="#eef4fb" stroke="{BLUE}" stroke-width="2"/>',
        f'  <rect x="480" {box} fill="#f3f7ee" stroke="#57803a" stroke-width="2"/>',
        f'  <text x="130" y="35" text-anchor="middle" font-weight="bold">{escape(left)}</text>',
        f'  <text x="590" y="35" text-anchor="middle" font-weight="bold">{escape(right)}</text>',
    ]
    for i, wire in enumerate(wires):
        y = _TOP + _STEP * i
        lines += [
            f'  <text x="{_LEFT - 12}" y="{y + 5}" text-anchor="end">{escape(wire.left)}</text>',
            f'  <text x="{_RIGHT + 12}" y="{y + 5}">{escape(wire.right)}</text>',
            f'  <line x1="{_LEFT}" y1="{y}" x2="{_RIGHT}" y2="{y}" stroke="{wire.colour}" stroke-width="3"/>',
            f'  <circle cx="{_LEFT}" cy="{y}" r="4" fill="{wire.colour}"/>',
            f'  <circle cx="{_RIGHT}" cy="{y}" r="4" fill="{wire.colour}"/>',
            f'  <text x="360" y="{y - 6}" {small}>{escape(wire.note)}</text>',
        ]
    lines += [f'  <text x="360" y="{height - 10}" {small}>{escape(foot)}</text>', "</svg>"]
    return "\n".join(lines) + "\n"


def nucleo(board: Board) -> str:
    """A Nucleo: one cable, and the pin for a meter."""
    wires = (
        Wire("USB", "CN1 (ST-LINK)", "power, drive, debug, serial", BLUE),
        Wire("trigger input", f"{board.trigger_header} = {board.trigger}", "with a meter only", GREEN),
        Wire("ground", "GND", "with a meter only", BLACK),
    )
    foot = f"On the board itself: {board.serial.tx} (TX) and {board.serial.rx} (RX) go to the ST-LINK's serial port."
    return picture(board.title, "computer, meter", board.title, wires, foot)


def nrf52840(board: Board) -> str:
    """The nRF52840-DK: one cable, and the pin for a meter."""
    wires = (
        Wire("USB", "J2 (debugger)", "power, drive, debug, serial", BLUE),
        Wire("trigger input", board.trigger_header, "with a meter only", GREEN),
        Wire("ground", "GND", "with a meter only", BLACK),
    )
    foot = f"On the board itself: {board.serial.tx} (TX) and {board.serial.rx} (RX) go to the J-Link's serial port."
    return picture(board.title, "computer, meter", board.title, wires, foot)


def pico(board: Board) -> str:
    """A Pico: its own cable, and a Debug Probe whose serial port the link runs over."""
    wires = (
        Wire("USB", "USB", "power; the drive with BOOTSEL", BLUE),
        Wire("Debug Probe U: RX", f"{board.serial.tx}, pin 1 (TX)", "yellow", "#c79a00"),
        Wire("Debug Probe U: TX", f"{board.serial.rx}, pin 2 (RX)", "orange", "#d2691e"),
        Wire("Debug Probe U: GND", "GND, pin 3", "black", BLACK),
        Wire("Debug Probe D", "DEBUG: SWCLK GND SWDIO", "to flash without BOOTSEL", VIOLET),
        Wire("meter: trigger input", board.trigger_header, "with a meter only", GREEN),
    )
    return picture(
        board.title, "computer, probe, meter", board.title, wires, "The Debug Probe has a USB cable of its own."
    )


def mps(board: Board) -> str:
    """A board that only QEMU has."""
    wires = (
        Wire("edgekit", "UART0", "standard input and output", BLUE),
        Wire("instruction counters", "the core", "QEMU's plugin interface", VIOLET),
    )
    return picture(board.title, "this computer", board.title, wires, "Nothing is plugged in: QEMU runs the very image.")


def linux(board: Board) -> str:
    """A Linux board on the network."""
    wires = (
        Wire("OpenSSH client", "sshd, port 22", "cable or wireless network", BLUE),
        Wire("edgekit's link", "stdin, stdout", "the program .edgekit/bench", VIOLET),
    )
    return picture(
        board.title, "this computer", board.title, wires, "A meter, if there is one, lies in the board's supply."
    )


def host(board: Board) -> str:
    """This computer."""
    wires = (Wire("edgekit", "the program", "standard input and output", BLUE),)
    return picture(board.title, "edgekit", board.title, wires, "Nothing is plugged in.")


PICTURES = {
    "nucleo-l4r5zi": nucleo, "nucleo-f446re": nucleo, "nucleo-f746zg": nucleo, "nucleo-h743zi2": nucleo,
    "nucleo-u575zi-q": nucleo, "nrf52840-dk": nrf52840, "raspberry-pi-pico": pico, "raspberry-pi-pico-2": pico,
    "mps2-an505": mps, "raspberry-pi-5": linux, "host": host,
}  # fmt: skip
"""What draws the picture of a board; the others have the picture of one like them."""
