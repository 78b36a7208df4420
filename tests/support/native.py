"""C snippets of the firmware compiled for this machine by the zig wheel, called through ctypes."""

import ctypes
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from edgekit import resources

CACHE = Path(tempfile.gettempdir()) / "edgekit-test-native"


def shared_library(source: str) -> ctypes.CDLL:
    """``source`` as a shared library; kept by content so that a second run is quick."""
    headers = sorted((resources.firmware() / "include" / "ek").glob("*.h"))
    content = source.encode() + b"".join(h.read_bytes() for h in headers)
    CACHE.mkdir(exist_ok=True)
    library = CACHE / f"{hashlib.sha256(content).hexdigest()[:16]}.so"
    if not library.exists():
        c_file = library.with_suffix(".c")
        c_file.write_text(source, encoding="utf-8")
        include = f"-I{resources.firmware() / 'include'}"
        # -nostdlib: this process has a C library already, and zig would compile its own run-time library for a minute.
        command = [sys.executable, "-m", "ziglang", "cc", "-std=c11", "-O2", "-shared", "-fPIC", "-nostdlib", include]
        subprocess.run([*command, str(c_file), "-o", str(library)], check=True, capture_output=True)
    return ctypes.CDLL(str(library))
