#!/usr/bin/env python3
"""Known totals of the example summands: reads summands.txt, and computes digests of totals.

    summands.py --check    computes the rows of darts and primes without any C code, and compares;
                           exits with 1 if one differs

A digest is FNV-1a over the totals of all outputs: for each, the sum and, if the output has them, the
squares. Of each total it takes unit_log2 and the number of bytes of its units, both in 32 bits, and
these bytes; the lowest byte is always the first one. sums/EXACT.md specifies units and unit_log2.
"""
import dataclasses
import sys
from pathlib import Path

FILE = Path(__file__).resolve().parent / "summands.txt"

FNV_OFFSET = 0xCBF29CE484222325
FNV_PRIME = 0x100000001B3


@dataclasses.dataclass(frozen=True)
class Row:
    summand: str
    seed: int
    first: int
    count: int
    digest: str
    parameters: str = ""

    def arguments(self):
        """Returns the arguments of `meantime sum` for this row."""
        return self.arguments_of(self.first, self.count)

    def arguments_of(self, first, count):
        """The same for another range of the row's terms."""
        return [str(count), "--first", str(first), "--seed", str(self.seed), "--summand", self.summand,
                "--parameters", self.parameters, "--json"]


def rows():
    for line in FILE.read_text(encoding="ascii").splitlines():
        if line and line[0] != "#":
            summand, seed, first, count, digest, *parameters = line.split(maxsplit=5)
            yield Row(summand, int(seed), int(first), int(count), digest, *parameters)


def shortest(units, unit_log2):
    """Returns the one form of a total: (bytes of the units, unit_log2)."""
    if units == 0:
        return b"", 0
    while units % 256 == 0:
        units, unit_log2 = units // 256, unit_log2 + 8
    magnitude = units if units > 0 else ~units
    return units.to_bytes(magnitude.bit_length() // 8 + 1, "little", signed=True), unit_log2


def totals(outputs):
    """Returns the totals of `meantime sum --json` as a list of (units, unit_log2)."""
    return [(int(output[name]["units"]), output[name]["unit_log2"])
            for output in outputs for name in ("sum", "squares") if name in output]


def add(totals_a, totals_b):
    """Adds the totals of two disjoint ranges."""
    both = []
    for (a, a_log2), (b, b_log2) in zip(totals_a, totals_b):
        unit_log2 = min(a_log2, b_log2)
        both.append(((a << a_log2 - unit_log2) + (b << b_log2 - unit_log2), unit_log2))
    return both


def digest(all_totals):
    """all_totals: a list of (units, unit_log2)."""
    value = FNV_OFFSET
    for total in all_totals:
        units, unit_log2 = shortest(*total)
        head = unit_log2.to_bytes(4, "little", signed=True) + len(units).to_bytes(4, "little")
        for byte in head + units:
            value = (value ^ byte) * FNV_PRIME % 2**64
    return f"{value:016x}"


# ---- the reference ----------------------------------------------------------------------------

def darts(row):
    """Term n uses the samples n % T and T + n % T of block n // T."""
    import reference
    radius = float(row.parameters.partition("=")[2] or 1)
    terms = reference.BLOCK // 2 // 8 * 8
    hits = 0
    for block in range(row.first // terms, (row.first + row.count - 1) // terms + 1):
        samples = reference.block_samples("uniform", row.seed, block)
        for n in range(max(row.first, block * terms), min(row.first + row.count, (block + 1) * terms)):
            x, y = samples[n % terms] * 2.0**-53, samples[terms + n % terms] * 2.0**-53
            hits += x * x + y * y < radius * radius
    return [(4 * hits, 0), (16 * hits, 0)]


def primes(row):
    end = row.first + row.count
    sieve = bytearray([0, 0]) + bytearray([1]) * (end - 2)
    for n in range(2, int(end**0.5) + 1):
        if sieve[n]:
            sieve[n * n::n] = bytes(len(range(n * n, end, n)))
    found = sum(sieve[row.first:])
    return [(found, 0), (found, 0)]


def check():
    right = True
    for row in rows():
        reference = {"darts": darts, "primes": primes}.get(row.summand)
        found = digest(reference(row)) if reference else row.digest
        if found != row.digest:
            print(f"{row} has the digest {found}")
            right = False
    return right


if __name__ == "__main__":
    if sys.argv[1:] != ["--check"]:
        sys.exit(__doc__)
    sys.exit(0 if check() else 1)
