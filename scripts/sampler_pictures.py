#!/usr/bin/env python3
"""Draws the pictures of sums/SAMPLER.md and writes them to sums/pictures/.

    scripts/sampler_pictures.py            writes sums/pictures/*.svg
    scripts/sampler_pictures.py --check    compares with them; exits with 1 if one differs

The pictures use the derivation of the tables, scripts/sampler_tables.py, so they always agree with
the tables. The files have the same bytes on every machine: the density is mpmath's, rounded to
double, and a coordinate has two decimals.

A picture has no background. Its greys are readable on a white and on a black page. If the reader
prefers dark pages, the style sheet inside the picture makes the greys brighter.
"""
import sys
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

sys.dont_write_bytecode = True
import sampler_tables as tables  # noqa: E402  (exits with 77 if mpmath is missing)
from sampler_tables import GRID, density, mp, to_double  # noqa: E402

PICTURES = Path(__file__).resolve().parent.parent / "sums" / "pictures"

WIDTH = 880
CURVE_POINTS = 240

STYLE = """\
text { fill: #5c656f; font-size: 13px;
font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
.strong { font-weight: 600; }
.small { font-size: 11.5px; }
.axis { stroke: #7d8590; stroke-width: 1; fill: none; }
.grid { stroke: #7d8590; stroke-opacity: 0.25; stroke-width: 1; fill: none; }
.lead { stroke: #7d8590; stroke-width: 1; stroke-dasharray: 3 3; fill: none; }
.curve { stroke: #5c656f; stroke-width: 1.8; fill: none; stroke-linejoin: round; }
.bound { stroke-width: 1.2; stroke-dasharray: 5 3; fill: none; }
.piece { fill-opacity: 0.3; stroke-width: 0.8; stroke-linejoin: round; }
.mass { fill-opacity: 0.55; stroke: none; }
.pale { fill-opacity: 0.14; stroke-opacity: 0.45; stroke-width: 0.6; }
.idle { fill: #7d8590; fill-opacity: 0.1; stroke: #7d8590; stroke-width: 0.8; }
.level1 { fill: #3f83d6; stroke: #3f83d6; }
.level2 { fill: #dd8a1f; stroke: #dd8a1f; }
.level3 { fill: #2fa372; stroke: #2fa372; }
.level4 { fill: #d6418a; stroke: #d6418a; }
.hollow { fill: none; }
@media (prefers-color-scheme: dark) {
text { fill: #b3bcc6; }
.axis, .grid, .lead, .idle { stroke: #8b949e; }
.curve { stroke: #d5dce3; }
}
"""


def number(value):
    """A coordinate: two decimals, no trailing zeros, no -0."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def spread(first, last, intervals):
    return [first + (last - first) * (k / intervals) for k in range(intervals + 1)]


@dataclass
class Sheet:
    """One picture: its height in pixels, its title, and its elements."""

    height: int
    title: str
    elements: list = field(default_factory=list)

    def add(self, tag, style, **attributes):
        words = [f'{name}="{number(value)}"' for name, value in attributes.items()]
        self.elements.append(f'<{tag} class="{style}" {" ".join(words)}/>')

    def rect(self, style, x, y, width, height):
        self.add("rect", style, x=x, y=y, width=width, height=height)

    def line(self, style, x1, y1, x2, y2):
        self.add("line", style, x1=x1, y1=y1, x2=x2, y2=y2)

    def path(self, style, points, closed=False):
        steps = " L".join(f"{number(x)} {number(y)}" for x, y in points)
        self.elements.append(f'<path class="{style}" d="M{steps}{"Z" if closed else ""}"/>')

    def text(self, x, y, words, anchor="start", style=""):
        styled = f' class="{style}"' if style else ""
        place = f'x="{number(x)}" y="{number(y)}" text-anchor="{anchor}"'
        self.elements.append(f"<text {place}{styled}>{escape(words)}</text>")

    def svg(self):
        body = "\n".join(self.elements)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
            f'width="{WIDTH}" height="{self.height}" role="img">\n'
            f"<title>{escape(self.title)}</title>\n<style>\n{STYLE}</style>\n{body}\n</svg>\n"
        )


@dataclass
class Panel:
    """A part of a sheet with axes. `across` and `up` are the ranges of x and of the density."""

    sheet: Sheet
    left: float
    top: float
    width: float
    height: float
    across: tuple
    up: tuple

    def x(self, value):
        first, last = self.across
        return self.left + self.width * (value - first) / (last - first)

    def y(self, value):
        first, last = self.up
        return self.top + self.height * (last - value) / (last - first)

    def point(self, x, y):
        return self.x(x), self.y(y)

    def axes(self, xs, ys, label, scale=1, digits=1, x_digits=0):
        """Ticks at xs and at ys; the labels of ys are in units of `scale`."""
        bottom = self.top + self.height
        for y in ys:
            if y > self.up[0]:
                self.sheet.line("grid", self.left, self.y(y), self.left + self.width, self.y(y))
            place = self.left - 7, self.y(y) + 4
            self.sheet.text(*place, f"{y / scale:.{digits}f}", "end", "small")
        for x in xs:
            self.sheet.line("axis", self.x(x), bottom, self.x(x), bottom + 5)
            name = f"{x:.{x_digits}f}".replace("-", "\N{MINUS SIGN}")
            self.sheet.text(self.x(x), bottom + 19, name, "middle", "small")
        self.sheet.line("axis", self.left, bottom, self.left + self.width, bottom)
        self.sheet.text(self.left, self.top - 12, label, "start", "small")
        self.sheet.text(self.left + self.width + 6, bottom + 4, "x", "start", "small")

    def box(self, style, left, right, low, high):
        x, y = self.point(left, high)
        self.sheet.rect(style, x, y, self.x(right) - x, self.y(low) - y)

    def path(self, style, points, closed=False):
        self.sheet.path(style, [self.point(*p) for p in points], closed)

    def line(self, style, x1, y1, x2, y2):
        self.sheet.line(style, *self.point(x1, y1), *self.point(x2, y2))

    def curve(self):
        """Draws the part of the density that is inside the panel."""
        points = [(x, density(x)) for x in spread(*self.across, CURVE_POINTS)]
        low, high = self.up
        self.path("curve", [(x, y) for x, y in points if low <= y <= high])

    def clipped(self, style, left, right, low, high):
        """Draws the part of a box that is inside the panel, if any."""
        left, right = max(left, self.across[0]), min(right, self.across[1])
        low, high = max(low, self.up[0]), min(high, self.up[1])
        if left < right and low < high:
            self.box(style, left, right, low, high)

    def text(self, x, y, words, anchor="start", style="", dx=0, dy=0):
        self.sheet.text(self.x(x) + dx, self.y(y) + dy, words, anchor, style)


# The pieces, in the units of the pictures


@dataclass
class Box:
    left: float
    right: float
    low: float
    high: float


def stacked(pieces, mass, low=0.0):
    """Yields the rectangles of a stack, from the floor upwards."""
    for piece in pieces:
        high = low + mass / (piece.width / GRID)
        yield Box(piece.left / GRID, (piece.left + piece.width) / GRID, low, high)
        low = high


def level1_boxes(pieces):
    return list(stacked(pieces, 1 / (2 * tables.LEVEL1_SLOTS)))


def level2_stacks(level1):
    """Yields the boxes of level 2, one list for each step of the staircase of level 1."""
    mass = float(tables.level2_mass(level1))
    for region in tables.steps_beside(level1, 1 / (2 * tables.LEVEL1_SLOTS)):
        yield list(stacked(tables.stack(region, mass), mass, region.floor))


def outline(boxes):
    """The outline of a stack of boxes, as a closed line."""
    yield boxes[0].left, boxes[0].low
    for box in boxes:
        yield box.right, box.low
        yield box.right, box.high
    yield boxes[-1].left, boxes[-1].high


@dataclass
class Sliver:
    """A bin of levels 3 and 4, with the heights of both levels at a point v, 0 to 1."""

    left: float
    width: float
    floor: float
    given: float
    slope: float
    height: float

    @property
    def right(self):
        return self.left + self.width

    def top(self, v):
        """The height at which level 3 ends and level 4 begins."""
        return self.floor + self.given + self.slope * v

    def rest(self, v):
        return density(self.left + self.width * v) - self.top(v)

    def rest_mass(self):
        root2 = mp.sqrt(2)
        below = (mp.erf(mp.mpf(self.right) / root2) - mp.erf(mp.mpf(self.left) / root2)) / 2
        taken = (mp.mpf(self.floor) + self.given + mp.mpf(self.slope) / 2) * self.width
        return to_double(below - taken)


# The levels


def picture_level1(level1, **_):
    sheet = Sheet(430, "Level 1: rectangles of equal mass under the normal density")
    panel = Panel(sheet, 50, 42, 806, 335, (-4.7, 4.7), (0, 0.42))
    panel.axes(range(-4, 5), (0, 0.1, 0.2, 0.3, 0.4), "density")
    boxes = level1_boxes(level1)
    panel.path("mass level2", left_over(boxes, 4.7), True)
    for box in boxes:
        panel.box("piece level1", -box.right, box.right, box.low, box.high)
    panel.curve()
    name_slots(panel, boxes)
    panel.text(1.55, 0.352, f"{len(boxes)} rectangles, each of mass 1/32:", style="strong")
    panel.text(1.55, 0.352, f"slots 0 to {len(boxes) - 1} of the 32", dy=18)
    panel.line("lead", 1.5, 0.342, 0.6, 0.312)
    panel.text(-1.75, 0.352, "the area outside them, 2/32:", "end", "strong")
    panel.text(-1.75, 0.352, "slots 30 and 31, for level 2", "end", dy=18)
    panel.line("lead", -1.7, 0.352, -0.3, 0.371)
    panel.line("lead", -2.5, 0.324, -2.03, 0.048)
    return sheet


def left_over(boxes, reach):
    """The outline of the area between the stairs of level 1 and the density, up to `reach`."""
    stairs = list(outline(boxes))[1:-1]
    yield from ((-x, y) for x, y in stairs)
    yield from reversed(stairs)
    yield from ((x, density(x)) for x in spread(reach, -reach, CURVE_POINTS))


def name_slots(panel, boxes):
    for slot in (29, 28, 27, 26):
        middle = (boxes[slot].low + boxes[slot].high) / 2
        panel.text(0, middle, f"slot {slot}", "middle", "small", dy=4)
    edge = boxes[0].right
    panel.line("lead", edge, boxes[0].high, edge, 0.07)
    panel.text(edge, 0.07, f"slot 0 ends at {edge:.3f}", "middle", "small", dy=-6)


ONE_STEP = 20  # the enlarged step of the stairs is beside this slot
ONE_STEP_VIEW = (1.225, 1.305), (0.1695, 0.187)
BESIDE_SLOT0_VIEW = (2.85, 4.75), (0, 0.0063)


def picture_level2(level1, stacks, **_):
    sheet = Sheet(745, "Level 2: rectangles of equal mass beside the stairs of level 1")
    boxes = level1_boxes(level1)
    right_half(Panel(sheet, 50, 42, 806, 300, (0, 4.8), (0, 0.42)), boxes, stacks)
    step = Panel(sheet, 50, 430, 360, 260, *ONE_STEP_VIEW)
    one_step(step, boxes[ONE_STEP - 1], boxes[ONE_STEP], stacks[ONE_STEP])
    beside_slot0(Panel(sheet, 492, 430, 364, 260, *BESIDE_SLOT0_VIEW), boxes[0], stacks[0])
    return sheet


def right_half(panel, boxes, stacks):
    panel.axes(range(5), (0, 0.1, 0.2, 0.3, 0.4), "density, right half")
    for box in boxes:
        panel.box("pale level1", 0, box.right, box.low, box.high)
    for stack in stacks:
        panel.path("mass level2", outline(stack), True)
    panel.curve()
    for name, view in (("A", ONE_STEP_VIEW), ("B", BESIDE_SLOT0_VIEW)):
        (_, right), (_, high) = view
        panel.box("lead", *view[0], *view[1])
        panel.text(right, high, name, "middle", "strong", dx=10, dy=-8)
    count = sum(len(stack) for stack in stacks)
    panel.text(1.9, 0.345, "on top of slot 29 and beside every slot:", style="strong")
    panel.text(1.9, 0.345, f"{count:,} rectangles, each with a twin on the left half,", dy=18)
    panel.text(1.9, 0.345, "each of mass 2⁻¹⁶", dy=36)
    panel.line("lead", 1.85, 0.345, 0.36, 0.366)


def one_step(panel, below, above, stack):
    ticks = (0.17, 0.175, 0.18, 0.185)
    label = f"A: on slot {ONE_STEP - 1}, beside slot {ONE_STEP}"
    panel.axes((1.24, 1.26, 1.28, 1.3), ticks, label, digits=3, x_digits=2)
    for box in (below, above):
        panel.clipped("piece level1", 0, box.right, box.low, box.high)
    for box in stack:
        panel.clipped("piece level2", box.left, box.right, box.low, box.high)
    panel.curve()
    first = panel.across[0]
    panel.text(first, above.low, f"slot {ONE_STEP}", style="small", dx=12, dy=-80)
    panel.text(first, below.high, f"slot {ONE_STEP - 1}", style="small", dx=12, dy=26)
    panel.text(1.2715, 0.1838, f"{len(stack)} rectangles", style="strong")


def beside_slot0(panel, slot0, stack):
    panel.axes((3, 3.5, 4, 4.5), (0, 0.002, 0.004, 0.006), "B: beside slot 0", 1, 3, 1)
    panel.clipped("piece level1", 0, slot0.right, slot0.low, slot0.high)
    for box in stack:
        panel.box("piece level2", box.left, box.right, box.low, box.high)
    panel.curve()
    end = stack[0].right
    panel.text(3.45, 0.0035, f"{len(stack)} rectangles;", style="strong")
    panel.text(3.45, 0.0035, f"the lowest ends at {end:.4f}", dy=18)
    panel.line("lead", end, 0, end, 0.0029)


LAST_BIN_VIEW = (4.452, 4.632), (0, 0.0000206)


def picture_level3(stacks, slivers, **_):
    sheet = Sheet(445, "Level 3: trapezoids between levels 1 and 2 and the density")
    some_bins(Panel(sheet, 50, 50, 440, 340, (3.79, 4.68), (0, 0.0003)), stacks[0], slivers)
    last_bin(Panel(sheet, 566, 50, 290, 340, *LAST_BIN_VIEW), slivers[-1])
    return sheet


def some_bins(panel, boxes, slivers):
    unit = 1e-4
    ticks = (3.8, 4, 4.2, 4.4, 4.6)
    panel.axes(ticks, (0, unit, 2 * unit, 3 * unit), "density, in units of 10⁻⁴", unit, 0, 1)
    first, last = panel.across
    for box in boxes:
        panel.clipped("pale level2", box.left, box.right, box.low, box.high)
    for bin_ in (s for s in slivers if s.left > first and s.right <= last):
        panel.path("piece level3", trapezoid(bin_), True)
    panel.curve()
    panel.text(4.05, 0.000245, "in each bin between two corners of", style="strong")
    panel.text(4.05, 0.000245, "the stairs of level 2: a trapezoid", style="strong", dy=18)
    panel.text(4.05, 0.000245, f"{len(slivers):,} bins on each side of 0", dy=40)
    panel.box("lead", *LAST_BIN_VIEW[0], *LAST_BIN_VIEW[1])
    panel.text(4.63, 0.000025, "the last bin", "end", "small", dy=-4)


def trapezoid(bin_):
    yield bin_.left, bin_.floor
    yield bin_.right, bin_.floor
    yield bin_.right, bin_.top(1)
    yield bin_.left, bin_.top(0)


def rest_outline(bin_):
    for v in spread(0, 1, 48):
        yield bin_.left + bin_.width * v, density(bin_.left + bin_.width * v)
    yield bin_.right, bin_.top(1)
    yield bin_.left, bin_.top(0)


def last_bin(panel, bin_):
    unit = 1e-5
    ticks = (4.46, 4.5, 4.54, 4.58, 4.62)
    panel.axes(ticks, (0, unit, 2 * unit), "the last bin, in units of 10⁻⁵", unit, 0, 2)
    panel.clipped("piece level2", 0, bin_.right, 0, bin_.floor)
    panel.path("piece level3", trapezoid(bin_), True)
    panel.path("piece level4", rest_outline(bin_), True)
    panel.curve()
    panel.text(4.54, bin_.floor / 2, "level 2, up to the floor", "middle", "small")
    panel.text(bin_.left, bin_.floor, "level 3: the trapezoid", style="small", dx=10, dy=-26)
    panel.text(4.535, 0.0000185, "level 4: the rest", style="small", dy=2)
    panel.line("lead", 4.532, 0.0000185, 4.485, 0.0000163)


def picture_level4(slivers, tail, tail_height, **_):
    sheet = Sheet(690, "Level 4: the rest of the density in the bins, and the tail")
    dome(Panel(sheet, 50, 50, 360, 245, (0, 0.0675), (0, 1.75e-4)), slivers)
    end = Panel(sheet, 492, 50, 364, 245, (4.2, 5.6), (0, 1e-5))
    tail_and_bins(end, slivers, tail, tail_height)
    shares(Panel(sheet, 50, 385, 806, 250, (0, 5), (0, 1.3e-5)), slivers, tail)
    return sheet


def rest_in(panel, bin_):
    """Draws the rest of the density in a bin, and the box into which the attempts fall."""
    rest = [(bin_.left + bin_.width * v, bin_.rest(v)) for v in spread(0, 1, 48)]
    panel.path("piece level4", [(bin_.left, 0), *rest, (bin_.right, 0)], True)
    panel.box("bound level4 hollow", bin_.left, bin_.right, 0, bin_.height)


def dome(panel, slivers):
    unit = 1e-4
    ticks = (0, 0.02, 0.04, 0.06)
    ups = (0, 0.5 * unit, unit, 1.5 * unit)
    panel.axes(ticks, ups, "rest in the first bins, in units of 10⁻⁴", unit, 1, 2)
    for bin_ in slivers[:2]:
        rest_in(panel, bin_)
    middle = slivers[0].width / 2
    panel.text(middle, 0.000075, "between the top of", "middle", dy=-6)
    panel.text(middle, 0.000075, "the density and its chord", "middle", dy=12)
    panel.text(middle, slivers[0].height, "attempts fall into the box", "middle", "small", dy=-6)


def tail_and_bins(panel, slivers, tail, tail_height):
    unit = 1e-6
    ups = [k * unit for k in (0, 2, 4, 6, 8, 10)]
    label = "rest in the last bins, and the tail, in units of 10⁻⁶"
    panel.axes((4.2, 4.6, 5, 5.4), ups, label, unit, 0, 1)
    for bin_ in (s for s in slivers if s.left >= panel.across[0]):
        rest_in(panel, bin_)
    xs = spread(tail, panel.across[1], 120)
    panel.path("piece level4", [(tail, 0), *((x, density(x)) for x in xs), (xs[-1], 0)], True)
    panel.path("bound level4 hollow", [(x, exponential(x, tail, tail_height)) for x in xs])
    panel.text(4.86, 7.2e-6, f"the tail begins at {tail:.4f};")
    panel.text(4.86, 7.2e-6, "attempts fall below", dy=18)
    panel.text(4.86, 7.2e-6, "an exponential", dy=36)
    panel.line("lead", 4.84, 6.7e-6, 4.735, 5.7e-6)


def exponential(x, tail, tail_height):
    """The density of the attempts beyond the last bin."""
    return tail_height * tail * to_double(mp.exp(mp.mpf(-tail * (x - tail))))


def shares(panel, slivers, tail):
    """Draws bars of the mass of level 4 between neighbouring multiples of 1/4."""
    unit = 1e-6
    ups = [k * unit for k in (0, 4, 8, 12)]
    label = "mass of level 4 in every quarter, both signs, in units of 10⁻⁶"
    panel.axes(range(6), ups, label, unit, 0)
    masses = [0.0] * 19
    for bin_ in slivers:
        masses[int(4 * (bin_.left + bin_.width / 2))] += 2 * bin_.rest_mass()
    for quarter, mass in enumerate(masses):
        panel.box("piece level4", quarter / 4 + 0.02, quarter / 4 + 0.23, 0, mass)
    beyond = to_double(mp.erfc(mp.mpf(tail) / mp.sqrt(2)))
    panel.box("piece level4", 4.77, 4.98, 0, beyond)
    whole = tables.add_up(masses) + beyond
    first = 2 * slivers[0].rest_mass()
    panel.text(4.875, beyond, "the tail:", "middle", dy=-24)
    panel.text(4.875, beyond, f"{100 * beyond / whole:.0f} %", "middle", dy=-7)
    panel.text(0.28, 1.1e-5, f"the first bin alone: {100 * first / whole:.0f} %", dy=4)
    panel.text(2.4, 6e-6, f"together one sample in {1 / whole:,.0f}", "middle", "strong", dy=4)


# A block, and the bits of an output

CELL, ROW, GAP = 100, 25, 14
LABEL = 166  # x of the first cell
LANES_SHOWN = (0, 1, 2, 3, None, 30, 31)  # None stands for the others
DOTS = "⋯"


def picture_block(**_):
    sheet = Sheet(514, "A block: its 32 lanes, their steps, and the samples that they make")
    for place, lane in enumerate(LANES_SHOWN):
        name = DOTS if lane is None else f"lane {lane}"
        sheet.text(LABEL + CELL * (place + 0.5), 22, name, "middle", "strong")
    y = cells(sheet, 34, "seeds", lambda lane: ("a, b, c", "idle"))
    y = cells(sheet, y, "12 steps", lambda lane: ("discarded", "idle")) + GAP
    level_name(sheet, y, 1)
    for step in (0, 1, 2):
        y = cells(sheet, y, f"step {step}", lambda lane: sample(32 * step + lane))
    y = cells(sheet, y, "⋮", lambda lane: (DOTS, "piece level1"))
    y = cells(sheet, y, "step 2,047", lambda lane: sample(32 * 2047 + lane)) + GAP
    level_name(sheet, y, 2, ROW / 2)
    y = cells(sheet, y, "step 2,048", level2_draw, 2)
    y = cells(sheet, y, "about 128 steps ⋮", lambda lane: (DOTS, "piece level2")) + GAP
    level_name(sheet, y, 3, ROW / 2)
    y = cells(sheet, y, "4 steps a draw", level3_draw, 2)
    y = cells(sheet, y, "about 4 draws ⋮", lambda lane: (DOTS, "piece level3")) + GAP
    level_name(sheet, y, 4)
    sheet.rect("piece level4", LABEL, y, CELL * len(LANES_SHOWN) - 5, ROW - 4)
    words = "a generator for the whole block: about 2 draws"
    sheet.text(LABEL + CELL * len(LANES_SHOWN) / 2, y + ROW / 2 + 2, words, "middle", "small")
    slow = "Level 1 shows the numbers of the samples. Here samples 2, 33, 66 and 95 are slow:"
    again = "they take draws of level 2. Sample 33 is slow again: it takes level 3's first draw."
    sheet.text(LABEL, y + 46, slow)
    sheet.text(LABEL, y + 64, again)
    return sheet


def level_name(sheet, y, level, down=0):
    sheet.text(10, y + down + ROW / 2 + 2, f"level {level}", style="strong")


SLOW = {2: 0, 33: 1, 66: 2, 95: 3}  # samples that are slow here, and their draws of level 2
SLOW_AGAIN = 33


def cells(sheet, y, label, of_lane, rows=1):
    """Draws a row of cells, with text and style from of_lane. Returns the y of the next row."""
    height = ROW * rows
    sheet.text(LABEL - 10, y + height / 2 + 2, label, "end", "small")
    for place, lane in enumerate(LANES_SHOWN):
        words, style = of_lane(lane) if lane is not None else (DOTS, None)
        if style:
            sheet.rect(style, LABEL + CELL * place, y, CELL - 5, height - 4)
        lines = words.split("|")
        for i, line in enumerate(lines):
            middle = y + height / 2 + 2 + 16 * (i - (len(lines) - 1) / 2)
            sheet.text(LABEL + CELL * place + CELL / 2 - 2.5, middle, line, "middle", "small")
    return y + height


def sample(number_):
    return f"{number_:,}", "piece level2" if number_ in SLOW else "piece level1"


def level2_draw(lane):
    by_draw = {draw: sample_ for sample_, draw in SLOW.items()}
    if lane not in by_draw:
        return f"draw {lane}", "piece level2"
    style = "piece level3" if by_draw[lane] == SLOW_AGAIN else "piece level2"
    return f"draw {lane}:|sample {by_draw[lane]}", style


def level3_draw(lane):
    words = f"draw 0:|sample {SLOW_AGAIN}" if lane == 0 else f"draw {lane}"
    return words, "piece level3"


BIT = 11
BITS_LEFT = 158

PLACE_IN_BIN = "s: place in the bin; its top 32 bits are compared with u3"
MIRROR = "keep s, or take its mirror image"

# The level, the word, and its fields: highest bit, lowest bit, text ("": not used).
FIELDS = (
    ("uniform", "out", "level1", ((63, 11, "k"), (10, 0, ""))),
    ("level 1", "b, before", "level1", ((63, 37, ""), (36, 32, "slot"), (31, 0, ""))),
    ("", "out", "level1", ((63, 52, ""), (51, 0, "u: place in the rectangle"))),
    ("level 2", "out", "level2", ((63, 52, "slot"), (51, 0, "u: place in the interval"))),
    ("level 3", "u1", "level3", ((63, 32, "slot of the alias table"), (31, 0, "or its alias"))),
    ("", "u2", "level3", ((63, 52, ""), (51, 0, PLACE_IN_BIN))),
    ("", "u3", "level3", ((63, 63, "±"), (62, 32, ""), (31, 0, MIRROR))),
    ("", "u4", "level3", ((63, 0, ""),)),
    ("level 4", "u1", "level4", ((63, 32, "slot of the alias table"), (31, 0, "or its alias"))),
    ("", "u2", "level4", ((63, 11, "v: place in the bin"), (10, 0, ""))),
    ("", "u3", "level4", ((63, 63, "±"), (62, 53, ""), (52, 0, "h: below the density?"))),
)


def picture_bits(**_):
    sheet = Sheet(500, "Which bits of an output are used for what")
    for bit in (63, 52, 32, 11, 0):
        sheet.text(bit_x(bit) + BIT / 2, 20, f"{bit}", "middle", "small")
    y = 30
    for level, word, style, fields in FIELDS:
        y += 16 if level and y > 30 else 0
        sheet.text(12, y + 19, level, style="strong")
        sheet.text(BITS_LEFT - 10, y + 19, word, "end", "small")
        for high, low, words in fields:
            bit_field(sheet, y, high, low, words, style)
        y += 36
    return sheet


def bit_x(bit):
    return BITS_LEFT + BIT * (63 - bit)


def bit_field(sheet, y, high, low, words, style):
    width = BIT * (high - low + 1)
    sheet.rect(f"piece {style}" if words else "idle", bit_x(high), y, width, 28)
    sheet.text(bit_x(high) + width / 2, y + 19, words, "middle", "small")


DRAWN_BY = {
    "level1": picture_level1,
    "level2": picture_level2,
    "level3": picture_level3,
    "level4": picture_level4,
    "block": picture_block,
    "bits": picture_bits,
}


def draw():
    """Returns the text of every picture by its name."""
    level1, _ = tables.rectangles()
    derived = tables.derive()
    things = {
        "level1": level1,
        "stacks": list(level2_stacks(level1)),
        "slivers": [Sliver(*row) for row in derived.level4_bins],
        "tail": derived.tail,
        "tail_height": derived.tail_height,
    }
    return {f"{name}.svg": picture(**things).svg() for name, picture in DRAWN_BY.items()}


def kept(path):
    return path.read_text(encoding="utf-8") if path.exists() else None


def main(arguments):
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    pictures = draw()
    if not arguments:
        PICTURES.mkdir(exist_ok=True)
        for name, text in pictures.items():
            (PICTURES / name).write_text(text, encoding="utf-8")
        return 0
    wrong = [name for name, text in pictures.items() if kept(PICTURES / name) != text]
    for name in wrong:
        print(f"{PICTURES / name} differs from what {Path(__file__).name} draws: run it")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
