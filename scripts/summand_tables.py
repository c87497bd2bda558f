#!/usr/bin/env python3
"""Computes summand/include/meantime_math_tables.h: the coefficients of meantime_math.h.

usage: summand_tables.py [--check]: with --check, compares the file with the computed one. Exit code 77:
Python has no mpmath. Each polynomial interpolates its function at Chebyshev nodes, with 60 digits. Each
coefficient is rounded to the nearest double.
"""

import pathlib
import sys

try:
    import mpmath
    from mpmath import mpf
except ImportError:
    print("skipped: Python has no mpmath (Debian: python3-mpmath)")
    sys.exit(77)

FILE = pathlib.Path(__file__).resolve().parent.parent / "summand/include/meantime_math_tables.h"
mpmath.mp.dps = 60

HALF_LN2 = mpmath.log(2) / 2 * mpf("1.0001")  # the reduced argument of exp
S2 = ((mpmath.sqrt(2) - 1) / (mpmath.sqrt(2) + 1)) ** 2 * mpf("1.0001")  # s = (m - 1) / (m + 1), squared
R2 = (mpmath.pi / 4) ** 2 * mpf("1.0001")  # the reduced argument of sin and cos, squared

ERFCX_OCTAVES = 5  # 1 + x is below 2^5
ERFCX_PIECES = 8  # of each octave of 1 + x
ERFCX_TERMS = 13

QUANTILE_OCTAVES = 10  # -log(q) is from 1 to 2^10
QUANTILE_PIECES = 4  # of each octave of -log(q)
QUANTILE_TERMS = 14
QUANTILE_MIDDLE = mpf(1) / 16  # the largest (p - 1/2)^2 of row 0

TWO_OVER_PI_BITS = 26
TWO_OVER_PI_ZEROS = 3  # chunks of zeros: arguments below 2^52 need no integer part
TWO_OVER_PI_CHUNKS = 49


def to_double(x):
    """The double nearest to an mpmath number. Division of Python integers rounds correctly."""
    mantissa, exponent = (int(part) for part in abs(x).man_exp)
    size = float(mantissa << exponent) if exponent >= 0 else mantissa / (1 << -exponent)
    return -size if x < 0 else size


def polynomial(function, low, high, terms):
    """The coefficients, lowest power first, of the polynomial that meets `function` at Chebyshev nodes."""
    nodes = [(low + high) / 2 + (high - low) / 2 * mpmath.cos(mpmath.pi * (2 * i + 1) / (2 * terms))
             for i in range(terms)]
    matrix = mpmath.matrix(terms, terms)
    for i, node in enumerate(nodes):
        for j in range(terms):
            matrix[i, j] = node ** j
    return list(mpmath.lu_solve(matrix, mpmath.matrix([function(node) for node in nodes])))


def exp_tail(r):
    return (mpmath.expm1(r) - r) / r ** 2


def log_tail(z):
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) / s - 2) / z


def pow_tail(z):
    return (log_tail(z) - mpf(2) / 3) / z


def sin_tail(z):
    r = mpmath.sqrt(z)
    return (mpmath.sin(r) / r - 1) / z


def cos_tail(z):
    return (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z ** 2


def erf_tail(z):
    x = mpmath.sqrt(z)
    return mpmath.erf(x) / x - 1


def erfcx(x):
    return mpmath.exp(x * x) * mpmath.erfc(x)


def erfcx_rows():
    """One row for each piece of [1, 2^5) of 1 + x: the constant, its rounding error, then the other terms."""
    for octave in range(ERFCX_OCTAVES):
        width = mpf(2) ** octave / ERFCX_PIECES
        for piece in range(ERFCX_PIECES):
            centre = mpf(2) ** octave + (piece + mpf(1) / 2) * width - 1
            terms = polynomial(lambda u, c=centre: erfcx(c + u), -width / 2, width / 2, ERFCX_TERMS)
            yield split_first(terms)


def normal_quantile(minus_log):
    """The x > 0 of a normal distribution's upper tail exp(-minus_log), by Newton's method."""
    x = mpmath.sqrt(2 * minus_log)
    step = x
    while abs(step) > mpf(10) ** -30 * x:  # the next step would be below 10^-60
        tail = mpmath.erfc(x / mpmath.sqrt(2)) / 2
        density = mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi)
        step = (mpmath.log(tail) + minus_log) * tail / density
        x += step
    return x


def quantile_middle(z):
    """x / t for z = t^2, t = p - 1/2."""
    t = mpmath.sqrt(z)
    return normal_quantile(-mpmath.log(mpf(1) / 2 - t)) / t


def split_first(terms):
    return [terms[0], terms[0] - mpf(to_double(terms[0]))] + terms[1:]


def quantile_rows():
    """Row 0 is the middle. Then one row for each piece of [1, 2^10) of -log(q). The constant, its rounding
    error, then the other terms."""
    yield split_first(polynomial(quantile_middle, mpf(0), QUANTILE_MIDDLE, QUANTILE_TERMS))
    for octave in range(QUANTILE_OCTAVES):
        width = mpf(2) ** octave / QUANTILE_PIECES
        for piece in range(QUANTILE_PIECES):
            centre = mpf(2) ** octave + (piece + mpf(1) / 2) * width
            yield split_first(polynomial(lambda u, c=centre: normal_quantile(c + u), -width / 2, width / 2,
                                         QUANTILE_TERMS))


def two_over_pi():
    """Chunks of 26 bits, each rounded to the nearest, so that chunks may be negative. 2 / pi is the sum
    of chunks[3 + i] 2^(-26 i). The first three chunks are 0."""
    mpmath.mp.prec = TWO_OVER_PI_BITS * TWO_OVER_PI_CHUNKS + 100
    rest = 2 / mpmath.pi
    chunks = [mpf(0)] * TWO_OVER_PI_ZEROS
    for i in range(TWO_OVER_PI_CHUNKS - TWO_OVER_PI_ZEROS):
        unit = mpf(2) ** (-24 - TWO_OVER_PI_BITS * i)
        chunk = mpmath.nint(rest / unit)
        chunks.append(chunk / 2 ** 24)
        rest -= chunk * unit
    mpmath.mp.dps = 60
    return chunks


def literal(value):
    return "0.0" if value == 0 else to_double(value).hex().replace("p+", "p")


def lines(numbers, indent):
    row = indent
    for number in numbers:
        text = literal(number) + ","
        if len(row) + len(text) > 99:
            yield row.rstrip()
            row = indent
        row += text + " "
    yield row.rstrip()


def array(comment, name, numbers):
    yield f"/* {comment} */"
    yield f"static const double {name}[{len(numbers)}] = {{"
    yield from lines(numbers, "    ")
    yield "};"
    yield ""


def table(comment, name, rows):
    """The rows one behind the other."""
    yield f"/* {comment} */"
    yield f"static const double {name}[{len(rows)} * {len(rows[0])}] = {{"
    for row in rows:
        yield from lines(row, "    ")
    yield "};"
    yield ""


POLYNOMIALS = [
    ("(exp(r) - 1 - r) / r^2 for |r| <= ln(2) / 2", "meantime_math_exp", exp_tail, -HALF_LN2, HALF_LN2, 10),
    ("(2 atanh(s) / s - 2) / z, z = s^2, for 1/2 <= m^2 <= 2, s = (m - 1) / (m + 1)",
     "meantime_math_log", log_tail, mpf(0), S2, 8),
    ("(2 atanh(s) / s - 2 - 2 z / 3) / z^2", "meantime_math_pow", pow_tail, mpf(0), S2, 8),
    ("(sin(r) / r - 1) / z, z = r^2, for |r| <= pi / 4", "meantime_math_sin", sin_tail, mpf(0), R2, 6),
    ("(cos(r) - 1 + z / 2) / z^2", "meantime_math_cos", cos_tail, mpf(0), R2, 6),
    ("erf(x) / x - 1 in powers of x^2, for |x| <= 1/2", "meantime_math_erf", erf_tail, mpf(0),
     mpf("0.2501"), 11),
]


def generate():
    yield "/* The coefficients of meantime_math.h. scripts/summand_tables.py writes this file. */"
    yield "/* clang-format off */"
    yield "#ifndef MEANTIME_MATH_TABLES_H"
    yield "#define MEANTIME_MATH_TABLES_H"
    yield ""
    for comment, name, function, low, high, terms in POLYNOMIALS:
        yield from array(comment, name, polynomial(function, low, high, terms))
    yield from table(f"exp(x^2) erfc(x) around the middle of each of {ERFCX_PIECES} pieces of each octave of "
                     "1 + x:\n * the constant, its rounding error, and the other terms",
                     "meantime_math_erfcx", list(erfcx_rows()))
    yield from table("the quantile x > 0 of the normal distribution. Row 0: x / t in powers of t^2, t = p - 1/2, |t| <= "
                     f"1/4.\n * The others: x around the middle of each of {QUANTILE_PIECES} pieces of each octave of "
                     "-log(q), where q\n * is the upper tail. The constant, its rounding error, and the other terms",
                     "meantime_math_quantile", list(quantile_rows()))
    yield from array("2 / pi in chunks of 26 bits, rounded to the nearest, behind three chunks of zeros",
                     "meantime_math_two_over_pi", two_over_pi())
    yield "#endif"


def main():
    text = "\n".join(generate()) + "\n"
    if sys.argv[1:] == ["--check"]:
        if FILE.read_text() != text:
            sys.exit(f"{FILE.name} differs from what this script computes")
        return
    FILE.write_text(text)


if __name__ == "__main__":
    main()
