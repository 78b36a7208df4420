"""Result bundles: the contract of their JSON, storing whole or not at all, and reading with suspicion."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.made_up import EVALUATED, LABELLED, ORIGIN, PROFILE, RAW, VERIFIED, bundle, plan, tree

from edgekit import bundle as bundles
from edgekit import contract
from edgekit.bundle import Bundle
from edgekit.errors import ResultError


@pytest.fixture
def stored(tmp_path):
    folder = tmp_path / "results" / "first"
    bundles.write(folder, bundle(), ORIGIN)
    return folder


def edit(folder, change):
    """Change result.json as a person with an editor would."""
    path = folder / "result.json"
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


def problems(call, *args) -> list[str]:
    with pytest.raises(ResultError) as caught:
        call(*args)
    return [str(p) for p in caught.value.problems]


@pytest.mark.parametrize("result", [PROFILE, VERIFIED, LABELLED, EVALUATED])
def test_the_contract_names_every_key_there_is_and_no_other(result):
    found = result.json()
    assert contract.differences(found, contract.KINDS[found["kind"]], "", closed=True) == []


def test_a_bundle_is_read_back_as_it_was_written(stored):
    found = bundles.read(stored)
    assert {k: v for k, v in found.result.items() if k != "bundle"} == json.loads(json.dumps(PROFILE.json()))
    assert found.plan == plan()
    assert {k: v.tolist() for k, v in found.raw.items()} == {k: v.tolist() for k, v in RAW.items()}
    kept = found.result["bundle"]
    assert (kept["schema"], kept["build_id"], kept["image"]["sha256"]) == (1, "0123456789abcdef", "01" * 32)
    assert kept["tools"] == [{"name": "numpy", "version": "2.0"}]
    assert found.kind == "profile"


def test_a_bundle_without_plan_or_readings_is_read_back(tmp_path):
    bundles.write(tmp_path / "x", Bundle(VERIFIED.json()), ORIGIN)
    assert bundles.read(tmp_path / "x").plan is None
    assert bundles.read(tmp_path / "x").raw == {}


def test_an_older_bundle_is_replaced_and_nothing_is_left_over(stored):
    bundles.write(stored, bundle(latency_us=1.0), ORIGIN)
    assert bundles.read(stored).result["latency_us"] == 1.0
    assert [p.name for p in stored.parent.iterdir()] == ["first"]


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "x").mkdir()
    bundles.write(tmp_path / "x", bundle(), ORIGIN)
    assert bundles.read(tmp_path / "x").plan == plan()


def test_whatever_is_no_bundle_is_not_written_over(stored):
    thesis = stored / "thesis.txt"
    thesis.write_text("all my work")
    assert "will not be written over" in problems(bundles.reserve, stored)[0]
    assert "will not be written over" in problems(bundles.write, stored, bundle(), ORIGIN)[0]
    assert thesis.read_text() == "all my work"
    assert "will not be written over" in problems(bundles.reserve, thesis)[0]
    other = stored.parent / "other"
    other.mkdir()
    (other / "result.json").write_text("{}")
    assert "will not be written over" in problems(bundles.reserve, other)[0]


def test_a_run_that_cannot_be_kept_is_refused_before_it_begins(tmp_path, monkeypatch):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    assert "No space left on device" in problems(bundles.reserve, tmp_path / "x")[0]


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_a_bundle_that_cannot_be_written_leaves_the_older_one(stored, monkeypatch, call):
    before = bundles.read(stored).result

    def full(*_args):
        raise OSError(28, "No space left on device")

    if call == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        real = Path.rename

        def fails_for_new(self, target):
            return full() if ".new-" in self.name else real(self, target)

        monkeypatch.setattr(Path, "rename", fails_for_new)
    assert "No space left" in problems(bundles.write, stored, bundle(latency_us=1.0), ORIGIN)[0]
    assert bundles.read(stored).result == before
    assert [p.name for p in stored.parent.iterdir()] == ["first"]


def test_readings_without_a_meaning_are_not_stored(tmp_path):
    odd = Bundle(tree(), None, {"temperature": np.zeros(3)})
    assert "unknown raw readings" in problems(bundles.write, tmp_path / "x", odd, ORIGIN)[0]


@pytest.mark.parametrize("name", ["raw.npz", "plan.json"])
@pytest.mark.parametrize("way", ["change", "remove"])
def test_a_file_that_was_changed_or_lost_is_noticed(stored, name, way):
    path = stored / name
    if way == "change":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    else:
        path.unlink()
    assert name in problems(bundles.read, stored)[0]


def test_another_schema_is_refused(stored):
    edit(stored, lambda t: t["bundle"].update(schema=2))
    assert "another schema (found 2, allowed 1)" in problems(bundles.read, stored)[0]


def test_everything_wrong_is_told_at_once(stored):
    def spoil(t):
        t["clock_hz"] = "fast"
        t["layers"][1]["cycles"] = -1
        t["cycles"] = None
        del t["ram"]["arena"]
        t["exact"] = 1
        t["checks"] = {}

    edit(stored, spoil)
    found = problems(bundles.read, stored)
    assert len(found) == 6
    for path in ("clock_hz", "layers[1].cycles", "'cycles'", "ram.arena", "exact", "checks"):
        assert [p for p in found if path in p], path


def test_a_key_a_bundle_cannot_have_is_refused_and_a_newer_result_key_is_not(stored):
    edit(stored, lambda t: t.update(temperature=21))
    assert bundles.read(stored).result["temperature"] == 21
    edit(stored, lambda t: t["bundle"].update(colour="red"))
    assert "colour" in problems(bundles.read, stored)[0]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "report.html", "result.json"])
def test_a_bundle_cannot_make_its_reader_open_other_files(stored, name):
    edit(stored, lambda t: t["bundle"]["files"][0].update(name=name))
    assert "lists a file it cannot have" in problems(bundles.read, stored)[0]


def replace_raw(folder, data):
    (folder / "raw.npz").write_bytes(data)

    def change(t):
        (entry,) = (f for f in t["bundle"]["files"] if f["name"] == "raw.npz")
        entry.update(sha256=bundles._sha256(data), bytes=len(data))

    edit(folder, change)


def test_pickles_are_not_loaded(stored, tmp_path):
    np.savez(tmp_path / "evil.npz", layer_cycles=np.array([{"x": 1}], dtype=object))
    replace_raw(stored, (tmp_path / "evil.npz").read_bytes())
    assert "raw readings cannot be read" in problems(bundles.read, stored)[0]


def test_an_archive_that_unpacks_to_too_much_is_refused(stored, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("layer_cycles.npy", bytes(100_000))
    monkeypatch.setattr(bundles, "_MAX_BYTES", 50_000)
    replace_raw(stored, (tmp_path / "bomb.npz").read_bytes())
    assert "unpacks to too much" in problems(bundles.read, stored)[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no sound JSON"), ("{", "no sound JSON"), ("[1]", "no result of edgekit"), ("{}", "no result of edgekit"),
        ('{"kind": "poem"}', "found 'poem'"), ('{"kind": ["profile"]}', "no result"),
        ('{"kind": "profile", "latency_us": NaN}', "NaN is no JSON number"), ("[" * 100_000, "no sound JSON"),
    ],
)  # fmt: skip
def test_what_is_no_result_is_refused(tmp_path, text, says):
    path = tmp_path / "x.json"
    path.write_text(text)
    text = problems(bundles.load, path)[0]
    assert says in text or (says == "no sound JSON" and "this is not sound JSON" in text)


def test_a_result_is_loaded_from_a_folder_its_json_or_what_json_prints(stored, tmp_path):
    printed = tmp_path / "printed.json"
    printed.write_text(json.dumps(PROFILE.json()))
    assert bundles.load(stored).plan == bundles.load(stored / "result.json").plan == plan()
    assert bundles.load(printed).result["board"] == "nucleo-l4r5zi"
    assert "cannot be read" in problems(bundles.load, tmp_path / "absent")[0]
    shutil.rmtree(stored)
    assert "cannot be read" in problems(bundles.load, stored)[0]
