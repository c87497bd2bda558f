#!/usr/bin/env python3
"""Measures Python's and numpy's random samples, for sums.py. contest.h describes the protocol."""
import platform
import random
import sys
import time

import numpy

SEED = 1
BLOCK = 65536
CHUNK = 16 * 1024  # samples at a time, so that they are still in the cache when they are added


def python_sum(sample):
    def add_up(samples):
        total = 0.0
        for _ in range(samples):
            total += sample()
        return total
    return add_up


def numpy_sum(fill):
    chunk = numpy.empty(CHUNK)

    def add_up(samples):
        total = 0.0
        for _ in range(samples // CHUNK):
            fill(out=chunk)
            total += chunk.sum()
        return total
    return add_up


def numpy_fill(fill):
    block = numpy.empty(BLOCK)

    def write(samples):
        for _ in range(samples // BLOCK):
            fill(out=block)
        return block.sum()
    return write


def contestants():
    source = random.Random(SEED)
    python = "Python " + platform.python_version()
    made_with = f"numpy {numpy.__version__}, {python}"
    yield "gaussian", "Python random.gauss", python, python_sum(source.gauss)
    yield "uniform", "Python random.random", python, python_sum(source.random)
    for bits in numpy.random.SFC64, numpy.random.PCG64:
        generator = numpy.random.Generator(bits(SEED))
        name = "numpy " + bits.__name__
        yield "gaussian", name, made_with, numpy_sum(generator.standard_normal)
        yield "uniform", name, made_with, numpy_sum(generator.random)
        yield "gaussian fill", name, made_with, numpy_fill(generator.standard_normal)
        yield "uniform fill", name, made_with, numpy_fill(generator.random)


def answer(add_up, samples):
    wall_ns, cpu_ns = time.monotonic_ns(), time.thread_time_ns()
    total = add_up(samples)
    cpu_ns, wall_ns = time.thread_time_ns() - cpu_ns, time.monotonic_ns() - wall_ns
    print(cpu_ns, wall_ns, repr(float(total)), flush=True)


def main():
    entrants = list(contestants())
    for kind, name, made_with, _ in entrants:
        print(kind, name, made_with, sep="\t")
    print(flush=True)
    for line in sys.stdin:
        index, samples = map(int, line.split())
        answer(entrants[index][3], samples)


if __name__ == "__main__":
    main()
