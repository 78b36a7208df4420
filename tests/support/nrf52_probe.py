"""A debug probe on a simulated nRF52840, speaking pyOCD's remote-probe protocol (JSON lines over TCP).

The core runs in unicorn, so that pyOCD's real flash algorithm is executed against the flash controller (NVMC) and its
rules: nothing is written without write enable, a bit that is 0 becomes 1 only by erasing. What breaks a rule is noted.
Registers as in Arm's ADIv5 and ARMv7-M manuals and the nRF52840 product specification.
"""

from __future__ import annotations

import contextlib
import json
import socket
import socketserver
import threading

import unicorn
from unicorn import arm_const as arm

from edgekit.emulate import engine

FLASH, RAM, UICR, PERIPHERALS = (0, 0x10_0000), (0x2000_0000, 0x4_0000), (0x1000_0000, 0x2000), (0x4000_0000, 0x5_F000)
READY, CONFIG, ERASE_PAGE = 0x4001_E400, 0x4001_E504, 0x4001_E508
ERASE_ALL, PAGE = 0x4001_E50C, 4096
DHCSR, DCRSR, DCRDR, DEMCR, AIRCR = 0xE000_EDF0, 0xE000_EDF4, 0xE000_EDF8, 0xE000_EDFC, 0xE000_ED0C
HALTED, REGISTER_READY, RESET_SEEN = 1 << 17, 1 << 16, 1 << 25
TABLE = 0xE00F_F000
AP_REGISTERS = {
    0: {0xFC: 0x2477_0011, 0xF8: 0xE00F_F003, 0x00: 0x2300_0040, 0xF4: 0},  # AHB-AP: IDR, BASE, CSW, CFG
    1: {0xFC: 0x0288_0000, 0x0C: 1},  # Nordic's CTRL-AP: IDR, APPROTECTSTATUS off
}
PROBE_DISCONNECTED, PROBE_ERROR = 2, 3
PROPERTIES = {
    "vendor_name": "edgekit",
    "product_name": "simulated nRF52840",
    "wire_protocol": "SWD",
    "supported_wire_protocols": ["DEFAULT", "SWD"],
    "capabilities": ["SWJ_SEQUENCE", "MANAGED_AP_SELECTION", "MANAGED_DPBANKSEL", "BANKED_DP_REGISTERS"],
}


def component(parts: dict, base: int, part: int, kind: int) -> None:
    """The identification registers of a CoreSight component."""
    ids = [part & 0xFF, part >> 8 | 0xB0, 0x0B, 0, 0x0D, kind << 4, 0x05, 0xB1]
    parts.update({base + 0xFD0: 4} | {base + 0xFE0 + 4 * i: v for i, v in enumerate(ids)})


class Chip:
    """Core, memories and debug registers."""

    def __init__(self) -> None:
        self.uc = engine.cortex_m("cortex-m4")
        for start, size in (FLASH, RAM, UICR, PERIPHERALS):
            self.uc.mem_map(start, size)
        self.uc.mem_write(FLASH[0], b"\xff" * FLASH[1])
        self.uc.mem_write(UICR[0] + 0x1000, b"\xff" * 0x1000)
        for address, value in ((0x100, 0x52840), (0x104, 0x4141_4430), (0x108, 0x2004)):  # FICR INFO: PART, AAD0, QI
            self.uc.mem_write(UICR[0] + address, value.to_bytes(4, "little"))
        self.uc.mem_write(READY, (1).to_bytes(4, "little"))
        self.uc.hook_add(unicorn.UC_HOOK_MEM_WRITE, self._stored)
        self.debug = {0xE000_ED00: 0x410F_C241, 0xE000_2000: 0x261, 0xE000_1000: 0x4000_0000, DHCSR: 0, DEMCR: 0}
        for i, offset in enumerate((0xFFF0_F003, 0xFFF0_2003, 0xFFF0_3003)):
            self.debug[TABLE + 4 * i] = offset
        component(self.debug, TABLE, 0x4C4, 1)
        for base, part in ((0xE000_E000, 0x00C), (0xE000_1000, 0x002), (0xE000_2000, 0x003)):
            component(self.debug, base, part, 14)
        self.violations: list[str] = []
        self.algorithm_runs = 0
        self.erased_pages: list[int] = []
        self.resets = 0
        self.halted = False
        self.was_reset = True

    def flash(self, address: int, size: int) -> bytes:
        return bytes(self.uc.mem_read(address, size))

    def _stored(self, _uc, _kind, address, size, value, _user) -> None:
        """The core, or the debugger, stores: the flash controller and flash have rules."""
        value &= (1 << 8 * size) - 1
        config = int.from_bytes(self.uc.mem_read(CONFIG, 4), "little")
        if address < FLASH[1] or UICR[0] + 0x1000 <= address < UICR[0] + UICR[1]:
            old = int.from_bytes(self.uc.mem_read(address, size), "little")
            if config != 1:
                self.violations.append(f"write to flash at {address:#x} without write enable")
            if old & value != value:
                self.violations.append(f"write at {address:#x} sets bits that are not erased")
        elif address in (ERASE_PAGE, ERASE_ALL):
            if config != 2:
                self.violations.append("erase without erase enable")
            elif address == ERASE_PAGE:
                self.uc.mem_write(value & -PAGE, b"\xff" * PAGE)
                self.erased_pages.append(value & -PAGE)
            elif value == 1:
                self.uc.mem_write(FLASH[0], b"\xff" * FLASH[1])

    def read(self, address: int) -> int:
        """A word, as the debugger's bus access sees it."""
        if address < 0xE000_0000:
            return int.from_bytes(self.uc.mem_read(address, 4), "little")
        if address == DHCSR:
            seen = RESET_SEEN if self.was_reset else 0
            self.was_reset = False
            return self.debug[DHCSR] & 0xFFFF | REGISTER_READY | seen | (HALTED if self.halted else 0)
        return self.debug.get(address, 0)

    def write(self, address: int, value: int) -> None:
        """Store a word over the debugger's bus access."""
        if address < 0xE000_0000:
            self._stored(None, None, address, 4, value, None)
            self.uc.mem_write(address, value.to_bytes(4, "little"))
        elif address == DHCSR and value >> 16 == 0xA05F:
            self._control(value & 0xFFFF)
        elif address == DCRSR:
            self._transfer(value)
        elif address == AIRCR and value & 4:
            self.resets += 1
            self.was_reset = True
            self.halted = bool(self.debug[DEMCR] & 1)
            self.uc.reg_write(arm.UC_ARM_REG_PC, self.read(4))
        elif address == 0xE000_2000:
            self.debug[address] = 0x260 | value & 1
        else:
            self.debug[address] = value

    def _control(self, value: int) -> None:
        self.debug[DHCSR] = value
        self.halted = bool(value & 2)
        pc = self.uc.reg_read(arm.UC_ARM_REG_PC)
        if not self.halted and RAM[0] <= pc < RAM[0] + RAM[1]:
            self.algorithm_runs += 1
            self.uc.emu_start(pc | 1, RAM[0])  # to the breakpoint its link register leads to
            self.halted = True

    def _transfer(self, request: int) -> None:
        names = {**{i: arm.UC_ARM_REG_R0 + i for i in range(13)}, 13: arm.UC_ARM_REG_SP, 14: arm.UC_ARM_REG_LR}
        names |= {15: arm.UC_ARM_REG_PC, 16: arm.UC_ARM_REG_XPSR, 17: arm.UC_ARM_REG_MSP, 18: arm.UC_ARM_REG_PSP}
        register = names.get(request & 0x7F)
        if request >> 16 & 1:
            if register is not None and request & 0x7F != 16:
                self.uc.reg_write(register, self.debug.get(DCRDR, 0))
        else:
            self.debug[DCRDR] = self.uc.reg_read(register) if register is not None else 0


class Probe:
    """The TCP server; ``uid`` is what pyOCD calls it. ``unplug_after`` block writes the probe is gone."""

    def __init__(self, *, unplug_after: int | None = None) -> None:
        self.chip = Chip()
        self.unplug_after = unplug_after
        self.blocks = 0
        self.clients: list[socket.socket] = []
        self.dp = {0x0: 0x2BA0_1477, 0x4: 0, 0x24: 0x0000_0001, 0x34: 1}
        probe = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                probe.clients.append(self.connection)
                for line in self.rfile:
                    request = json.loads(line)
                    with contextlib.suppress(OSError):
                        self.wfile.write(json.dumps({"id": request["id"], **probe.answer(request)}).encode() + b"\n")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.uid = f"remote:127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        for client in self.clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self.server.server_close()  # joins the clients' threads
        self.thread.join(5)

    def answer(self, request: dict) -> dict:
        if self.unplug_after is not None and self.blocks > self.unplug_after:
            return {"status": PROBE_DISCONNECTED, "error": "the probe was unplugged"}
        try:
            result = self._do(request["request"], *request.get("arguments", []))
        except (KeyError, unicorn.UcError) as error:
            return {"status": PROBE_ERROR, "error": repr(error)}
        return {"status": 0} if result is None else {"status": 0, "result": result}

    def _do(self, what: str, *a):
        chip = self.chip
        requests = {
            "readprop": lambda: PROPERTIES[a[0]],
            "read_dp": lambda: self.dp.get(a[0], 0),
            "write_dp": lambda: self._write_dp(a[0], a[1]),
            "read_ap": lambda: AP_REGISTERS.get(a[0] >> 24, {}).get(a[0] & 0xFF, 0),
            "get_memory_interface_for_ap": lambda: 0 if a[1] == 0 else None,
            "read_mem": lambda: chip.read(a[1] & -4) >> 8 * (a[1] & 3) & ((1 << a[2]) - 1),
            "write_mem": lambda: chip.write(a[1], a[2]),
            "read_block32": lambda: [chip.read(a[1] + 4 * i) for i in range(a[2])],
            "read_block8": lambda: list(chip.uc.mem_read(a[1], a[2])),
            "write_block32": lambda: self._write_block(a[1], a[2]),
            "write_block8": lambda: self._write_bytes(a[1], a[2]),
            "is_reset_asserted": lambda: False,
            "reset": lambda: chip.write(AIRCR, 0x05FA_0004),
        }
        return requests[what]() if what in requests else None

    def _write_dp(self, address: int, value: int) -> None:
        if address == 4:  # CTRL/STAT: power requests are acknowledged
            self.dp[address] = value | (value & 0x5000_0000) << 1

    def _write_block(self, address: int, words: list[int]) -> None:
        self.blocks += 1
        for i, word in enumerate(words):
            self.chip.write(address + 4 * i, word)

    def _write_bytes(self, address: int, data: list[int]) -> None:
        self.blocks += 1
        self.chip.uc.mem_write(address, bytes(data))
