"""A program called openocd that records its arguments and says what it is told to, line by line, as the real one would.

The words are those of OpenOCD 0.12 (src/flash/startup.tcl, src/jtag/drivers, src/target, src/flash/nor).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

BEGIN = """\
Open On-Chip Debugger 0.12.0
Licensed under GNU GPL v2
For bug reports, read
\thttp://openocd.org/doc/doxygen/bugs.html
Info : The selected transport took over low-level target control. The results might differ compared to plain JTAG/SWD
srst_only separate srst_nogate srst_open_drain connect_deassert_srst

Info : clock speed 500 kHz
"""
REACHED = """\
Info : STLINK V2J37M26 (API v2) VID:PID 0483:374B
Info : Target voltage: 3.245427
Info : [stm32l4x.cpu] Cortex-M4 r0p1 processor detected
Info : [stm32l4x.cpu] target has 6 breakpoints, 4 watchpoints
[stm32l4x.cpu] halted due to debug-request, current mode: Thread
xPSR: 0x01000000 pc: 0x08000a10 msp: 0x200a0000
Info : clock speed 4000 kHz
"""
STARTED = """\
** Programming Started **
Info : device idcode = 0x20016470 (STM32L4R/L4Sxx - Rev W : 0x2001)
Info : RDP level 0 (0xAA)
Info : flash size = 2048 KiB
Info : flash mode : dual-bank
Warn : Adding extra erase range, 0x08009ed8 .. 0x08009fff
"""
FINISHED = "** Programming Finished **\n** Verify Started **\n"
VERIFIED = "** Verified OK **\n"
RESET = "** Resetting Target **\nshutdown command invoked\n"
WELL = BEGIN + REACHED + STARTED + FINISHED + VERIFIED + RESET

INIT_FAILED = "in procedure 'program'\n** OpenOCD init failed **\nshutdown command invoked\n\n"

_PROGRAM = """\
#!{python}
import json, pathlib, sys, time
here = pathlib.Path(__file__).parent
(here / "argv.json").write_text(json.dumps(sys.argv[1:]))
told = json.loads((here / "told.json").read_text())
for line in told["text"].splitlines(keepends=True):
    sys.stderr.write(line)
    sys.stderr.flush()
time.sleep(told["hang_s"])
sys.exit(told["code"])
"""


class FakeOpenocd:
    """The program in ``folder``, which belongs at the head of PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "openocd"
        program.write_text(_PROGRAM.format(python=sys.executable))
        program.chmod(0o755)
        self.tell(WELL)

    def tell(self, text: str, code: int = 0, hang_s: float = 0.0) -> None:
        """Say this and end with ``code``, after ``hang_s``."""
        (self.folder / "told.json").write_text(json.dumps({"text": text, "code": code, "hang_s": hang_s}))

    @property
    def argv(self) -> list[str] | None:
        """The arguments it was called with, None if it was not."""
        file = self.folder / "argv.json"
        return json.loads(file.read_text()) if file.is_file() else None
