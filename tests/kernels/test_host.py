"""Every scalar kernel, and the C twin of every Thumb and DSP kernel, over every case on this machine.

Right bytes, no byte outside, no undefined behaviour.
"""

import subprocess

import pytest
from support import sanitized
from support.kernel_program import cases_of, entries, write_program

from edgekit import resources
from edgekit.board import Target
from edgekit.plan.kernels import catalogue

TARGETS = {
    "scalar": Target("host", (), 0),
    "thumb": Target("cortex-m0plus", (), 0),
    "dsp": Target("cortex-m4", (), 0),
}
HOST_PORT = """
#include <unistd.h>
#include "ek/port.h"
void ek_port_init(void) {}
int32_t ek_port_read(uint8_t *data, int32_t size)
{
    return (int32_t)(data[0] = 0, size);
}
void ek_port_write(const uint8_t *data, int32_t size)
{
    if (write(1, data, (size_t)size) != size) {
        _exit(2);
    }
}
"""


@pytest.mark.parametrize("compiler", sanitized.COMPILERS)
@pytest.mark.parametrize("kernel", [k for k in catalogue() if k.isa in TARGETS], ids=lambda k: k.name)
def test_a_kernel_is_exact_and_stays_inside_on_the_host(kernel, compiler, tmp_path):
    command = sanitized.command(compiler)
    cases = cases_of(kernel)
    assert cases, "a kernel without cases is not tested at all"
    sources = write_program(tmp_path, entries(kernel, TARGETS[kernel.isa], cases))
    (tmp_path / "port.c").write_text(HOST_PORT)
    command += ["-DEK_TEST_HOST", "-std=gnu11", "-O1", "-g", f"-I{resources.firmware() / 'include'}"]
    program = tmp_path / "program"
    subprocess.run([*command, *map(str, sources), str(tmp_path / "port.c"), "-o", str(program)], check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.endswith(" 0 failures\n")
