"""The report page: what stands on it, that it is well formed and for everybody, and that names cannot harm it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from support import html, made_up
from support.made_up import EVALUATED, LABELLED, ORIGIN, PROFILE, VERIFIED
from typer.testing import CliRunner

from edgekit import bundle as bundles
from edgekit.bundle import Bundle
from edgekit.cli import app
from edgekit.costs import Energy, Latency
from edgekit.reports import page, svg
from edgekit.results import LayerCheck, Sizes
from edgekit.scoring import score

TIMED = Latency((100.0, 101.5, 99.0, 140.0, 100.5), "measured", warmups=2, timer="DWT", overhead_us=0.1)
SIMULATED = Energy(350.0, 5.0, 9.0, 16.5, 3.3, 3000, 2, 40, "simulated", 0.01, 0.02, "PPK2", "level")
SECONDS = np.linspace(0, 3, 3000)
CURRENT = {
    "current_s": SECONDS,
    "current_a": 0.004 + 0.001 * np.sin(SECONDS),
    "windows_s": np.array([[0.5, 1.0], [1.5, 2.0]]),
}
MEASURED = replace(PROFILE, latency=TIMED, energy=SIMULATED, raw=CURRENT)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'--></style><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "a\x00b\x1b[31m\u202egnp.exe\ud800",
)


def rendered(profile=PROFILE, plan=None, **change) -> html.Tag:
    return html.read(page.render(profile.json() | change, plan or made_up.plan(), profile.raw))


def row(root: html.Tag, table: int, name: str) -> list[str]:
    """The cells of the row of that name."""
    rows = root.all("table")[table].all("tr")
    (found,) = [r for r in rows if r.all("th") and r.all("th")[0].text.startswith(name)]
    return [cell.text for cell in found.all("td")]


def test_the_page_says_what_ran_where_and_how_it_was_got():
    root = rendered()
    head = root.all("header")[0].text
    assert root.all("title")[0].text == "kws on ST NUCLEO-L4R5ZI"
    assert "kws on ST NUCLEO-L4R5ZI (nucleo-l4r5zi, cortex-m4, 120 MHz)" in head
    assert "exact emulated fits" in head
    assert "8,024 output bytes over 6 samples equal tflite-micro 1.0" in head
    assert "takes 2.6 % of the RAM and 1.6 % of the flash" in head
    figures = [div.text for div in root.all("dl")[0].all("div")]
    assert figures[:3] == [
        "one inference30.00 msestimated", "cycles3,600,0001.35 per MAC, estimated ±15 %",
        "instructions3,000,123counted, emulated",
    ]  # fmt: skip
    assert "measured" not in root.text


def test_the_layer_table_says_over_each_column_how_its_numbers_were_got():
    root = rendered()
    heads = [th.text for th in root.all("table")[0].all("thead")[0].all("th")]
    assert heads == [
        "layerop · kernel", "shareof cycles", "cyclesestimated ±15 %", "instructionscounted, emulated",
        "per MACinstr.", "MACsby shape", "weightsbytes, planned", "outputto the reference",
    ]  # fmt: skip
    assert row(root, 0, "conv2d") == [
        "97.2 %", "3,500,000", "2,900,123", "1.09", "2,656,000", "23,000", "equal",
    ]  # fmt: skip
    assert row(root, 0, "softmax") == ["0.0 %", "1,500", "1,000", "-", "-", "0", "not compared"]
    assert row(root, 0, "total")[1:3] == ["3,600,000", "3,000,123"]


def test_what_differs_is_said_at_the_top_and_in_its_layer():
    wrong = replace(VERIFIED, layers=(LayerCheck("conv2d", "CONV_2D", "conv_out", 8000, 3, 2.0), *VERIFIED.layers[1:]))
    root = rendered(replace(PROFILE, verification=wrong))
    assert "not exact" in root.all("header")[0].text
    assert "3 elements differ from tflite-micro 1.0, first in layer 'conv2d'" in root.all("header")[0].text
    assert row(root, 0, "conv2d")[-1] == "3 differ"


def test_what_was_not_compared_is_not_called_equal():
    unseen = replace(VERIFIED, layers=(replace(VERIFIED.layers[0], missing=True), VERIFIED.layers[1]))
    root = rendered(replace(PROFILE, verification=unseen))
    assert "not everything was compared (conv2d)" in root.all("header")[0].text
    assert row(root, 0, "conv2d")[-1] == "not compared"


def test_a_model_that_is_too_large_does_not_fit():
    text = rendered(replace(PROFILE, sizes=replace(PROFILE.sizes, board_ram=10_000))).all("header")[0].text
    assert "does not fit" in text
    assert "fits" not in text


def test_what_nobody_knows_is_called_unknown_and_not_nought():
    hosted = replace(PROFILE, sizes=Sizes(arena=3616, weights=15_432), instructions=None, cycles=replace(
        PROFILE.cycles, value=None, how="unknown", error=None), latency_us=None,
        layers=tuple(replace(x, cycles=None, instructions=None) for x in PROFILE.layers))  # fmt: skip
    root = rendered(hosted)
    assert "static unknown" in root.text
    assert "code unknown" in root.text
    assert "fits" not in root.text
    assert row(root, 0, "conv2d")[:4] == ["0.0 %", "-", "-", "-"]
    assert "not counted here" in root.text


def test_several_runs_are_a_histogram_and_one_run_is_a_sentence():
    assert "1 run after" in rendered(replace(PROFILE, latency=Latency((7.0,), "estimated", 1))).text
    same = rendered(replace(PROFILE, latency=Latency((7.0,) * 3, "measured", 1)))
    assert "3 runs after 1 to warm up, all the same: 7.0 us, measured" in same.text
    several = rendered(MEASURED)
    titles = [t.text for t in several.all("title") if t.text.startswith("Histogram")]
    figures = "least 99.0 us, median 100.5 us, 95 % below 140.0 us, most 140.0 us"
    assert titles == 2 * [f"Histogram of 5 latencies in microseconds: {figures}"]
    (figure, _) = (s for s in several.all("svg") if any(t.text in titles for t in s.all("title")))
    bars = [r.text for r in figure.all("rect")]
    assert sum(int(re.match(r"\d+", told)[0]) for told in bars) == 5


def test_the_current_is_drawn_with_its_windows_where_a_meter_recorded_it():
    root = rendered(MEASURED)
    (figure, _) = (s for s in root.all("svg") if s.text.startswith("Current in milliamperes"))
    windows = [r for r in figure.all("rect") if r.attributes["class"] == "window"]
    assert [w.text for w in windows] == ["window 1: 0.5 s", "window 2: 0.5 s"]
    assert "2 windows, 40 inferences each, simulated by PPK2. 3,000 samples." in root.text
    assert not [s for s in rendered().all("svg") if s.text.startswith("Current")]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"current_a": np.full(3000, np.nan)}, {"current_a": np.zeros(2)}, {"current_s": SECONDS[::-1]},
        {"current_s": np.zeros((2, 2))}, {"current_a": np.zeros(3000, np.int8)}, {"current_a": np.array(["x"] * 3000)},
    ],
)  # fmt: skip
def test_readings_that_cannot_be_drawn_are_left_out(spoilt):
    root = html.read(page.render(MEASURED.json(), None, CURRENT | spoilt))
    assert "Shaded" not in root.text


@pytest.mark.parametrize("windows", [np.zeros(3), np.full((1, 2), np.inf), np.zeros((0, 2)), np.array([["a", "b"]])])
def test_windows_that_cannot_be_drawn_are_not_drawn(windows):
    root = html.read(page.render(MEASURED.json(), None, CURRENT | {"windows_s": windows}))
    assert "Shaded: 0 windows" in root.text


def test_the_confusion_matrix_has_every_count_and_the_interval():
    root = rendered(replace(PROFILE, verification=LABELLED))
    assert "3 of 4 labelled samples are classified rightly: 75.0 %" in root.text
    assert "between 30.1 and 95.4 %" in root.text
    matrix = next(i for i, t in enumerate(root.all("table")) if t.attributes.get("class") == "matrix")
    assert row(root, matrix, "noise") == ["0", "1", "1"]
    assert "noise taken for no: 1" in root.text


def test_many_classes_have_a_list_of_mistakes_and_no_matrix():
    answers = [0] * 30
    root = rendered(replace(PROFILE, verification=replace(VERIFIED, accuracy=score(range(30), answers))))
    assert not [t for t in root.all("table") if t.attributes.get("class") == "matrix"]
    assert "1 taken for 0: 1" in root.text


def test_a_verification_has_its_comparison_and_no_costs():
    root = html.read(page.render(VERIFIED.json()))
    assert row(root, 0, "conv2d") == ["8,000", "0", "0"]
    assert not root.all("svg")
    assert "not exact" not in root.text


def test_an_evaluation_has_its_accuracy_and_what_differs():
    root = html.read(page.render(EVALUATED.json()))
    assert "2 elements differ from tflite-micro 1.0, first in layer '(output Identity)'" in root.all("header")[0].text
    assert "75.0 %3 of 4; 95 % sure: 30.1 % to 95.4 %" in root.all("header")[0].text
    (matrix,) = [t for t in root.all("table") if t.attributes.get("class") == "matrix"]
    assert [td.text for td in matrix.all("tbody")[0].all("td")] == list("100010011")
    mismatches = next(i for i, t in enumerate(root.all("table")) if "reference says" in t.text)
    assert row(root, mismatches, "3") == ["2", "1", "2", "2", "3"]
    right = replace(EVALUATED, outputs=(replace(EVALUATED.outputs[0], different=0),), mismatches=())
    assert "48 output bytes over 4 samples equal tflite-micro 1.0" in html.read(page.render(right.json())).text


@pytest.mark.parametrize("profile", [PROFILE, MEASURED, replace(PROFILE, verification=LABELLED)])
def test_the_page_is_for_everybody(profile):
    root = rendered(profile)
    tags = html.every(root)
    for drawing in root.all("svg"):
        said = drawing.children[:1] and drawing.children[0].name == "title" and drawing.children[0].text
        assert drawing.attributes.get("aria-hidden") == "true" or (said and drawing.attributes["role"] == "img")
    for table in root.all("table"):
        assert table.all("th")
        assert all(th.attributes.get("scope") in ("row", "col") for th in table.all("th"))
        assert {len(r.children) for r in table.all("tr")} == {len(table.all("tr")[0].children)}
    ids = [t.attributes["id"] for t in tags if "id" in t.attributes]
    assert len(set(ids)) == len(ids)
    assert {t.attributes["aria-labelledby"] for t in tags if "aria-labelledby" in t.attributes} <= set(ids)
    assert root.all("html")[0].attributes["lang"] == "en"
    assert len(root.all("h1")) == 1


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 has it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_stands_out_from_the_paper_by_day_and_by_night():
    day, night = svg.style().split("@media", 1)
    for palette in (dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in (day, night)):
        paper = luminance(palette["paper"])
        for name in ("ink", "muted", "accent", "good", "bad", "warn"):
            low, high = sorted((paper, luminance(palette[name])))
            assert (high + 0.05) / (low + 0.05) >= 4.5, name


@pytest.mark.parametrize("name", HOSTILE)
def test_names_cannot_become_part_of_the_page(name):
    checks = tuple(replace(c, name=name) for c in LABELLED.layers)
    verified = replace(LABELLED, layers=checks, accuracy=score([0, 1], [1, 1], (name, "b")), reference=name)
    hostile = replace(
        MEASURED, verification=verified, model=replace(PROFILE.model, name=name, inputs=(name,)), board_title=name,
        layers=tuple(replace(x, name=name, op=name, kernel=name) for x in PROFILE.layers), notes=(name,),
        energy=replace(SIMULATED, meter=name, gate=name), machine=name,
    )  # fmt: skip
    plan = made_up.plan()
    plan = replace(
        plan, title=name, slots=tuple(replace(s, tensor=name) for s in plan.slots),
        layers=tuple(replace(x, name=name) for x in plan.layers),
    )  # fmt: skip
    text = page.render(hostile.json() | {"bundle": bundle_of(name)}, plan, CURRENT)
    text.encode()  # no half characters
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)
    tags = html.every(html.read(text))
    tame = html.every(rendered(replace(MEASURED, verification=LABELLED), bundle=bundle_of("x")))
    assert {t.name for t in tags} <= {t.name for t in tame}
    assert not [a for t in tags for a in t.attributes if a.startswith("on") or a in ("src", "action", "srcdoc")]
    assert {t.attributes["href"] for t in tags if "href" in t.attributes} == {"data:,"}
    (head,) = [t for t in tags if t.name == "h1"]
    assert head.text == " ".join(svg.clean(name).split())
    assert "49" not in head.text


def bundle_of(name: str):
    return {
        "created": name, "build_id": name, "image": {"name": name, "sha256": name, "bytes": 1},
        "tools": [{"name": name, "version": name}], "options": [{"name": name, "value": name}],
    }  # fmt: skip


def test_the_page_asks_nobody_for_anything_and_forbids_itself_to():
    text = page.render(MEASURED.json(), made_up.plan(), CURRENT)
    (policy,) = [m for m in html.read(text).all("meta") if "http-equiv" in m.attributes]
    assert policy.attributes["content"].startswith("default-src 'none'")
    assert "script-src" not in policy.attributes["content"]
    assert not re.search(r"https?://|url\(|@import|<script", text)


def test_the_same_result_is_the_same_page(tmp_path):
    kept = bundles.write(tmp_path / "x", made_up.bundle(), ORIGIN, page.of_bundle)
    stored = (tmp_path / "x" / "report.html").read_bytes()
    assert page.of_bundle(kept).encode() == stored
    assert page.of_bundle(bundles.read(tmp_path / "x")).encode() == stored


def test_a_page_beside_a_bundle_is_no_part_of_it(tmp_path):
    folder = tmp_path / "x"
    bundles.write(folder, made_up.bundle(), ORIGIN, page.of_bundle)
    (folder / "report.html").write_text("somebody's own")
    assert bundles.read(folder).plan == made_up.plan()
    bundles.write(folder, made_up.bundle(latency_us=1.0), ORIGIN, page.of_bundle)
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")


def report(*words: object):
    return CliRunner().invoke(app, ["report", *map(str, words)])


def test_the_command_makes_the_page_of_a_bundle_or_of_printed_json(tmp_path):
    folder = tmp_path / "x"
    bundles.write(folder, made_up.bundle(), ORIGIN)
    done = report(folder, "--json")
    assert json.loads(done.stdout) == {
        "page": str(folder / "report.html"), "bytes": (folder / "report.html").stat().st_size,
    }  # fmt: skip
    assert report(folder, "-o", tmp_path / "y.html").exit_code == 0
    assert (tmp_path / "y.html").read_bytes() == (folder / "report.html").read_bytes()
    printed = tmp_path / "printed.json"
    printed.write_text(json.dumps(made_up.tree()))
    assert report(printed).exit_code == 0
    assert "Arena" not in (tmp_path / "printed.html").read_text()


def test_the_command_leaves_nothing_half_written(tmp_path):
    printed = tmp_path / "printed.json"
    printed.write_text(json.dumps(made_up.tree()))
    (tmp_path / "folder").mkdir()
    done = report(printed, "-o", tmp_path / "folder")
    assert (done.exit_code, "cannot be written" in done.stderr) == (1, True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "printed.json"]
    assert report(tmp_path / "absent").exit_code == 1


def test_a_bundle_without_plan_has_no_arena():
    assert "Arena" not in page.of_bundle(Bundle(made_up.tree()))
