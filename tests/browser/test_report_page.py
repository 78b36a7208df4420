"""The report page in a real browser: it asks for nothing, complains of nothing, and is read on a phone and at night."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from support import made_up
from support.browser import browser
from support.made_up import EVALUATED, LABELLED, PROFILE, VERIFIED

from edgekit.costs import Energy, Latency
from edgekit.reports import page

SECONDS = np.linspace(0, 3, 300_000)
RAW = {
    "current_s": SECONDS,
    "current_a": 0.004 + 0.001 * np.sin(40 * SECONDS),
    "windows_s": np.array([[0.5, 1.0], [1.5, 2.0]]),
}
LONG = "model/a_block_with_a_very_long_name_indeed/depthwise_conv2d_17/BiasAdd;" * 3
FULL = replace(
    PROFILE,
    verification=LABELLED,
    latency=Latency(tuple(100 + (i * 37 % 11) for i in range(40)), "measured", 2),
    energy=Energy(350.0, 5.0, 9.0, 16.5, 3.3, 300_000, 2, 40, "simulated", 0.01, 0.02, "PPK2", "level"),
    layers=(
        *PROFILE.layers,
        replace(PROFILE.layers[0], name=LONG),
        replace(PROFILE.layers[1], name="<script>x</script>"),
    ),
)
PAGES = {
    "profile": page.render(FULL.json(), made_up.plan(), RAW),
    "verify": page.render(VERIFIED.json(), made_up.plan()),
    "evaluate": page.render(EVALUATED.json()),
}
WIDEST = "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)"
# Of every text the contrast to what really lies behind it, by the formula of WCAG 2.2; SVG texts are all on the paper.
CONTRAST = """(() => {
  const parts = c => { const n = c.match(/[\\d.]+/g).map(Number), rgb = n.slice(0, 3);
                       return [...(c.startsWith('color(srgb') ? rgb : rgb.map(v => v / 255)), n[3] ?? 1]; };
  const light = c => c.slice(0, 3).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const over = (below, c) => [0, 1, 2].map(i => c[i] * c[3] + below[i] * (1 - c[3]));
  const behind = e => { const own = parts(getComputedStyle(e).backgroundColor);
                        return over(e.parentElement ? behind(e.parentElement) : [1, 1, 1], own); };
  let least = 99, which = '';
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !e.getClientRects().length || e.closest('title, style')) continue;
    const style = getComputedStyle(e);
    const ink = e.ownerSVGElement ? style.fill : style.color;
    const [low, high] = [light(parts(ink)), light(behind(e))].sort((a, b) => a - b);
    const found = (high + 0.05) / (low + 0.05);
    if (found < least) { least = found; which = walk.currentNode.data; }
  }
  return [least, which];
})()"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 800, 360])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_and_fits_the_screen(chromium, tmp_path, name, width, dark):
    path = tmp_path / "report.html"
    path.write_text(PAGES[name], encoding="utf-8")
    opened = chromium.open(path, width=width, dark=dark, widest=WIDEST, contrast=CONTRAST,
                           paper="getComputedStyle(document.documentElement).backgroundColor",
                           drawn="[...document.querySelectorAll('svg')].filter(s => s.getClientRects().length).length",
                           scripts="document.scripts.length")  # fmt: skip
    assert [u for u in opened.requests if not u.startswith("data:")] == [path.as_uri()]
    assert not opened.complaints
    assert opened.values["widest"] == width
    assert opened.values["contrast"][0] >= 4.5, opened.values["contrast"]
    night = sum(map(int, re.findall(r"\d+", opened.values["paper"])[:3])) < 3 * 128
    assert night == dark
    assert opened.values["scripts"] == 0
    # two bars of shares, two of parts, one a layer, histogram, current and arena; each chart in one width only
    assert opened.values["drawn"] == {"profile": 4 + len(FULL.layers) + 3, "verify": 1, "evaluate": 0}[name]
    assert opened.picture.startswith(b"\x89PNG")


def test_the_test_sees_requests_scripts_and_complaints(chromium, tmp_path):
    path = tmp_path / "bad.html"
    path.write_text(
        "<p style='width:2000px'>x<img src=absent.png><script>console.error('no')</script>", encoding="utf-8"
    )
    opened = chromium.open(path, width=360, widest=WIDEST)
    assert (tmp_path / "absent.png").as_uri() in opened.requests
    assert opened.complaints
    assert opened.values["widest"] > 360
