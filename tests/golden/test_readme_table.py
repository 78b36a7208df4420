"""The comparison in README.md is the ledger's, number for number.

``EDGEKIT_UPDATE_GOLDEN=1 pytest tests/golden/test_readme_table.py`` writes it anew.
"""

import os
import re
from pathlib import Path

from support import ledger

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"(<!-- ledger: .*? -->\n)(.*?)(<!-- end of ledger -->)", re.DOTALL)


def test_the_readme_shows_what_the_ledger_holds():
    text = README.read_text(encoding="utf-8")
    if os.environ.get("EDGEKIT_UPDATE_GOLDEN"):
        text = BLOCK.sub(lambda m: m[1] + ledger.table() + m[3], text)
        README.write_text(text, encoding="utf-8")
    (block,) = BLOCK.findall(text)
    assert block[1] == ledger.table()
