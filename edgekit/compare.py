"""Two results beside each other: what changed, and whether that is more than somebody allows.

Only what means something is compared: the same board at the same clock, fed with the same input, and figures got in the
same way. Another model is allowed for figures of the whole model alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from edgekit.bundle import Bundle
from edgekit.errors import Problem, ResultError

Dimension = str
COUNT, TIME, ENERGY, BYTES, SHARE = "count", "time", "energy", "bytes", "share"


@dataclass(frozen=True)
class Metric:
    """A figure of a whole result; ``get`` finds it, or None, and ``how`` says how it was got."""

    name: str
    title: str
    dimension: Dimension
    get: Callable[[Mapping[str, Any]], float | None]
    how: Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True)
class Delta:
    """A figure of both results; times in microseconds, energies in microjoules, shares 0 to 1. None: not there."""

    metric: Metric
    before: float | None
    after: float | None
    how: str

    @property
    def change(self) -> float | None:
        """After minus before."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def relative(self) -> float | None:
        """The change as a share of before; None if that is 0."""
        return None if self.change is None or not self.before else self.change / self.before

    def json(self) -> dict[str, Any]:
        """The delta for JSON."""
        return {
            "metric": self.metric.name, "dimension": self.metric.dimension, "how": self.how, "before": self.before,
            "after": self.after, "change": self.change, "relative": self.relative,
        }  # fmt: skip


@dataclass(frozen=True)
class LayerDelta:
    """A layer of both results, or of one: then the other's figures are None."""

    name: str
    op: str
    kernels: tuple[str | None, str | None]
    instructions: tuple[int | None, int | None]
    cycles: tuple[int | None, int | None]

    def json(self) -> dict[str, Any]:
        """The delta for JSON."""
        pairs = {"kernel": self.kernels, "instructions": self.instructions, "cycles": self.cycles}
        both = {key: {"before": a, "after": b} for key, (a, b) in pairs.items()}
        return {"name": self.name, "op": self.op, **both}


@dataclass(frozen=True)
class Limit:
    """What somebody does not allow; ``text`` as it was typed.

    ``bound`` is in the metric's unit, or a share if ``relative``; ``changes`` tells a change from a value.
    """

    text: str
    metric: Metric
    above: bool
    bound: Fraction
    relative: bool
    changes: bool


@dataclass(frozen=True)
class Overstepped:
    """A limit that holds, with the figures that break it."""

    limit: Limit
    delta: Delta


@dataclass(frozen=True)
class Comparison:
    """Two results beside each other; ``remarks`` say what differs and was no reason to refuse."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    deltas: tuple[Delta, ...]
    layers: tuple[LayerDelta, ...]
    remarks: tuple[str, ...]
    overstepped: tuple[Overstepped, ...] = ()

    def json(self) -> dict[str, Any]:
        """What ``compare --json`` prints."""
        return {
            "before": _side(self.before),
            "after": _side(self.after),
            "deltas": [d.json() for d in self.deltas],
            "layers": [x.json() for x in self.layers],
            "remarks": list(self.remarks),
            "failed": [o.limit.text for o in self.overstepped],
        }


def _find(tree: Mapping[str, Any], path: Sequence[str]) -> Any:
    """What lies at ``path``; None if something on the way is missing or null."""
    value: Any = tree
    for key in path:
        value = value.get(key) if value is not None else None
    return value


def _at(*path: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda tree: _find(tree, path)


def _how(*path: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda tree: str(_find(tree, path) or "")


def _fixed(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda _: text


def _mismatches(tree: Mapping[str, Any]) -> float | None:
    lists = [tree["checks"]] if tree["kind"] == "profile" else [tree.get("layers", []), tree["outputs"]]
    return sum(check["different"] for checks in lists for check in checks)


_LINKED = _fixed("read from the linked image")

METRICS: tuple[Metric, ...] = (
    Metric("mismatches", "elements that differ", COUNT, _mismatches, _how("how")),
    Metric("accuracy", "accuracy", SHARE, _at("accuracy", "share"), _how("how")),
    Metric("latency", "latency", TIME, _at("latency_us"), _how("latency_how")),
    Metric("latency_p95", "latency, 95 % below", TIME, _at("latency", "p95"), _how("latency", "how")),
    Metric("latency_max", "latency, slowest", TIME, _at("latency", "max"), _how("latency", "how")),
    Metric("energy", "energy of an inference", ENERGY, _at("energy", "per_inference_uj"), _how("energy", "how")),
    Metric("cycles", "cycles", COUNT, _at("cycles", "value"), _how("cycles", "how")),
    Metric("instructions", "instructions", COUNT, _at("instructions"), _how("how")),
    Metric("ram", "RAM", BYTES, _at("ram", "total"), _LINKED),
    Metric("arena", "arena", BYTES, _at("ram", "arena"), _fixed("planned")),
    Metric("stack", "stack", BYTES, _at("ram", "stack"), _how("how")),
    Metric("static", "static data", BYTES, _at("ram", "static"), _LINKED),
    Metric("flash", "flash", BYTES, _at("flash", "total"), _LINKED),
    Metric("weights", "weights", BYTES, _at("flash", "weights"), _fixed("planned")),
    Metric("code", "code", BYTES, _at("flash", "code"), _LINKED),
    Metric("image_ram", "RAM of the whole image", BYTES, _at("image", "ram"), _LINKED),
    Metric("image_flash", "flash of the whole image", BYTES, _at("image", "flash"), _LINKED),
)
"""Everything --fail-if can speak of."""


def compare(before: Bundle, after: Bundle, limits: Sequence[Limit] = ()) -> Comparison:
    """What changed from one result to the other, and which ``limits`` it oversteps.

    Raises:
        ResultError: everything that makes the comparison mean nothing, or a limit on what a result does not have.
    """
    a, b = before.result, after.result
    problems = _reasons_to_refuse(a, b)
    if problems:
        raise ResultError(*problems)
    same_model = a["model"]["sha256"] == b["model"]["sha256"]
    deltas = tuple(d for m in METRICS if (d := _delta(m, a, b)).before is not None or d.after is not None)
    layers = _layers(a["layers"], b["layers"]) if same_model and a["kind"] == b["kind"] == "profile" else ()
    return Comparison(a, b, deltas, layers, _remarks(before, after), _overstepped(limits, deltas))


def _reasons_to_refuse(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Problem]:
    """Why the two mean nothing beside each other."""
    if a["kind"] != b["kind"]:
        kinds = f"{a['kind']} and {b['kind']}"
        return [Problem("the results come from different commands", found=kinds, hint="Compare two of the same kind.")]
    rows: list[tuple[str, Callable[[Mapping[str, Any]], Any], str]] = [
        ("are of different boards", lambda t: t["board"], "Run both on the same board."),
        ("were not got in the same way", lambda t: t["how"], "Run both emulated, or both on a real board."),
        ("are of different clocks (Hz)", _clock, "Run both at the same clock."),
        ("are of different computers", lambda t: t.get("machine"), "Run both on the same computer."),
        ("are of models with different inputs", _inputs, "Compare models that take the same input."),
    ]
    if a["kind"] == "profile":
        hint = "Run both with the same edgekit and board."
        rows.append(("have their cycles from different sources", _how("cycles", "how"), hint))
        rows.append(("have their latency from different sources", _how("latency_how"), hint))
    if a["model"]["sha256"] == b["model"]["sha256"]:
        rows.append(("were got from different input data (sha256)", _fed, "Give both the same --samples and --count."))
    return [
        Problem(f"the results {what}", found=f"{get(a)} and {get(b)}", hint=hint)
        for what, get, hint in rows
        if get(a) != get(b)
    ]


def _energy(tree: Mapping[str, Any]) -> str:
    """How the energy was got, by which meter, and whether the idle board was taken off."""
    energy = tree["energy"]
    idle = " less idle" if energy["idle_subtracted"] else ""
    return f"{energy['how']} {energy['meter'] or ''}".strip() + idle


def _inputs(tree: Mapping[str, Any]) -> str:
    return ", ".join(tree["model"]["inputs"])


def _fed(tree: Mapping[str, Any]) -> str:
    """What a result depends on: a profile on the sample whose costs it reports, the others on all samples."""
    return str(tree["samples"]["first_sha256" if tree["kind"] == "profile" else "sha256"])[:16]


def _clock(tree: Mapping[str, Any]) -> Any:
    return tree.get("clock_hz") or tree.get("bundle", {}).get("clock_hz")


def _remarks(before: Bundle, after: Bundle) -> tuple[str, ...]:
    a, b = before.result, after.result
    remarks: list[str] = []
    if a["model"]["sha256"] != b["model"]["sha256"]:
        names = f"{a['model']['name']} and {b['model']['name']}"
        remarks.append(f"two different models ({names}): only figures of the whole model are compared, no layers")
    pairs = (
        ("toolchain", *(f"{t['toolchain']['name']} {t['toolchain']['version']}" for t in (a, b))),
        ("edgekit", a["edgekit"], b["edgekit"]),
        ("reference", a["reference"], b["reference"]),
    )
    remarks += [f"another {what}: {one} before, {other} after" for what, one, other in pairs if one != other]
    remarks += _apart(a, b).values()
    builds = [str(t.get("bundle", {}).get("build_id", "")) for t in (a, b)]
    if builds[0] and builds[0] == builds[1]:
        remarks.append(f"both ran the very same build ({builds[0]})")
    return tuple(remarks)


def _delta(metric: Metric, a: Mapping[str, Any], b: Mapping[str, Any]) -> Delta:
    before, after = metric.get(a), metric.get(b)
    if metric.name in _apart(a, b):
        before = after = None
    hows = list(dict.fromkeys((metric.how(a), metric.how(b))))
    return Delta(metric, before, after, " / ".join(h for h in hows if h))


def _apart(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, str]:
    """Figures that both have and that mean nothing beside each other, with the reason; the rest may be compared."""
    found: dict[str, str] = {}
    if a["kind"] != "profile":
        return found
    if a["accuracy"] and b["accuracy"] and a["samples"]["sha256"] != b["samples"]["sha256"]:
        found["accuracy"] = "the accuracies are of different samples and are not compared"
    known = [t["energy"]["per_inference_uj"] is not None for t in (a, b)]
    if all(known) and _energy(a) != _energy(b):
        found["energy"] = f"the energies are not compared: one is {_energy(a)}, the other {_energy(b)}"
    return found


def _overstepped(limits: Sequence[Limit], deltas: Sequence[Delta]) -> tuple[Overstepped, ...]:
    by_name = {d.metric.name: d for d in deltas}
    problems: list[Problem] = []
    found: list[Overstepped] = []
    for limit in limits:
        delta = by_name.get(limit.metric.name)
        if delta is None or delta.after is None or (limit.changes and delta.before is None):
            have = ", ".join(d.metric.name for d in deltas if d.change is not None)
            what = f"the results have no {limit.metric.title} to check"
            hint = "Take this limit out, or run again so that it is there."
            problems.append(Problem(what, f"--fail-if '{limit.text}'", allowed=have, hint=hint))
        elif holds(limit, delta):
            found.append(Overstepped(limit, delta))
    if problems:
        raise ResultError(*problems)
    return tuple(found)


def holds(limit: Limit, delta: Delta) -> bool:
    """Whether the figures are beyond the limit; exact, no rounding decides."""
    before, after = Fraction(delta.before or 0), Fraction(delta.after or 0)
    if not limit.changes:
        value, bound = after, limit.bound
    elif limit.relative:
        value, bound = after - before, limit.bound * before  # a share of 0 is 0: then any change is beyond it
    else:
        value, bound = after - before, limit.bound
    return value > bound if limit.above else value < bound


def _layers(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> tuple[LayerDelta, ...]:
    """Layers by name and, where a name occurs again, by turn; those that are gone come last."""
    old, new = _by_turn(before), _by_turn(after)
    keys = [*new, *(k for k in old if k not in new)]
    return tuple(_layer(old.get(k), new.get(k)) for k in keys)


def _by_turn(layers: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    turns: dict[str, int] = {}
    found: dict[tuple[str, int], Mapping[str, Any]] = {}
    for layer in layers:
        name = str(layer["name"])
        turns[name] = turns.get(name, 0) + 1
        found[name, turns[name]] = layer
    return found


def _layer(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> LayerDelta:
    some: Mapping[str, Any] = new or old or {}
    none: Mapping[str, Any] = {}
    a, b = old or none, new or none
    return LayerDelta(
        name=str(some["name"]),
        op=str(some["op"]),
        kernels=(a.get("kernel"), b.get("kernel")),
        instructions=(a.get("instructions"), b.get("instructions")),
        cycles=(a.get("cycles"), b.get("cycles")),
    )


def _side(tree: Mapping[str, Any]) -> dict[str, Any]:
    bundle: Mapping[str, Any] = tree.get("bundle", {})
    return {
        "kind": tree["kind"], "model": tree["model"], "board": tree["board"], "how": tree["how"],
        "exact": tree["exact"], "edgekit": tree["edgekit"], "toolchain": tree["toolchain"],
        "build_id": bundle.get("build_id"), "created": bundle.get("created"),
    }  # fmt: skip
