"""Recipes are read strictly: everything that is wrong in one is said at once, before anything is trained."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest

from edgekit.compress import recipe as recipes
from edgekit.compress.recipe import Channels, Distill, Int8, Recipe, Weights
from edgekit.errors import UsageError

DOCS = Path(__file__).resolve().parents[2] / "docs"


def parsed(text):
    return recipes.parse(tomllib.loads(text), "r.toml")


def problems(text):
    with pytest.raises(UsageError) as caught:
        parsed(text)
    return caught.value.problems


def test_an_empty_recipe_is_int8_and_nothing_else():
    assert parsed("") == Recipe()
    assert parsed("").int8 == Int8("ptq")


def test_every_key_arrives_where_it_belongs():
    found = parsed("""
        seed = 7
        teacher = "self"
        alpha = 1
        temperature = 2.5
        [channels]
        target = "ram"
        limit = 9000
        criterion = "taylor"
        scope = "global"
        multiple = 4
        [weights]
        form = "n:m"
        n = 1
        [distill]
        epochs = 3
        [int8]
        how = "qat"
        ranges = "moving"
        """)
    assert (found.seed, found.teacher, found.alpha, found.temperature) == (7, "self", 1.0, 2.5)
    assert found.channels == Channels(target="ram", limit=9000, criterion="taylor", scope="global", multiple=4)
    assert found.weights == Weights("n:m", n=1)
    assert found.distill == Distill(3)
    assert found.int8 == Int8("qat", ranges="moving")


def test_all_that_is_wrong_is_said_at_once_with_the_nearest_word():
    found = problems("""
        sed = 1
        alpha = 3
        seed = -1
        [chanels]
        [channels]
        criterion = "l3"
        ratio = 1.5
        target = "weights"
        [weights]
        form = "blok"
        epochs = 0
        sparsity = nan
        n = "two"
        [distill]
        rate = -1.0
        [int8]
        how = "qta"
        """)
    said = {p.where: p for p in found}
    assert "'seed'" in said["r.toml, sed"].hint
    assert "'channels'" in said["r.toml, chanels"].hint
    assert "'block'" in said["r.toml, weights.form"].hint
    assert "'qat'" in said["r.toml, int8.how"].hint
    assert {"r.toml", "r.toml, seed", "r.toml, channels.criterion", "r.toml, weights.sparsity", "r.toml, weights.n",
            "r.toml, channels", "r.toml, weights", "r.toml, distill"} <= set(said)  # fmt: skip
    assert sum(p.where == "r.toml, channels" for p in found) == 2  # the ratio, and the target without a limit
    assert sum(p.where == "r.toml, distill" for p in found) == 2  # the rate, and nobody who teaches


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("channels = 3", "it is a table"),
        ("seed = true", "of another kind"),
        ("seed = 1.5", "of another kind"),
        ("alpha = inf", "it is no number"),
        ("temperature = 0", "nothing can be distilled so"),
        ("[channels]\nlimit = 5", "target and limit go together"),
        ("[channels]\nmultiple = 0", "whole numbers"),
        ("[weights]\nn = 5\nm = 4", "such a pattern cannot be"),
        ("[int8]\nbatch = 0", "nothing can be trained so"),
        ("[distill]", "nobody teaches"),
        ('teacher = "slef"', "Did you mean 'self'"),
    ],
)
def test_what_makes_no_sense_is_refused(text, what):
    (problem,) = problems(text)
    assert what in str(problem)


@pytest.mark.parametrize("content", [b"seed = ", b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_an_error_of_the_request(tmp_path, content):
    path = tmp_path / "r.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read"):
        recipes.read(path)


def test_the_teacher_is_looked_for_beside_the_recipe(tmp_path):
    (tmp_path / "big.keras").write_bytes(b"")
    path = tmp_path / "r.toml"
    path.write_text('teacher = "big.keras"', encoding="utf-8")
    assert Path(recipes.read(path).teacher) == tmp_path / "big.keras"


def test_the_page_names_every_key_with_its_default():
    page = (DOCS / "compression.md").read_text(encoding="utf-8")
    for name, kind in {"": Recipe, "channels": Channels, "weights": Weights, "distill": Distill, "int8": Int8}.items():
        part = page.split(f"### `[{name}]`")[1].split("###")[0] if name else page.split("###")[0]
        for field in dataclasses.fields(kind):
            if field.name in {"channels", "weights", "distill", "int8"}:
                continue
            shown = f'"{field.default}"' if isinstance(field.default, str) else f"{field.default}"
            assert f"| `{field.name}` | {shown} |" in part


def test_the_recipes_of_the_documentation_are_sound():
    found = sorted((DOCS / "recipes").glob("*.toml"))
    assert found
    for path in found:
        assert recipes.read(path) != Recipe()
