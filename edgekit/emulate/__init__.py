"""Emulated boards: the very image that would be flashed, behind a serial port, with exact instruction counts."""

from edgekit.emulate.board import EmulatedBoard, launch
from edgekit.emulate.counters import Count, Counts
from edgekit.emulate.cycles import CycleModel
from edgekit.emulate.fault import Fault

__all__ = ["Count", "Counts", "CycleModel", "EmulatedBoard", "Fault", "launch"]
