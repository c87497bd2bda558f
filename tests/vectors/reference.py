#!/usr/bin/env python3
"""Reference for the sums of sample streams, in plain Python integers.

    reference.py KIND SEED FIRST COUNT    prints the sum of those samples, in units of the kind
    reference.py --write                  writes sums.txt, the test vectors
    reference.py --check                  compares with sums.txt; exits with 1 if it differs

The reference follows sums/SAMPLER.md sentence by sentence and shares nothing with the C sources. It
makes every sample of a block in order and adds up the requested ones. Only level 4 uses floats,
with IEEE 754's + - * /. The tables come from scripts/sampler_tables.py.
"""
import math
import sys
from array import array
from functools import lru_cache
from itertools import count
from pathlib import Path

VECTORS = Path(__file__).resolve().parent / "sums.txt"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
import sampler_tables  # noqa: E402

KINDS = {"gaussian": 1, "uniform": 2}
BLOCK = 65536
STREAM = 2**63  # samples
LANES = 32
WARM_UP = 12
STEPS = BLOCK // LANES
G = 0x9E3779B97F4A7C15

ONES32 = 2**32 - 1
ONES52 = 2**52 - 1
ONES53 = 2**53 - 1
ONES64 = 2**64 - 1


@lru_cache
def tables():
    return sampler_tables.derive()


# Seeds and generators


def mix(x):
    x ^= x >> 32
    x = x * 0xE9846AF9B1A615D & ONES64
    x ^= x >> 32
    x = x * 0xE9846AF9B1A615D & ONES64
    return x ^ x >> 28


def stream_key(kind, seed):
    return mix(mix(seed + G & ONES64) ^ KINDS[kind])


def seed_word(key, block, word, lane):
    number = 256 * block + 32 * word + lane + 1
    return mix(mix(key + G * number & ONES64) ^ key)


def rotate(x, bits):
    return (x << bits | x >> 64 - bits) & ONES64


def sfc64(key, block, lane):
    """Yields the outputs of a lane without end, each with the index from b before the step."""
    a, b, c = (seed_word(key, block, word, lane) for word in range(3))
    counter = 1
    while True:
        out = a + b + counter & ONES64
        index = b >> 32 & 31
        a, b, c = b ^ b >> 11, c + (c << 3) & ONES64, (c << 24 & ONES64 | c >> 40) + out & ONES64
        counter += 1
        if counter > 1 + WARM_UP:
            yield out, index


def xoshiro256pp(key, block):
    s = [seed_word(key, block, word, 0) for word in (4, 5, 6, 7)]
    while True:
        yield rotate(s[0] + s[3] & ONES64, 23) + s[0] & ONES64
        t = s[1] << 17 & ONES64
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)


# The levels of a Gaussian sample. None is a slow draw: the next level makes the sample.


def level1(out, index):
    t = tables().level1[index]
    return (out & ONES52) * t // 2**20 - t * 2**31 if t else None


def place(left, width, u):
    """A point of an interval in units of 2^-49; left in units of 2^-17, width in units of 2^-29."""
    return left * 2**32 + (u & ONES52) * width // 2**32


def level2(out):
    slot = out >> 52
    if slot >= len(tables().level2):
        return None
    return place(*tables().level2[slot], out)


def choose(alias_table, word):
    """Walker's alias method: the high half chooses the slot, the low half meets the threshold."""
    slot = (word >> 32) * len(alias_table) >> 32
    threshold, alias = alias_table[slot]
    return slot if word & ONES32 < threshold else alias


def level3(u1, u2, u3):
    slot = choose(tables().level3_alias, u1)
    if slot == len(tables().level3_bins):
        return None
    left, width, c0, k = tables().level3_bins[slot]
    keep = (u3 & ONES32) < c0 - ((u2 >> 20 & ONES32) * k >> 32)
    x = place(left, width, u2 if keep else ONES64 - u2)
    return -x if u3 >> 63 else x


EXP_SERIES = [1.0 / math.factorial(n) for n in range(12, -1, -1)]
LOG_SERIES = [1.0 / n for n in range(21, 0, -2)]
DENSITY_AT_0 = 0.3989422804014327


def horner(coefficients, x):
    y = coefficients[0]
    for c in coefficients[1:]:
        y = y * x + c
    return y


def exp(y):
    k = y * 1.4426950408889634 + 6755399441055744.0 - 6755399441055744.0
    r = y - k * float.fromhex("0x1.62e42feep-1") - k * float.fromhex("0x1.a39ef35793c76p-33")
    return math.ldexp(horner(EXP_SERIES, r), int(k))


def log(u):
    m, e = math.frexp(u)
    m, e = m * 2, e - 1
    if m > 1.4142135623730951:
        m, e = m * 0.5, e + 1
    f = (m - 1.0) / (m + 1.0)
    return e * 0.6931471805599453 + 2.0 * f * horner(LOG_SERIES, f * f)


def beyond(v, height):
    """A point of the tail, or None if the attempt is rejected."""
    t = tables().tail
    y = -log(1.0 - v) / t
    limit = DENSITY_AT_0 * exp(-0.5 * t * t) * exp(-0.5 * y * y)
    return t + y if height * tables().tail_height * t < limit else None


def inside(slot, v, height):
    """A point of a bin, or None if the attempt is rejected."""
    left, width, floor, given, slope, top = tables().level4_bins[slot]
    x = left + width * v
    rest = DENSITY_AT_0 * exp(-0.5 * x * x) - floor
    return x if height * top < rest - (given + slope * v) else None


def level4(words):
    while True:
        slot = choose(tables().level4_alias, next(words))
        v = (next(words) >> 11) * 2.0**-53
        word = next(words)
        height = (word & ONES53) * 2.0**-53
        x = beyond(v, height) if slot == len(tables().level4_bins) else inside(slot, v, height)
        if x is not None:
            q = int(x * 2.0**49)
            return -q if word >> 63 else q


# Blocks


def round_up(n, multiple):
    return -(-n // multiple) * multiple


def draw_level2(lanes, n):
    """Makes n draws. Every lane makes the same, even number of steps."""
    steps = round_up(round_up(n, LANES) // LANES, 2)
    rows = [[next(lane)[0] for lane in lanes] for _ in range(steps)]
    return [level2(rows[t // LANES][t % LANES]) for t in range(n)]


def draw_level3(lanes, n):
    draws = []
    for t in range(n):
        u1, u2, u3, _ = (next(lanes[t % LANES])[0] for _ in range(4))
        draws.append(level3(u1, u2, u3))
    return draws


def fill(samples, levels, level, draws):
    """Replaces the slow samples, in order, by the next level's draws."""
    slow = [j for j, q in enumerate(samples) if q is None]
    assert len(slow) == len(draws)
    for j, q in zip(slow, draws):
        samples[j], levels[j] = q, level


@lru_cache(maxsize=8)
def gaussian_block(key, block):
    """The samples of a block, and the level of each."""
    lanes = [sfc64(key, block, lane) for lane in range(LANES)]
    samples = [level1(*next(lane)) for _ in range(STEPS) for lane in lanes]
    levels = bytearray([1]) * BLOCK
    fill(samples, levels, 2, draw_level2(lanes, samples.count(None)))
    fill(samples, levels, 3, draw_level3(lanes, samples.count(None)))
    words = xoshiro256pp(key, block)
    fill(samples, levels, 4, [level4(words) for _ in range(samples.count(None))])
    return array("q", samples), levels


@lru_cache(maxsize=8)
def uniform_block(key, block):
    lanes = [sfc64(key, block, lane) for lane in range(LANES)]
    return array("q", [next(lane)[0] >> 11 for _ in range(STEPS) for lane in lanes])


def block_samples(kind, seed, block):
    key = stream_key(kind, seed)
    return gaussian_block(key, block)[0] if kind == "gaussian" else uniform_block(key, block)


def sum_range(kind, seed, first, samples):
    """The sum of samples [first, first + samples), in units of the kind."""
    total = 0
    end = first + samples
    while first < end:
        block, start = divmod(first, BLOCK)
        stop = min(BLOCK, start + end - first)
        total += sum(block_samples(kind, seed, block)[start:stop])
        first += stop - start
    return total


# The digest of sums/digest.c: known answers in 64 bits

MEANTIME = int.from_bytes(b"meantime", "big")
DIGEST_RANGES = [
    ("gaussian", 0, 0, 3 * BLOCK),
    ("gaussian", 1, BLOCK, 12 * BLOCK),
    ("gaussian", 2**64 - 1, 2**31 * BLOCK, 8 * BLOCK),
    ("gaussian", MEANTIME, STREAM - 8 * BLOCK, 8 * BLOCK),
    ("gaussian", 8197, 31, 34),
    ("gaussian", 8197, BLOCK - 1000, BLOCK + 2000),
    ("gaussian", 8198, STREAM - BLOCK - 40000, BLOCK + 30000),
    ("uniform", 0, 0, BLOCK),
    ("uniform", 2**64 - 1, 2**31 * BLOCK, 2 * BLOCK),
    ("uniform", MEANTIME, STREAM - 2 * BLOCK, 2 * BLOCK),
    ("uniform", 8197, BLOCK - 1000, BLOCK + 2000),
]
RARE_BLOCKS = [0, 1, 2**31, STREAM // BLOCK - 1]
RARE_DRAWS = 5000


def digest_words():
    """The numbers that the digest folds, of 64 bits each."""
    for kind, seed, first, samples in DIGEST_RANGES:
        units = sum_range(kind, seed, first, samples)
        yield from (units & ONES64, units >> 64 & ONES64, samples)
    for block in RARE_BLOCKS:
        words = xoshiro256pp(stream_key("gaussian", 0), block)
        yield sum(level4(words) for _ in range(RARE_DRAWS)) & ONES64


def digest():
    """FNV-1a over the words' bytes, the lowest first."""
    folded = 0xCBF29CE484222325
    for word in digest_words():
        for byte in word.to_bytes(8, "little"):
            folded = (folded ^ byte) * 0x100000001B3 & ONES64
    return folded


# Vectors

COMMENT = """\
# Sums of ranges of sample streams, as sums/SAMPLER.md specifies them.
# reference.py in the same folder writes and checks this file.
#
# kind seed first count units
# digest, as in sums/digest.h, in hexadecimal
"""

RANDOM = (mix(n * G & ONES64) for n in count(8197))  # the same words with every version of Python
SEEDS = [0, 1, 2**64 - 1, next(RANDOM), next(RANDOM)]
LAST_BLOCK = STREAM // BLOCK - 1
FIRST_BLOCKS = [0, 1, 2**31, LAST_BLOCK]


def known_answers():
    for blocks in (1, 3):
        yield 0, blocks * BLOCK


def around(block):
    """Ranges in one block: whole, partial at either end, short, single samples, empty."""
    at = block * BLOCK
    yield at, BLOCK
    yield at, next(RANDOM) % BLOCK
    yield at + BLOCK - 100, 100
    cuts = sorted(next(RANDOM) % BLOCK for _ in range(2))
    yield at + cuts[0], cuts[1] - cuts[0]
    yield at + 31, 34
    yield at, 1
    yield at + BLOCK - 1, 1
    yield at + cuts[0], 1
    yield at + cuts[1], 0


def across(block):
    """Ranges over three blocks, with parts of the first and the last."""
    begin, end = next(RANDOM) % BLOCK, next(RANDOM) % BLOCK
    yield block * BLOCK + begin, 2 * BLOCK - begin + end
    yield (block + 1) * BLOCK - 1, BLOCK + 2


def slow_samples(seed, block):
    """The first and the last sample of each of the levels 2 to 4, alone and with its neighbours."""
    _, levels = gaussian_block(stream_key("gaussian", seed), block)
    for level in (2, 3, 4):
        for j in sorted({levels.find(level), levels.rfind(level)} - {-1}):
            yield block * BLOCK + j, 1
            yield block * BLOCK, j
            yield block * BLOCK + j, BLOCK - j


def tail_samples(seed, wanted):
    """The first samples of a stream beyond the last bin, each alone."""
    limit = tables().tail * 2**49
    for block in count():
        samples, _ = gaussian_block(stream_key("gaussian", seed), block)
        for j in (j for j, q in enumerate(samples) if abs(q) > limit):
            yield block * BLOCK + j, 1
            wanted -= 1
            if wanted == 0:
                return


def ranges():
    for kind in KINDS:
        yield from ((kind, 0, *r) for r in known_answers())
        for seed in SEEDS:
            for block in FIRST_BLOCKS:
                yield from ((kind, seed, *r) for r in around(block))
        for seed in SEEDS[2:4]:
            for block in (0, LAST_BLOCK - 2):
                yield from ((kind, seed, *r) for r in across(block))
    for seed in SEEDS:
        yield from (("gaussian", seed, *r) for r in slow_samples(seed, 1))
    yield from (("gaussian", 0, *r) for r in tail_samples(0, 3))


def vectors():
    lines = COMMENT + f"digest {digest():016x}\n"
    for range_ in dict.fromkeys(ranges()):
        lines += " ".join(map(str, range_)) + f" {sum_range(*range_)}\n"
    return lines


def main(arguments):
    if len(arguments) == 4 and arguments[0] in KINDS:
        print(sum_range(arguments[0], *map(int, arguments[1:])))
        return 0
    if arguments == ["--write"]:
        VECTORS.write_text(vectors())
        return 0
    if arguments == ["--check"]:
        same = VECTORS.read_text() == vectors()
        print(f"{VECTORS} " + ("agrees" if same else "differs"))
        return 0 if same else 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
