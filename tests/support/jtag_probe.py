"""A debug adapter on a simulated nRF52840, speaking OpenOCD's remote_bitbang protocol: JTAG, bit by bit, over TCP.

The chip has a JTAG-DP here (the real one has only SWD, which remote_bitbang of OpenOCD 0.12 cannot do). Everything
behind it is the same: OpenOCD's own flash driver and algorithms run, in unicorn, by the flash controller's rules.
States as in IEEE 1149.1, registers as in Arm's ADIv5.
"""

from __future__ import annotations

import contextlib
import socket
import threading

import unicorn
from support.nrf52_probe import AP_REGISTERS, DHCSR, RAM, Chip
from unicorn import arm_const as arm

CONFIGURATION = """\
adapter driver remote_bitbang
remote_bitbang host 127.0.0.1
remote_bitbang port {port}
transport select jtag
jtag newtap nrf52 cpu -irlen 4 -expected-id 0x2ba01477
dap create nrf52.dap -chain-position nrf52.cpu
target create nrf52.cpu cortex_m -dap nrf52.dap
nrf52.cpu configure -work-area-phys 0x20000000 -work-area-size 0x4000 -work-area-backup 0
cortex_m reset_config sysresetreq
flash bank nrf52.flash nrf5 0x00000000 0 1 1 nrf52.cpu
"""

_NEXT = {  # by state: next on TMS 0 and 1
    "reset": ("idle", "reset"), "idle": ("idle", "select-dr"), "select-dr": ("capture-dr", "select-ir"),
    "capture-dr": ("shift-dr", "exit1-dr"), "shift-dr": ("shift-dr", "exit1-dr"), "exit1-dr": ("pause-dr", "update-dr"),
    "pause-dr": ("pause-dr", "exit2-dr"), "exit2-dr": ("shift-dr", "update-dr"), "update-dr": ("idle", "select-dr"),
    "select-ir": ("capture-ir", "reset"), "capture-ir": ("shift-ir", "exit1-ir"), "shift-ir": ("shift-ir", "exit1-ir"),
    "exit1-ir": ("pause-ir", "update-ir"), "pause-ir": ("pause-ir", "exit2-ir"), "exit2-ir": ("shift-ir", "update-ir"),
    "update-ir": ("idle", "select-dr"),
}  # fmt: skip
_IDCODE, _DPACC, _APACC, _OK = 0xE, 0xA, 0xB, 0b010
_SLICE = 100_000
_SIZES = {0x1000_0010: 4096, 0x1000_0014: 256, 0x1000_010C: 256, 0x1000_0110: 1024}
"""FICR: CODEPAGESIZE, CODESIZE in pages, INFO.RAM and INFO.FLASH in KB."""


class RunningChip(Chip):
    """A chip whose algorithms run while the debugger looks on, a slice of instructions at each look.

    The byte of flash at ``worn`` keeps nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        for address, value in _SIZES.items():
            self.uc.mem_write(address, value.to_bytes(4, "little"))
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self._breakpoint)
        self.worn: int | None = None

    def _breakpoint(self, uc, _number, _user) -> None:
        self.halted = True
        uc.emu_stop()

    def _control(self, value: int) -> None:
        was = self.halted
        self.debug[DHCSR] = value
        self.halted = bool(value & 2)
        if was and not self.halted and self._in_ram():
            self.algorithm_runs += 1
            if self.worn is not None:
                self.uc.mem_write(self.worn, b"\0")
            self.uc.ctl_flush_tb()  # what unicorn translated is another algorithm's

    def _in_ram(self) -> bool:
        return RAM[0] <= self.uc.reg_read(arm.UC_ARM_REG_PC) < RAM[0] + RAM[1]

    def read(self, address: int) -> int:
        looking = address == DHCSR or address >> 28 == RAM[0] >> 28
        if looking and not self.halted and self._in_ram():
            self.uc.emu_start(self.uc.reg_read(arm.UC_ARM_REG_PC) | 1, 0xFFFF_FFFE, count=_SLICE)
        halted_too = 2 if address == DHCSR and self.halted else 0  # C_HALT follows a breakpoint or a caught reset
        return super().read(address) | halted_too


class JtagProbe:
    """The TCP server; ``unplug_after`` words written to memory the connection is gone."""

    def __init__(self, *, unplug_after: int | None = None) -> None:
        self.chip = RunningChip()
        self.unplug_after = unplug_after
        self.words = 0
        self.state, self.instruction, self.register, self.length = "reset", _IDCODE, 0, 32
        self.clock = False
        self.result = 0
        self.select = self.control = self.csw = self.address = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(10)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self.server.accept()
            with client:
                while data := client.recv(65_536):
                    answer = self._bits(data)
                    if self.unplug_after is not None and self.words > self.unplug_after:
                        return
                    client.sendall(answer)

    def _bits(self, data: bytes) -> bytes:
        answer = bytearray()
        for byte in data:
            if byte == ord("R"):
                answer.append(ord("0") + (self.register & 1))
            elif ord("0") <= byte <= ord("7"):
                clock = bool(byte & 4)
                if clock and not self.clock:
                    self._rising(byte >> 1 & 1, byte & 1)
                self.clock = clock
        return bytes(answer)

    def _rising(self, tms: int, tdi: int) -> None:
        state = self.state
        if state in ("shift-dr", "shift-ir"):
            self.register = self.register >> 1 | tdi << (self.length - 1)
        elif state == "capture-ir":
            self.register, self.length = 1, 4
        elif state == "capture-dr":
            self._capture()
        self.state = _NEXT[state][tms]
        if self.state == "reset":
            self.instruction = _IDCODE
        elif self.state == "update-ir":
            self.instruction = self.register
        elif self.state == "update-dr" and self.instruction in (_DPACC, _APACC):
            self._access(self.register & 1, self.register << 1 & 0xC, self.register >> 3)

    def _capture(self) -> None:
        if self.instruction == _IDCODE:
            self.register, self.length = 0x2BA0_1477, 32
        elif self.instruction in (_DPACC, _APACC):
            self.register, self.length = self.result << 3 | _OK, 35
        else:
            self.register, self.length = 0, 1

    def _access(self, read: int, address: int, value: int) -> None:
        if self.instruction == _APACC:
            port, register = self.select >> 24, self.select & 0xF0 | address
            self.result = self._read_ap(port, register) if read else self._write_ap(port, register, value)
        elif read:
            self.result = {4: self.control, 8: self.select}.get(address, 0 if address else 0x2BA0_1477)
            if address == 0xC:
                self.result = 0
        elif address == 4:  # CTRL/STAT: power requests are acknowledged
            self.control = value & 0x5000_0000 | (value & 0x5000_0000) << 1
        elif address == 8:
            self.select = value

    def _read_ap(self, port: int, register: int) -> int:
        if port or register not in (0, 4, 0xC, 0x10, 0x14, 0x18, 0x1C):
            return AP_REGISTERS.get(port, {}).get(register, 0)
        if register == 0:
            return self.csw
        if register == 4:
            return self.address
        if register == 0xC:
            return self.chip.read(self._next() & -4)
        return self.chip.read(self.address & -16 | register & 0xC)

    def _write_ap(self, port: int, register: int, value: int) -> int:
        if port:
            return 0
        if register == 0:
            packed = value >> 4 & 3 == 2
            self.csw = (value & ~0x30 if packed else value) | 0x40  # packed transfers are not had; the port is on
        elif register == 4:
            self.address = value
        elif register == 0xC:
            self._store(self._next(), value)
        elif register in (0x10, 0x14, 0x18, 0x1C):
            self._store(self.address & -16 | register & 0xC, value)
        return 0

    def _next(self) -> int:
        address = self.address
        if self.csw >> 4 & 3:
            self.address += 1 << (self.csw & 3)
        return address

    def _store(self, address: int, value: int) -> None:
        self.words += 1
        size = 1 << (self.csw & 3)
        if size == 4:
            self.chip.write(address, value)
        else:
            self.chip.uc.mem_write(address, (value >> 8 * (address & 3)).to_bytes(4, "little")[:size])
