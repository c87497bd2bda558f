#!/usr/bin/env python3
"""Compares exact sums with Python's integers.

usage: exact_cases.py [RUNNER] EXACT_CASES [--long]

EXACT_CASES is the program of exact_cases.c, which describes the questions and answers. MEANTIME_TEST_SEED in the
environment repeats a run. RUNNER, for instance qemu-aarch64, runs it. --long: runs of every length.
"""
import fractions
import math
import os
import random
import struct
import subprocess
import sys

LOWEST = -1074  # each double is a multiple of 2^LOWEST
ONE = 1 << 52
RUN = 4096  # numbers that the library adds at a time
COUNT_MAX = 1 << 63


def bits(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def value(pattern):
    return struct.unpack("<d", struct.pack("<Q", pattern))[0]


def units(pattern):
    """The double with these bits, in units of 2^LOWEST."""
    exponent, fraction = pattern >> 52 & 2047, pattern & ONE - 1
    magnitude = (fraction | ONE) << exponent - 1 if exponent else fraction
    return -magnitude if pattern >> 63 else magnitude


def text(number, unit_log2):
    """number * 2^unit_log2 as a total: sums/EXACT.md."""
    if number == 0:
        return "0:"
    padding = unit_log2 % 8
    number, unit_log2 = number << padding, unit_log2 - padding
    while number % 256 == 0:
        number, unit_log2 = number >> 8, unit_log2 + 8
    length = ((number if number >= 0 else ~number).bit_length() + 8) // 8
    return f"{unit_log2}:{number.to_bytes(length, 'little', signed=True).hex()}"


def nearest(number, denominator, unit_log2):
    """The bits of the double nearest to number / denominator * 2^unit_log2."""
    exact = fractions.Fraction(number, denominator) * fractions.Fraction(2) ** unit_log2
    try:
        return bits(exact.numerator / exact.denominator)  # Python rounds this quotient once
    except OverflowError:
        return bits(math.inf if number > 0 else -math.inf)


def nearest_root(number, denominator, unit_log2):
    """The bits of the double nearest to the square root of the same."""
    exact = fractions.Fraction(number, denominator) * fractions.Fraction(2) ** unit_log2
    if exact <= 0:
        return 0
    scale = 4 ** max(200 - math.floor(math.log2(exact.numerator) - math.log2(exact.denominator)) // 2, 0)
    scaled = exact * scale
    root = math.isqrt(math.floor(scaled))
    more = root * root != scaled  # a bit below those that decide a tie
    return nearest(2 * root + more, 2 * math.isqrt(scale), 0)


class Program:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.kernels = self.ask("kernels").split()
        self.questions = 0

    def ask(self, question):
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"the program ended with status {self.process.wait()} after: {question[:300]}")
        return answer.strip()

    def expect(self, question, expected):
        answer = self.ask(question)
        self.questions += 1
        if answer != expected:
            sys.exit(f"asked    {question[:3000]}\nanswered {answer}\nexpected {expected}")


def expect_total(program, patterns, pieces, kernels=None):
    """Both totals of these doubles, with each kernel."""
    numbers = [units(pattern) for pattern in patterns]
    for form, total, unit_log2 in (("sum", sum(numbers), LOWEST),
                                   ("squares", sum(n * n for n in numbers), 2 * LOWEST)):
        expected = f"{text(total, unit_log2)} {nearest(total, 1, unit_log2):016x}"
        for kernel in kernels or program.kernels:
            program.expect(f"add {kernel} {form} {','.join(map(str, pieces))} "
                           + " ".join(f"{pattern:016x}" for pattern in patterns), expected)


def expect_moments(program, count, total, squares):
    """total, squares: in units of 2^LOWEST and its square."""
    spread = count * squares - total * total
    error = nearest_root(spread, count ** 2 * (count - 1), 2 * LOWEST) if count > 1 else bits(math.inf)
    program.expect(f"moments {count} {text(total, LOWEST)} {text(squares, 2 * LOWEST)}",
                   f"{nearest(total, count, LOWEST):016x} "
                   f"{nearest(spread, count ** 2, 2 * LOWEST):016x} {error:016x}"
                   if spread >= 0 else "impossible")


def any_double(source, low=0, high=2046):
    return source.getrandbits(1) << 63 | source.randint(low, high) << 52 | source.getrandbits(52)


def cut(source, n):
    """Pieces that add up to n; some are empty."""
    pieces = []
    while n > 0:
        pieces.append(source.choice((0, 1, 63, 64, 65, source.randint(0, n), n)))
        pieces[-1] = min(pieces[-1], n)
        n -= pieces[-1]
    return pieces or [0]


def every_exponent(program, source):
    patterns = [sign << 63 | exponent << 52 | fraction for exponent in range(2047)
                for sign, fraction in ((0, ONE - 1), (1, source.getrandbits(52)))]
    expect_total(program, patterns, [len(patterns)])
    source.shuffle(patterns)
    expect_total(program, patterns, cut(source, len(patterns)))
    for exponent in range(0, 2047):
        pattern = exponent << 52 | source.getrandbits(52)
        expect_total(program, [pattern] * 3, [3], [source.choice(program.kernels)])


def neighbouring_exponents(program, source):
    """The windows hold many of these numbers, but not all."""
    for _ in range(120):
        low = source.randint(0, 2046)
        high = min(low + source.choice((1, 20, 45, 50, 80, 110)), 2046)
        patterns = [any_double(source, low, high) for _ in range(source.randint(1, 600))]
        expect_total(program, patterns, cut(source, len(patterns)))


def windows_that_move(program, source):
    """The kernels meet numbers above and below the windows of the numbers before."""
    for _ in range(20):
        patterns = []
        for _ in range(source.randint(2, 6)):
            low = source.choice((0, source.randint(0, 2030), 1023, 1000, 2030))
            patterns += [any_double(source, low, low + 10) for _ in range(source.randint(1, 300))]
        expect_total(program, patterns, [len(patterns)])


def ties_and_limits(program):
    """Numbers at the edges of windows, blocks and the format."""
    edges = [0, 1 << 63, 1, ONE - 1, ONE, ONE + 1, (2047 << 52) - 1, (2047 << 52) - 1 | 1 << 63]
    for n in (1, 2, 63, 64, 65, RUN, RUN + 1):
        for pattern in edges:
            expect_total(program, [pattern] * n, [n])
    for exponent in (538, 539, 537, 485, 486, 1533, 1534, 1535):  # where squares lose bits or overflow
        for fraction in (0, 1, ONE - 1):
            patterns = [exponent << 52 | fraction] * 64 + [(exponent + 3) << 52] * 64
            expect_total(program, patterns, [len(patterns)])


def cancellation(program, source):
    """2^600 and more cancels, and a small number remains."""
    for exponent in (600, 900, 1020):
        patterns = []
        for _ in range(500):
            large = any_double(source, exponent + 1023 - 3, exponent + 1023)
            patterns += [large, large ^ 1 << 63]
        patterns.append(bits(1e-300))
        source.shuffle(patterns)
        expect_total(program, patterns, cut(source, len(patterns)))


def every_length(program, source, stride):
    """Runs of many lengths, in an order that differs with the seed."""
    patterns = [any_double(source, 1013, 1026) for _ in range(RUN + 200)]
    for n in list(range(0, 200)) + list(range(200, RUN - 60, stride)) + list(range(RUN - 60, RUN + 70, 3)):
        expect_total(program, patterns[:n], [n], [source.choice(program.kernels)])


def any_order(program, source):
    patterns = [any_double(source) for _ in range(300)]
    for _ in range(10):
        source.shuffle(patterns)
        expect_total(program, patterns, cut(source, len(patterns)))


def carries(program):
    """Each carry and each borrow crosses many words."""
    for exponent in range(53, 2047, 61):
        top = exponent << 52
        for patterns in ([top, 1 | 1 << 63], [top | 1 << 63, 1], [top | 1 << 63, 1, top, 1],
                         [(exponent << 52) - 1, 1, 1]):
            expect_total(program, patterns, [1] * len(patterns))
            expect_total(program, patterns, [len(patterns)])


def moments(program, source):
    def of(numbers):
        expect_moments(program, len(numbers), sum(numbers), sum(n * n for n in numbers))

    for number in (3.7, 1e300, -1e300, 1e-300, 5e-324, 1e9, 1.7e308):
        of([units(bits(number))] * 1000)
    of([units(bits(1e9)), units(bits(1e9 + 1))])
    for low, high in ((1020, 1024), (0, 2046), (0, 3), (2040, 2046), (1013, 1030)):
        for _ in range(60):
            of([units(any_double(source, low, high)) for _ in range(source.randint(1, 40))])
    tie = (2 * ONE + 1) << 400  # halfway between two doubles; the lowest bit decides
    for low in (-1, 0, 1):
        expect_moments(program, 2, 0, 2 * tie * tie + low)
        expect_moments(program, 3, 3 * tie + low, 9 * tie * tie)
    one = units(bits(1.0))
    for count in (1, 2, 3, COUNT_MAX - 1, COUNT_MAX, source.randint(1, COUNT_MAX)):
        largest = units(bits(1.7976931348623157e308))
        for number in (one, largest, 1):
            expect_moments(program, count, count * number, count * number ** 2)
            expect_moments(program, count, count * number // 2, count * number ** 2)
            expect_moments(program, count, -count * number, count * number ** 2 // 2)


def main():
    program = Program([word for word in sys.argv[1:] if word != "--long"])
    seed = int(os.environ.get("MEANTIME_TEST_SEED") or random.randrange(1 << 32))
    print(f"MEANTIME_TEST_SEED={seed}; kernels {' '.join(program.kernels)}")
    source = random.Random(seed)
    every_exponent(program, source)
    neighbouring_exponents(program, source)
    windows_that_move(program, source)
    ties_and_limits(program)
    cancellation(program, source)
    every_length(program, source, 1 if "--long" in sys.argv else 97)
    any_order(program, source)
    carries(program)
    moments(program, source)
    print(f"{program.questions} answers are right")


if __name__ == "__main__":
    main()
