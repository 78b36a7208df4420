"""How right a model is on a board: a whole labelled data set, sample by sample, against labels and reference.

Every sample's result is on disk when the next is begun. A run that was killed, or whose board went away, goes on where
it was when the same is asked again; a run that ends leaves nothing there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import __version__, execution, journal, reference
from edgekit.device import measure
from edgekit.device.deploy import Bench
from edgekit.errors import DataError, DeviceError, Problem
from edgekit.execution import Job
from edgekit.ir.graph import Array
from edgekit.journal import Journal, Line
from edgekit.plan.plan import Plan
from edgekit.reference import Reference
from edgekit.results import How, ImageInfo, LayerCheck, ModelInfo, SampleInfo, Tool, check_json, finite
from edgekit.samples import Samples, check_labels
from edgekit.scoring import Accuracy, score


@dataclass(frozen=True)
class Mismatch:
    """A sample whose outputs on the board are not the reference's: elements that differ, and both answers."""

    sample: int
    label: int
    answer: int
    expected: int
    different: int
    largest: float

    def json(self) -> dict[str, Any]:
        """An entry of ``mismatches`` in the contract."""
        return {
            "sample": self.sample, "label": self.label, "answer": self.answer, "reference_answer": self.expected,
            "different": self.different, "largest_difference": finite(self.largest),
        }  # fmt: skip


@dataclass(frozen=True)
class Evaluation:
    """Answers of a board to labelled samples.

    ``outputs`` are compared with the reference over all samples, ``mismatches`` lists the samples that differ.
    ``resumed`` of the samples were taken over from a run that did not come to its end. ``raw`` has labels and answers.
    """

    model: ModelInfo
    board: str
    how: How
    reference: str
    sample_source: str
    sample_info: SampleInfo
    accuracy: Accuracy
    reference_right: int
    outputs: tuple[LayerCheck, ...]
    mismatches: tuple[Mismatch, ...]
    toolchain: Tool
    image: ImageInfo | None = None
    resumed: int = 0
    raw: Mapping[str, Array] = field(default_factory=dict[str, Array], repr=False, compare=False)
    journal: Path | None = field(default=None, repr=False, compare=False)

    @property
    def exact(self) -> bool:
        """True only if there was a sample and all output bytes of all samples equal the reference's."""
        return self.accuracy.total > 0 and bool(self.outputs) and all(c.bytes and not c.different for c in self.outputs)

    @property
    def bytes(self) -> int:
        """Bytes compared."""
        return sum(c.bytes for c in self.outputs)

    def json(self) -> dict[str, Any]:
        """What ``evaluate --json`` prints."""
        return {
            "edgekit": __version__,
            "kind": "evaluate",
            "model": self.model.json(),
            "board": self.board,
            "how": self.how,
            "exact": self.exact,
            "reference": self.reference,
            "samples": {
                "count": 0, "outputs_only": self.accuracy.total, "source": self.sample_source,
                "sha256": self.sample_info.sha256, "first_sha256": self.sample_info.first_sha256,
            },
            "bytes_compared": self.bytes,
            "accuracy": self.accuracy.json(),
            "reference_right": self.reference_right,
            "resumed": self.resumed,
            "outputs": [check_json(c) for c in self.outputs],
            "mismatches": [m.json() for m in self.mismatches],
            "toolchain": {"name": self.toolchain.name, "version": self.toolchain.version},
        }  # fmt: skip


def evaluate(job: Job, samples: Samples, *, count: int = 0, fresh: bool = False) -> Evaluation:
    """Answers to the first ``count`` samples (0: all); ``fresh`` forgets what an earlier run has kept.

    Raises:
        DataError: the samples have no labels, or some that name no class of the model.
        DeviceError: the board went away; what was found until then is kept.
        UserError: results cannot be kept.
    """
    chosen = samples.first(count)
    if not samples.labels:
        hint = "Add an array 'labels' to the file, or use `edgekit verify`, which needs none."
        raise DataError(Problem("the samples have no labels", samples.source, hint=hint))
    check_labels(samples.labels, job.graph, samples.source)
    with execution.on_board(job) as (built, bench):
        wanted = reference.make(job.graph, job.optimised, job.data)
        image = execution.image_info(built)
        head = {  # not the port: a cable that was pulled out comes back as another one
            "schema": "2", "model": job.graph.sha256, "image": image.sha256 if image else "", "data": samples.sha256,
            "board": job.board.name, "how": bench.how, "reference": wanted.name,
        }  # fmt: skip
        with Journal(head, fresh=fresh) as kept:
            resumed = sum(i in kept.lines for i in range(len(chosen)))
            _fill(job, bench, wanted, chosen, kept)
            lines = [kept.lines[i] for i in range(len(chosen))]
    return Evaluation(
        model=job.model,
        board=job.board.name,
        how=bench.how,
        reference=wanted.name,
        sample_source=chosen.source,
        sample_info=SampleInfo(chosen.sha256, chosen.first_sha256),
        accuracy=score(chosen.labels, [line.answer for line in lines], chosen.classes),
        reference_right=sum(x.expected == label for x, label in zip(lines, chosen.labels, strict=True)),
        outputs=_outputs(job.plan, lines),
        mismatches=_mismatches(lines, chosen.labels),
        toolchain=built.toolchain,
        image=image,
        resumed=resumed,
        raw={
            "labels": np.array(chosen.labels, np.int64),
            "answers": np.array([line.answer for line in lines], np.int64),
        },
        journal=kept.path,
    )


def forget(found: Evaluation) -> None:
    """Remove what was kept for going on; the result has to be in good hands."""
    if found.journal is not None:
        journal.remove(found.journal)


def _fill(job: Job, bench: Bench, wanted: Reference, samples: Samples, kept: Journal) -> None:
    """Run every sample that the journal does not have yet."""
    whole = len(samples)
    left = [i for i in range(whole) if i not in kept.lines]
    stage = f"evaluating on {job.board.name}"
    job.progress(stage, whole - len(left), whole)
    for done, i in enumerate(left, whole - len(left) + 1):
        try:
            outputs = measure.run(bench.session, job.plan, samples.inputs[i])
        except DeviceError as error:
            hint = "Ask for the same again: it goes on there."
            more = Problem(f"{done - 1:,} of {whole:,} samples are kept", hint=hint)
            raise type(error)(*error.problems, more) from error
        kept.add(_line(job, i, outputs, wanted.values(samples.inputs[i])))
        job.progress(stage, done, whole)


def _line(job: Job, sample: int, outputs: Sequence[Array], values: Mapping[str, Array]) -> Line:
    names = [job.plan.slots[i].tensor for i in job.plan.outputs]
    checks = [
        execution.compared(LayerCheck("", "", name, 0), got, values) for name, got in zip(names, outputs, strict=True)
    ]
    return Line(
        sample,
        execution.answer_of(job, outputs),
        execution.answer_of(job, [values[name] for name in names]),
        tuple(c.different for c in checks),
        tuple(c.largest for c in checks),
    )


def _outputs(plan: Plan, lines: Sequence[Line]) -> tuple[LayerCheck, ...]:
    made: list[LayerCheck] = []
    for place, slot in enumerate(plan.slots[i] for i in plan.outputs):
        size = slot.images * slot.rows * slot.row_bytes * len(lines)
        different = sum(line.different[place] for line in lines)
        largest = max((line.largest[place] for line in lines), default=0.0)
        made.append(LayerCheck(f"(output {slot.tensor})", "", slot.tensor, size, different, largest))
    return tuple(made)


def _mismatches(lines: Sequence[Line], labels: Sequence[int]) -> tuple[Mismatch, ...]:
    return tuple(
        Mismatch(x.sample, label, x.answer, x.expected, sum(x.different), max(x.largest))
        for x, label in zip(lines, labels, strict=True)
        if any(x.different)
    )
