"""The whole way on emulated boards: the demonstration's model, built, deployed, checked, timed, and driven in ASCII."""

import dataclasses
import subprocess

import numpy as np
import pytest
from support import fuzz_lines

from edgekit import board as boards
from edgekit import demo
from edgekit.device import measure
from edgekit.device.deploy import Image, deploy
from edgekit.device.link import Patience, connect
from edgekit.device.transport import open_port
from edgekit.emulate import launch
from edgekit.errors import DeviceError, LinkError, TargetFaultError
from edgekit.frontends import tflite
from edgekit.ir import interp
from edgekit.plan import make
from edgekit.toolchain import compilers, image, project

FUZZED_LINES = 100_000
READY = b"m-ready\r\n"


@dataclasses.dataclass(frozen=True)
class Built:
    board: boards.Board
    graph: object
    plan: object
    image: Image
    samples: list

    def reference(self, inputs):
        return interp.run(self.graph, inputs)

    def deploy(self, **options):
        return deploy(self.board, self.plan, self.image, **options)


def make_image(name: str, folder) -> Built:
    board = boards.load(name)
    graph = tflite.read(demo.MODEL)
    plan = make.make(graph, board.target)
    build = project.build(project.write_project(plan, board, folder))
    built = Image(build.bin or build.elf, build.elf, build.build_id)
    with np.load(demo.SAMPLES) as data:
        samples = [[row[np.newaxis]] for row in data["inputs"][:2]]
    return Built(board, graph, plan, built, samples)


@pytest.fixture(scope="module")
def nucleo(tmp_path_factory):
    return make_image("nucleo-l4r5zi", tmp_path_factory.mktemp("nucleo") / "out")


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    return make_image("host", tmp_path_factory.mktemp("host") / "out")


def test_an_emulated_board_gives_every_byte_of_every_layer(nucleo):
    with nucleo.deploy() as bench:
        check = measure.verify(bench.session, nucleo.plan, nucleo.reference, nucleo.samples, how=bench.how)
    assert check.exact
    assert check.how == "emulated"
    assert len(check.layers) == len(nucleo.plan.layers)


def test_a_profile_of_an_emulated_board_adds_up(nucleo):
    with nucleo.deploy() as bench:
        run = measure.profile(
            bench.session, nucleo.plan, nucleo.samples[0], runs=2, how=bench.how, counter=bench.counter
        )
    inside = sum(cost.instructions for cost in run.layers)
    assert 0.9 * run.instructions < inside <= run.instructions
    assert all(cost.instructions >= cost.macs / 4 for cost in run.layers)
    # The firmware's own clock and the emulator's count agree but for the calls between them.
    assert abs(run.cycles_median - run.counted_cycles) < 200
    assert abs(sum(cost.cycles for cost in run.layers) - run.cycles_median) < 0.02 * run.cycles_median
    assert min(run.cycles) == max(run.cycles)
    assert 0 < run.stack < nucleo.board.stack_bytes


def test_the_host_gives_every_byte_too_and_is_measured(host):
    with host.deploy() as bench:
        check = measure.verify(bench.session, host.plan, host.reference, host.samples, how=bench.how)
        run = measure.profile(bench.session, host.plan, host.samples[0], how=bench.how, counter=bench.counter)
    assert check.exact
    assert (run.how, run.instructions) == ("measured", None)
    assert run.latency_us > 0


def test_a_runner_drives_the_emulated_board_in_ascii(nucleo):
    (sample,) = nucleo.samples[0]
    data = sample.tobytes()
    commands = [f"db load {len(data)}", *(f"db {data[i : i + 31].hex()}" for i in range(0, len(data), 31))]
    (output,) = interp.outputs(nucleo.graph, [sample])
    slot = nucleo.plan.slots[nucleo.plan.outputs[0]]
    expected = ",".join(f"{(int(v) - slot.zero_point) * slot.scale:0.3f}" for v in output.reshape(-1))
    with launch(nucleo.board, nucleo.image.binary, nucleo.image.elf) as board:
        stream = open_port(board.url)

        def ask(command: str) -> list[str]:
            stream.write(f"{command}%".encode())
            text = b""
            while not text.endswith(b"m-ready\r\n"):
                piece = stream.read(10)
                assert piece, text
                text += piece
            return text.decode("ascii").splitlines()

        assert ask("name")[0] == "m-name-dut-[nucleo-l4r5zi]"
        assert ask("profile")[1] == f"m-model-[{nucleo.plan.model}]"
        assert [ask(command) for command in commands][-1] == ["m-load-done", "m-ready"]
        lines = ask("infer 3 1")
        stream.close()
    assert f"m-results-[{expected}]" in lines
    laps = [int(line.removeprefix("m-lap-us-")) for line in lines if line.startswith("m-lap-us-")]
    assert laps[1] > laps[0]


def test_fuzzed_lines_to_the_emulated_board_are_all_answered(nucleo):
    """The very image with its real UART code; `test_mlperf.py` sends as many to the harness built for this machine."""
    with launch(nucleo.board, nucleo.image.binary, nucleo.image.elf) as board:
        stream = open_port(board.url)
        answered = wanted = 0
        text = b""
        for number, line in enumerate(fuzz_lines.lines(FUZZED_LINES, seed=8, infer=False), 1):
            stream.write(line)
            wanted += line.count(b"%")
            if number % 100 and number < FUZZED_LINES:
                continue
            while answered < wanted:
                piece = stream.read(10)
                assert piece, (number, answered, wanted, text[-200:])
                text = text[-8:] + piece
                answered += text.count(READY) - text[:8].count(READY)
            assert answered == wanted
        board.check()
        with connect(stream, nucleo.plan) as session:  # and the binary half still works
            assert session.info.build_id == nucleo.image.build_id


def test_a_board_that_was_flashed_before_is_reached_by_its_port(nucleo):
    with (
        launch(nucleo.board, nucleo.image.binary, nucleo.image.elf) as board,
        nucleo.deploy(port=board.url) as bench,
    ):
        (output,) = measure.run(bench.session, nucleo.plan, nucleo.samples[0])
    assert (bench.how, bench.counter) == ("measured", None)
    assert np.array_equal(output, interp.outputs(nucleo.graph, nucleo.samples[0])[0])


def test_an_image_of_another_build_is_refused(nucleo):
    other = dataclasses.replace(nucleo.image, build_id="f" * 16)
    with (
        pytest.raises(LinkError, match="build id differs from the plan"),
        deploy(nucleo.board, nucleo.plan, other),
    ):
        pass


def test_a_firmware_that_faults_is_named_as_the_cause(nucleo):
    """A step in a layer whose code was overwritten by undefined instructions."""
    from edgekit.emulate import symbols

    found = symbols.read(nucleo.image.elf).named([measure.layer_function(nucleo.plan, 0)])[0]
    code = bytearray(nucleo.image.binary.read_bytes())
    at = found.start - nucleo.board.target.banks("flash")[0].origin
    code[at : at + 4] = b"\xff\xde\xff\xde"  # UDF
    broken = nucleo.image.binary.with_name("broken.bin")
    broken.write_bytes(code)
    damaged = dataclasses.replace(nucleo.image, binary=broken)
    quick = Patience(idle_s=0.5, work_s=2, tries=2)
    with (
        pytest.raises(TargetFaultError, match=found.name),
        deploy(nucleo.board, nucleo.plan, damaged, patience=quick) as bench,
    ):
        bench.session.run()


def test_a_real_board_without_a_port_says_what_to_do(nucleo):
    real = dataclasses.replace(nucleo.board, emulator="", flash=boards.Flash(methods=("volume", "openocd")))
    with pytest.raises(DeviceError) as caught, deploy(real, nucleo.plan, nucleo.image):
        pass
    assert "no port of a real one is given" in str(caught.value)
    assert "volume, openocd" in str(caught.value)


def test_the_energy_build_announces_itself_and_marks_time_without_text(nucleo, tmp_path):
    out = nucleo.image.elf.parent.parent
    elsewhere = tmp_path / "build"
    compiler = compilers.find("zig", nucleo.board.target)
    command = [compilers.require(compilers.cmake()), "-S", out, "-B", elsewhere, "-G", "Ninja", "-DEK_ENERGY=ON"]
    command += [f"-DCMAKE_MAKE_PROGRAM={compilers.require(compilers.ninja())}"]
    command += ["-DCMAKE_TOOLCHAIN_FILE=cmake/zig.cmake", f"-DEK_ZIG={compiler.path}"]
    environment = compilers.environment()
    subprocess.run([str(c) for c in command], check=True, capture_output=True, env=environment)
    subprocess.run(
        [str(compilers.require(compilers.cmake())), "--build", str(elsewhere)],
        check=True,
        capture_output=True,
        env=environment,
    )
    elf = elsewhere / nucleo.image.elf.name
    binary, _ = image.write(elf)
    with launch(nucleo.board, binary, elf) as board:
        stream = open_port(board.url)
        stream.write(b"infer 1 0%")
        text = b""
        while not text.endswith(b"m-ready\r\n"):
            piece = stream.read(10)
            assert piece, text
            text += piece
        with connect(stream, nucleo.plan) as session:
            assert session.info.energy_mode
    assert b"m-infer-done" in text
    assert b"m-lap-us" not in text
