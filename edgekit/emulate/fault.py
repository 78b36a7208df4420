"""Why an emulated board stopped."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from edgekit.errors import Problem


@dataclass(frozen=True)
class Fault:
    """Where the firmware stopped and why.

    ``reason`` is a sentence; ``access`` is "read", "write", "fetch" or empty; ``address`` the one accessed, None if
    the instruction itself is at fault; ``function`` is ``name + offset`` of ``pc``.
    """

    reason: str
    pc: int
    function: str
    access: str = ""
    address: int | None = None

    def problem(self, board: str) -> Problem:
        """The fault as a user meets it."""
        found = f"{self.access} {self.address:#010x}".strip() if self.address is not None else ""
        return Problem(self.reason, where=f"{board}, in {self.function}", found=found)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


def from_json(text: str) -> Fault:
    """The fault read back from ``to_json`` text."""
    return Fault(**json.loads(text))
