"""Storing what a job found out as a bundle."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgekit import bundle
from edgekit.bundle import Bundle, Origin
from edgekit.execution import Job
from edgekit.ir.graph import Array
from edgekit.reports import page
from edgekit.results import ImageInfo

_PACKAGES = ("edgekit", "numpy", "ziglang", "cmake", "ninja", "unicorn", "tflite-micro", "pyserial")


def keep(
    job: Job,
    folder: Path,
    result: Mapping[str, Any],
    *,
    image: ImageInfo | None,
    raw: Mapping[str, Array],
    options: Mapping[str, object],
) -> Bundle:
    """Store ``result``, which ``image`` on the job's board gave, in ``folder``; ``options`` are what was asked for.

    Raises:
        ResultError: ``folder`` cannot be written to, or holds something else.
    """
    ran = image or ImageInfo("", "", 0, "")
    origin = Origin(
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        build_id=ran.build_id,
        image_name=ran.name,
        image_sha256=ran.sha256,
        image_bytes=ran.bytes,
        clock_hz=int(result.get("clock_hz") or job.board.target.clock_hz),
        tools=_tools(),
        options=[(name, str(value)) for name, value in {"toolchain": job.toolchain, **options}.items()],
    )
    return bundle.write(folder, Bundle(result, job.plan, raw), origin, page.of_bundle)


def _tools() -> list[tuple[str, str]]:
    """Versions of everything that has a part in a result."""
    found = [("python", platform.python_version()), ("system", platform.platform())]
    for name in _PACKAGES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
