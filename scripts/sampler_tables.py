#!/usr/bin/env python3
"""Derives the tables of the Gaussian sampler and writes them to sums/tables.h.

    scripts/sampler_tables.py            writes sums/tables.h
    scripts/sampler_tables.py --check    compares with the file; exits with 1 if it differs

sums/SAMPLER.md describes the use of the tables. In short: the right half of the normal density is
cut into pieces that fit under the density. Level 1 has rectangles with 15/16 of the mass, and
level 4 has the rest that the other levels leave over, 2.7e-5. The four masses add up to one.

The file has the same bytes on every machine. Python's + - * / and square root on floats are those
of IEEE 754 and give the same results everywhere. But exp() is the C library's, and its last bit may
depend on the processor. Therefore the script takes exp() from mpmath, which computes with integers,
at PRECISION bits, and rounds to double. Sums of floats are loops, because Python 3.12 changed the
result of sum() for floats.

Positions are integers in units of the grid, 2^-17. "One-sided" masses are those of the right half;
they add up to 1/2.
"""
import math
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

try:
    from mpmath import mp
except ImportError:
    print("sampler_tables: needs mpmath (Debian: python3-mpmath)", file=sys.stderr)
    sys.exit(77)  # ctest reports "skipped"

HEADER = Path(__file__).resolve().parent.parent / "sums" / "tables.h"

PRECISION = 120  # bits; a double has 53
GRID_LOG2 = 17
GRID = 2.0**GRID_LOG2

LEVEL1_SLOTS = 32  # 5 bits of an output choose the slot
LEVEL2_SLOTS = 4096  # 12 bits
SLACK = 1e-15  # distance of each piece from the density: more than the rounding of a double
REACH = 8  # beyond this x the density is less than SLACK, so there is no piece
BIN_PROBES = 128  # intervals of a bin at whose ends the script evaluates the density
LEVEL3_FIT = 1 - 1e-4  # share of the space under the density that a trapezoid takes
LEVEL3_SHARE = 1 - 1e-6  # share of a trapezoid's mass that level 3 draws
LEVEL4_HEADROOM = 1.01  # height of an envelope divided by the highest probe
TAIL_HEADROOM = 1.000001
MASS_TOLERANCE = 1e-18  # of 0.5: the largest error from rounding 2,010 floors to double

mp.prec = PRECISION


def to_double(x):
    """The double nearest to an mpmath number, ties to even.

    Division of Python integers rounds correctly. mpmath's own conversion depends on its version.
    """
    mantissa, exponent = x.man_exp
    if exponent >= 0:
        return float(mantissa << exponent)
    return mantissa / (1 << -exponent)


def add_up(values):
    """Sum of floats from left to right."""
    total = 0.0
    for value in values:
        total += value
    return total


def density(x):
    """The normal density at x, as a double."""
    return to_double(mp.exp(mp.mpf(-0.5 * x * x))) / math.sqrt(2 * math.pi)


@dataclass
class Rectangle:
    """One-sided piece of level 1 or 2. All pieces of a level have the same mass, so the width
    determines the height."""

    left: int
    width: int


@dataclass
class Region:
    """A region for pieces of level 2: right of `left`, at most `width` wide, above `floor`."""

    left: int
    width: int
    floor: float


@dataclass
class Bin:
    """The space between the pieces of levels 1 and 2, whose top is `floor`, and the density.

    v0, v1: height of that space at both ends. probes: the density at BIN_PROBES + 1 points.
    """

    left: int
    right: int
    floor: float
    v0: float
    v1: float
    probes: list

    def width(self):
        return (self.right - self.left) / GRID

    def chord(self, k, at0, at1):
        """Height at probe k of the straight line from at0 to at1."""
        return at0 + (at1 - at0) * (k / BIN_PROBES)


@dataclass
class Tables:
    """The tables in the units of the sampler. SAMPLER.md describes the use of the fields."""

    level1: list  # T of 32 slots; 0: slow
    level2: list  # (L, W) of the slots that hold an interval
    level3_alias: list  # (threshold, alias)
    level3_bins: list  # (L, W, C0, K)
    level4_alias: list  # (threshold, alias)
    level4_bins: list  # (left, width, floor, given, slope, height)
    tail: float  # the end of the last bin
    tail_height: float
    mass_error: float  # mass that level 4 draws minus mass of its slot


# Levels 1 and 2: rectangles


def last_true(holds, low, high):
    """Largest i in [low, high] with holds(i). holds() is true at `low` and changes once."""
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


def widest(region, mass):
    """Width of the widest rectangle of that one-sided mass that fits in the region, or None.

    A rectangle of width w has the height mass / w. It fits if the room above it, density(left + w)
    - floor - mass / w, is not negative. w * (density - floor) rises up to one peak and then falls:
    its slope, density(x) * (1 - w * x) - floor, falls as long as it is positive. Therefore the
    function finds the peak by bisection. If the rectangle fits there, the function then finds the
    largest width at which it fits.
    """

    def fits(w):
        room = density((region.left + w) / GRID) - region.floor - mass / (w / GRID)
        return room - SLACK >= 0

    def rising(w):
        x = (region.left + w) / GRID
        return density(x) * (1 - w / GRID * x) > region.floor

    peak = last_true(rising, 1, region.width)
    for w in (peak + 1, peak):
        if w <= region.width and fits(w):
            return last_true(fits, w, region.width)
    return None


def stack(region, mass):
    """Rectangles of equal mass stacked upwards from the floor of the region."""
    pieces = []
    while (width := widest(region, mass)) is not None:
        pieces.append(Rectangle(region.left, width))
        region = Region(region.left, width, region.floor + mass / (width / GRID))
    return pieces


def steps_beside(pieces, mass):
    """The free regions beside a stack at 0: one beside each piece, and one on top."""
    regions = [Region(pieces[0].width, int(REACH * GRID) - pieces[0].width, 0.0)]
    floor = 0.0
    for piece, above in zip(pieces, pieces[1:] + [Rectangle(0, 0)]):
        floor += mass / (piece.width / GRID)
        regions.append(Region(above.width, piece.width - above.width, floor))
    return regions


def level2_mass(level1):
    """Mass of a slot of level 2. A slot has one side, so this is also a piece's one-sided mass."""
    return Fraction(LEVEL1_SLOTS - len(level1), LEVEL1_SLOTS * LEVEL2_SLOTS)


def rectangles():
    """The pieces of levels 1 and 2. A slot of level 1 covers both signs."""
    mass1 = 1 / (2 * LEVEL1_SLOTS)
    level1 = stack(Region(0, int(REACH * GRID), 0.0), mass1)
    mass2 = float(level2_mass(level1))
    level2 = []
    for region in steps_beside(level1, mass1):
        level2 += stack(region, mass2)
    return level1, level2


# Level 3: trapezoids


def floors(level1, level2):
    """(left, right, height of levels 1 and 2) between every two neighbouring edges."""
    rise = {}
    for pieces, mass in (
        (level1, mp.mpf(1) / (2 * LEVEL1_SLOTS)),
        (level2, mp.mpf(level2_mass(level1).numerator) / level2_mass(level1).denominator),
    ):
        for piece in pieces:
            height = mass / (mp.mpf(piece.width) / 2**GRID_LOG2)
            rise.setdefault(piece.left, []).append(height)
            rise.setdefault(piece.left + piece.width, []).append(-height)
    edges = sorted(rise)
    height = mp.mpf(0)
    for left, right in zip(edges, edges[1:]):
        for step in rise[left]:
            height += step
        yield left, right, to_double(height)


def make_bins(level1, level2):
    """The bins of levels 3 and 4. The density is above the floor in all of them."""
    bins = []
    for left, right, floor in floors(level1, level2):
        spread = [left + (right - left) * (k / BIN_PROBES) for k in range(BIN_PROBES + 1)]
        probes = [density(x / GRID) for x in spread]
        v0, v1 = density(left / GRID) - floor, density(right / GRID) - floor
        if min(v0, v1) <= 0:
            raise ValueError(f"a piece is above the density in bin {left}..{right}")
        bins.append(Bin(left, right, floor, v0, v1, probes))
    return bins


def trapezoid(bin_):
    """Heights at both ends of the largest multiple of the chord that is under the density."""
    smallest = 9.0
    for k, probe in enumerate(bin_.probes):
        smallest = min(smallest, (probe - bin_.floor) / bin_.chord(k, bin_.v0, bin_.v1))
    fit = smallest * LEVEL3_FIT
    return bin_.v0 * fit, bin_.v1 * fit


def alias_table(masses):
    """(threshold, alias) of every slot, by Vose's method: slot i stays i below the threshold."""
    n = len(masses)
    whole = add_up(masses)
    share = [m / whole * n for m in masses]
    threshold, alias = [2**32 - 1] * n, list(range(n))
    small = [i for i in range(n) if share[i] < 1]
    large = [i for i in range(n) if share[i] >= 1]
    while small and large:
        poor, rich = small.pop(), large.pop()
        threshold[poor] = min(2**32 - 1, int(round(share[poor] * 2**32)))
        alias[poor] = rich
        share[rich] -= 1 - share[poor]
        (small if share[rich] < 1 else large).append(rich)
    return list(zip(threshold, alias))


def alias_probabilities(table):
    """The exact probability of each slot.

    The slot is (high 32 bits * n) >> 32, so some slots have one value more than others. The low 32
    bits are compared with the threshold.
    """
    n = len(table)
    starts = [-(-i * 2**32 // n) for i in range(n + 1)]
    ways = [0] * n
    for i, (threshold, alias) in enumerate(table):
        hits = starts[i + 1] - starts[i]
        ways[i] += hits * threshold
        ways[alias] += hits * (2**32 - threshold)
    return [Fraction(w, 2**64) for w in ways]


def tilt(at0, at1):
    """(C0, K) of a trapezoid, in units of 2^-32.

    The sampler keeps a uniform s with probability C0 - K s, and otherwise replaces it by 1 - s.
    Then s has the density 1 + K (1 - 2 s) for every C0.
    """
    slope = min((at0 - at1) / (at0 + at1), 1 - 2.0**-20)
    return int((0.5 + 0.5 * slope) * 2**32), int(round(slope * 2**32))


def level3_mass(level1, level2):
    """The one-sided mass that levels 1 and 2 leave over."""
    left_by_level1 = Fraction(LEVEL1_SLOTS - len(level1), 2 * LEVEL1_SLOTS)
    return left_by_level1 - len(level2) * level2_mass(level1)


def level3(bins, mass):
    """The alias table, the tilts, the heights of level 3 at both ends of each bin, and level 4's mass.

    The last slot of the alias table stands for level 4.
    """
    shapes = [trapezoid(b) for b in bins]
    masses = [0.5 * (a + b) * bin_.width() * LEVEL3_SHARE for (a, b), bin_ in zip(shapes, bins)]
    masses.append(float(mass) - add_up(masses))
    alias = alias_table(masses)
    chances = alias_probabilities(alias)
    tilts = [tilt(a, b) for a, b in shapes]
    given = []
    for bin_, (_, k), chance in zip(bins, tilts, chances):
        mean = float(chance * mass / Fraction(bin_.right - bin_.left, 2**GRID_LOG2))
        slope = k / 2.0**32
        given.append((mean * (1 + slope), mean * (1 - slope)))
    return alias, tilts, given, chances[-1] * mass


# Level 4: the rest


def envelope(bin_, at0, at1):
    """A height above the rest of the density in the bin."""
    rest = [p - bin_.floor - bin_.chord(k, at0, at1) for k, p in enumerate(bin_.probes)]
    if min(rest) < 0:
        raise ValueError(f"level 3 is above the density in bin {bin_.left}..{bin_.right}")
    return max(0, max(rest)) * LEVEL4_HEADROOM + SLACK


def level4(bins, given, tail):
    """The alias table, and the height of the envelope in every bin and in the tail.

    The heights are scaled to the probabilities of the alias table, not the other way round. So the
    rounding of the alias table has no effect on the samples.
    """
    heights = [envelope(b, at0, at1) for b, (at0, at1) in zip(bins, given)]
    masses = [h * b.width() for h, b in zip(heights, bins)]
    masses.append(density(tail) / tail * TAIL_HEADROOM)
    alias = alias_table(masses)
    chances = [float(c) for c in alias_probabilities(alias)]
    scale = max(m / c for m, c in zip(masses, chances))
    heights = [scale * c / b.width() for c, b in zip(chances, bins)]
    return alias, heights, scale * chances[-1]


def left_for_level4(bins, given, tail):
    """The mass that level 4 draws: the integral of the rest of the density, with the tail."""
    left = mp.erfc(mp.mpf(tail) / mp.sqrt(2)) / 2
    for bin_, (at0, at1) in zip(bins, given):
        p, q = mp.mpf(bin_.left) / 2**GRID_LOG2, mp.mpf(bin_.right) / 2**GRID_LOG2
        left += (mp.erf(q / mp.sqrt(2)) - mp.erf(p / mp.sqrt(2))) / 2
        left -= (mp.mpf(bin_.floor) + (mp.mpf(at0) + at1) / 2) * (q - p)
    return left


# All tables


def packed_width(width):
    """A width in units of 2^-29. The sampler multiplies it by 52 bits and shifts right by 32."""
    return width << (29 - GRID_LOG2)


def both_sides(level2):
    """Two slots of level 2 for every piece: first the right half's, then the left half's."""
    for piece in level2:
        yield piece.left, packed_width(piece.width)
        yield -(piece.left + piece.width), packed_width(piece.width)


def derive():
    """Derives all tables. Raises ValueError if the masses do not add up."""
    one, two = rectangles()
    bins = make_bins(one, two)
    tail = bins[-1].right / GRID
    alias3, tilts, given, mass4 = level3(bins, level3_mass(one, two))
    alias4, heights, tail_height = level4(bins, given, tail)
    wanted = mp.mpf(mass4.numerator) / mass4.denominator
    error = to_double(left_for_level4(bins, given, tail) - wanted)
    if abs(error) > MASS_TOLERANCE:
        raise ValueError(f"the mass that level 4 draws exceeds that of its slot by {error:g}")
    return Tables(
        level1=[2 * piece.width for piece in one] + [0] * (LEVEL1_SLOTS - len(one)),
        level2=list(both_sides(two)),
        level3_alias=alias3,
        level3_bins=[
            (b.left, packed_width(b.right - b.left), c0, k) for b, (c0, k) in zip(bins, tilts)
        ],
        level4_alias=alias4,
        level4_bins=[
            (b.left / GRID, b.width(), b.floor, at0, at1 - at0, height)
            for b, (at0, at1), height in zip(bins, given, heights)
        ],
        tail=tail,
        tail_height=tail_height,
        mass_error=error,
    )


# The header

PREAMBLE = """\
/* Tables of the Gaussian sampler, specified in sums/SAMPLER.md.
 *
 * Generated: do not edit. This script derives the tables, checks them and writes this file:
 *
 *     scripts/sampler_tables.py
 *
 * It writes the same bytes on every machine. */
#ifndef MEANTIME_SUMS_TABLES_H
#define MEANTIME_SUMS_TABLES_H

#include <stdint.h>

/* clang-format off */
"""

POSTAMBLE = """
/* clang-format on */

#endif
"""

LEVEL1_COMMENT = """\
/* Level 1: T << 32 for a rectangle [-X, X] with T = X * 2^18; 1 for a slow slot. So a sum of entries
 * has the sum of T in its high half and the number of slow slots in its low half. */"""

LEVEL2_COMMENT = """\
/* Level 2: L << 32 | W for the interval [L, L + W), L in units of 2^-17, W in units of 2^-29.
 * The slots from LEVEL2_FAST on belong to level 3 and hold 0. */"""

LEVEL3_ALIAS_COMMENT = """\
/* Level 3: threshold << 32 | alias. The last slot stands for level 4. */"""

LEVEL3_INTERVAL_COMMENT = """\
/* Level 3: the bin, L << 32 | W as in level 2; the slot of level 4 holds 0. */"""

LEVEL3_TILT_COMMENT = """\
/* Level 3: the trapezoid in the bin, C0 << 32 | K in units of 2^-32. */"""

LEVEL4_ALIAS_COMMENT = """\
/* Level 4: threshold << 32 | alias. The last slot stands for the tail. */"""

LEVEL4_COMMENT = """\
/* Level 4: a bin [left, left + width). At left + width * v, levels 1 to 3 cover the density up to
 * floor + given + slope * v. The rest of the density is below `height`. The tail, the last entry,
 * has only its beginning `left` and its `height`. */
struct level4_bin {
    double left, width, floor, given, slope, height;
};
"""


def pair(high, low):
    """Two 32-bit numbers in one entry; the high one may be negative."""
    return (high & 0xFFFFFFFF) << 32 | low


def array(comment, name, size, entries):
    """A C array of 64-bit integers, five to a line."""
    words = [f"0x{e:016x}," for e in entries]
    lines = [" ".join(words[i : i + 5]) for i in range(0, len(words), 5)]
    body = "\n    ".join(lines)
    return f"\n{comment}\nstatic const uint64_t {name}[{size}] = {{\n    {body}\n}};\n"


def level4_array(tables):
    rows = tables.level4_bins + [(tables.tail, 0.0, 0.0, 0.0, 0.0, tables.tail_height)]
    body = "\n".join("    {" + ", ".join(x.hex() for x in row) + "}," for row in rows)
    head = "static const struct level4_bin level4_bins[BIN_SLOTS]"
    return f"\n{LEVEL4_COMMENT}\n{head} = {{\n{body}\n}};\n"


def sizes(tables):
    return f"""
#define LEVEL1_SLOTS {LEVEL1_SLOTS}
#define LEVEL2_SLOTS {LEVEL2_SLOTS}
#define LEVEL2_FAST  {len(tables.level2)} /* slots that hold an interval */
#define BIN_SLOTS    {len(tables.level3_alias)} /* of levels 3 and 4: the bins and one slot more */
"""


def render(tables):
    """The text of sums/tables.h."""
    level1 = [t << 32 if t else 1 for t in tables.level1]
    level2 = [pair(*interval) for interval in tables.level2]
    level2 += [0] * (LEVEL2_SLOTS - len(level2))
    intervals = [pair(left, width) for left, width, _, _ in tables.level3_bins] + [0]
    tilts = [pair(c0, k) for _, _, c0, k in tables.level3_bins] + [0]
    alias3 = [pair(*slot) for slot in tables.level3_alias]
    alias4 = [pair(*slot) for slot in tables.level4_alias]
    return "".join(
        (
            PREAMBLE,
            sizes(tables),
            array(LEVEL1_COMMENT, "level1_slots", "LEVEL1_SLOTS", level1),
            array(LEVEL2_COMMENT, "level2_slots", "LEVEL2_SLOTS", level2),
            array(LEVEL3_ALIAS_COMMENT, "level3_alias", "BIN_SLOTS", alias3),
            array(LEVEL3_INTERVAL_COMMENT, "level3_intervals", "BIN_SLOTS", intervals),
            array(LEVEL3_TILT_COMMENT, "level3_tilts", "BIN_SLOTS", tilts),
            array(LEVEL4_ALIAS_COMMENT, "level4_alias", "BIN_SLOTS", alias4),
            level4_array(tables),
            POSTAMBLE,
        )
    )


def main(arguments):
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    tables = derive()
    text = render(tables)
    print(f"the mass that level 4 draws exceeds that of its slot by {tables.mass_error:+.2g}")
    if not arguments:
        HEADER.write_text(text)
        return 0
    if HEADER.read_text() == text:
        return 0
    print(f"{HEADER} differs from the derived tables: run {Path(__file__).name}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
