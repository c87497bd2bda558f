#!/usr/bin/env python3
"""Draws the speeds from `scripts/bench sums --with-peers --json` as bars on a logarithmic scale.

usage: scripts/bench sums --with-peers --json | scripts/bench_chart.py > sums/pictures/speed.svg
"""
import json
import math
import sys
from xml.sax.saxutils import escape

COMMAND = "scripts/bench sums --with-peers"
TITLES = {"gaussian": "Gaussian samples a second", "uniform": "Uniform samples a second"}
WIDTH, MARGIN = 840, 20
BARS_LEFT, BARS_RIGHT, RATIOS_RIGHT = 200, 690, 818
ROW, BAR, TITLE, AXIS = 24, 15, 52, 26  # heights

# The picture has its own background, so it is readable on a page of any colour.
STYLE = """
    .paper { fill: #ffffff; stroke: #d0d7de }
    text { fill: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
    .title { font-size: 16px; font-weight: 600 }
    .kernel { font-weight: 600 }
    .small { fill: #59636e; font-size: 12px }
    .grid { stroke: #d8dee4 }
    .spread { stroke: #1f2328 }
    rect.kernel { fill: #2f7bd0 }
    rect.peer { fill: #a8b1bb }
    .left, .number { text-anchor: end }
    .tick { text-anchor: middle }
    @media (prefers-color-scheme: dark) {
        .paper { fill: #0d1117; stroke: #3d444d }
        text { fill: #f0f6fc }
        .small { fill: #9198a1 }
        .grid { stroke: #2a313c }
        .spread { stroke: #f0f6fc }
        rect.kernel { fill: #4493f8 }
        rect.peer { fill: #656c76 }
    }
"""


def text(x, y, words, classes):
    return f'<text class="{classes}" x="{x:g}" y="{y:g}">{escape(words)}</text>'


def line(x1, y1, x2, y2, classes):
    return f'<line class="{classes}" x1="{x1:.1f}" y1="{y1:g}" x2="{x2:.1f}" y2="{y2:g}"/>'


def short(number, digits="#.3"):
    """A number with three digits: 4.03 G, 944 M, 2.86 M."""
    scale, letter = (1e9, " G") if number >= 999.5e6 else (1e6, " M")
    return f"{number / scale:{digits}g}".rstrip(".") + letter


def times(ratio):
    return f"{ratio:.1f}×" if ratio < 9.95 else f"{ratio:.0f}×"


class Scale:
    """Converts samples a second to x coordinates; both ends are powers of ten."""

    def __init__(self, figures):
        self.low = math.floor(math.log10(min(each["least"] for each in figures)))
        self.high = math.ceil(math.log10(max(each["most"] for each in figures)))

    def x(self, rate):
        share = (math.log10(rate) - self.low) / (self.high - self.low)
        return BARS_LEFT + share * (BARS_RIGHT - BARS_LEFT)

    def ticks(self):
        return [10.0 ** power for power in range(self.low, self.high + 1)]


def draw_row(result, fastest, scale, y):
    rate, role = result["samples_per_second"], result["role"]
    base = y + ROW / 2 + 4.5
    middle = y + ROW / 2
    end = scale.x(rate["median"])
    yield text(BARS_LEFT - 8, base, result["name"], f"left {role}")
    yield (f'<rect class="{role}" x="{BARS_LEFT}" y="{middle - BAR / 2:g}" '
           f'width="{end - BARS_LEFT:.1f}" height="{BAR}"/>')
    yield line(scale.x(rate["least"]), middle, scale.x(rate["most"]), middle, "spread")
    yield text(RATIOS_RIGHT - 56, base, short(rate["median"]), f"number {role}")
    if role == "peer":
        yield text(RATIOS_RIGHT, base, times(result["times_as_fast"][fastest]["median"]), "number")


def draw_axis(scale, top, bottom):
    for rate in scale.ticks():
        yield line(scale.x(rate), top, scale.x(rate), bottom, "grid")
        yield text(scale.x(rate), bottom + 16, short(rate, ".3"), "tick small")


def draw_panel(kind, results, scale, y):
    fastest = next(each["name"] for each in results if each["role"] == "kernel")
    top = y + TITLE
    bottom = top + ROW * len(results)
    yield text(MARGIN, y + 28, TITLES[kind], "title")
    yield text(RATIOS_RIGHT, y + 28, f"{fastest} is faster by", "number small")
    yield from draw_axis(scale, top - 6, bottom + 4)
    for i, result in enumerate(results):
        yield from draw_row(result, fastest, scale, top + i * ROW)


def caption(facts, results):
    made_with = [part for each in results for part in each["made_with"].split(", ")
                 if any(letter.isdigit() for letter in part) and "AVX" not in part]
    ghz = facts["core_ghz"]["median"]
    return [
        f"One core of {facts['processor']} at {ghz:.1f} GHz. {facts['rounds']} rounds of "
        f"{facts['turn_ms']:.0f} ms each, in turns. Bars and ratios are medians, thin lines minimum "
        "to maximum.",
        ", ".join(dict.fromkeys(made_with)) + ".",
        "Logarithmic scale. Every contestant adds up its samples. Times are CPU times. Measured by "
        + COMMAND,
    ]


def draw(report):
    results = report["results"]
    scale = Scale([each["samples_per_second"] for each in results])
    body, y = [], 0
    for kind in TITLES:
        panel = [each for each in results if each["kind"] == kind]
        body += draw_panel(kind, panel, scale, y)
        y += TITLE + ROW * len(panel) + AXIS
    for words in caption(report["conditions"], results):
        y += 18
        body.append(text(MARGIN, y + 6, words, "small"))
    height = y + 24
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="title">',
        '<title id="title">Samples a second and core of the kernels and their peers</title>',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
        *body,
        "</svg>",
    ])


def main():
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    print(draw(json.load(sys.stdin)))


if __name__ == "__main__":
    main()
