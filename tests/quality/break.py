#!/usr/bin/env python3
"""Puts a break into a copy of one source file, for a program that the quality tests must reject.

    break.py BREAK SOURCE TARGET    writes TARGET: SOURCE with that break
    break.py BREAK PROGRAM          runs PROGRAM, which has the break; exits with 0 if it is caught

It is an error if the source no longer has the text of a break. It is also an error if none of the
tests in `caught_by` fails, even if other tests fail.
"""
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Break:
    """An edit is (regular expression, replacement, number of matches).

    The tests in `caught_by` must fail. Other tests may fail."""

    edits: list
    caught_by: list


def halve_thresholds(table):
    """Halves the thresholds of an alias table, whose entries are threshold << 32 | alias."""
    halve = lambda entry: f"0x{int(entry[1], 16) // 2:08x}"
    return re.sub("0x([0-9a-f]{8})", halve, table[0])


BREAKS = {
    # Level 1: slot 12 is wider by a thousandth, T = 473118 instead of 472656.
    "level1_width": Break(
        [(r"0x0007365000000000", "0x0007381e00000000", 1)],
        ["gaussian bins of 2^-9, worst"],
    ),
    # Level 2: slot 0 of 4,096, a mass of 2^-16, is shifted by 1/8 to the right.
    "level2_interval": Break(
        [(r"0x0005e09935f3b000", "0x0006209935f3b000", 1)],
        ["gaussian bins of 2^-6 beyond 4, worst"],
    ),
    # Level 3: all thresholds of the alias table are halved.
    "level3_alias": Break(
        [(r"(?s)level3_alias\[BIN_SLOTS\] = .*?;", halve_thresholds, 1)],
        ["gaussian bins of 2^-6"],
    ),
    # Level 4: the exponential of the tail has another slope.
    "level4_tail": Break(
        [(r"(-log_ieee\(1\.0 - v\)) / t", r"\1", 1)],
        ["gaussian bins of 2^-6 beyond 4", "gaussian beyond 5.0"],
    ),
    # SFC64 without the feedback of its output.
    "lane_feedback": Break(
        [(r"(ROTATE_24\(lanes->c\[k\]\)) \+ out;", r"\1;", 1)],
        ["gaussian in a lane, cells", "uniform in a lane, products"],
    ),
    # Lanes start with neighbouring numbers instead of mixed ones, and without a warm-up.
    "lane_seeding": Break(
        [
            (r"seed_word\(key, block, (\d), first \+ i\)", r"key + block + \1 + first + i", 3),
            (r"WARM_UP 12", "WARM_UP 0", 1),
        ],
        ["gaussian across lanes, cells", "gaussian across blocks, products"],
    ),
    # Two lanes of every block share their seed words.
    "lane_twins": Break(
        [(r"\+ lane;", "+ (lane == 17 ? 3 : lane);", 1)],
        ["gaussian across lanes, cells", "uniform across lanes, products"],
    ),
    # Two blocks in a row share their seed words.
    "block_twins": Break(
        [(r"SEED_WORDS \* block", "SEED_WORDS * (block & ~UINT64_C(1))", 1)],
        ["gaussian across blocks, cells", "gaussian sums, neighbours"],
    ),
    # Seeds in a row share their key.
    "seed_twins": Break(
        [(r"mix\(seed \+", "mix((seed & ~UINT64_C(3)) +", 1)],
        ["gaussian across seeds, products", "uniform across seeds, cells"],
    ),
    # Both kinds share their key.
    "kind_twins": Break([(r" \^ kind\)", ")", 1)], ["across kinds, cells"]),
    # Bit 11 of all outputs, the lowest of a uniform sample, is stuck.
    "stuck_bit": Break([(r"return out;", "return out | 2048;", 1)], ["uniform 12 lowest bits"]),
}


def write(broken, source, target):
    text = Path(source).read_text()
    for old, new, times in broken.edits:
        text, done = re.subn(old, new, text)
        if done != times:
            sys.exit(f"break.py: {source} has {old} {done} times, not {times}")
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_text(text)


def run(broken, program):
    result = subprocess.run([program], stdout=subprocess.PIPE, text=True)
    failed = [line for line in result.stdout.splitlines() if line.endswith("FAIL")]
    print(*failed, sep="\n")
    if result.returncode != 1:
        sys.exit(f"break.py: {program} exits with {result.returncode}, not 1")
    for test in broken.caught_by:
        if not any(line.startswith(test + "  ") for line in failed):
            sys.exit(f"break.py: {test} has not caught the break")


def main(arguments):
    if len(arguments) == 3:
        write(BREAKS[arguments[0]], *arguments[1:])
    elif len(arguments) == 2:
        run(BREAKS[arguments[0]], arguments[1])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
