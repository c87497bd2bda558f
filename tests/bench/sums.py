#!/usr/bin/env python3
"""Measures how fast one core sums samples, with every kernel that runs here and with its peers.

usage: sums.py FOLDER-OF-THE-PROGRAMS [ROUNDS] [--with-peers] [--json]

All contestants take turns on one core, for about 40 ms each, round after round. Every second round has the reverse
order. Other programs disturb the measurement. They use the core (times are CPU times, which exclude this), empty its
caches and change its clock. If a physical core has two threads, which may be two cores for this machine, another
program may also share the core, which makes a contestant slower by up to a half. Therefore compare the ratios. Each
ratio is taken within a round, and the table has its median, minimum and maximum over the rounds. Below the figures of
all turns are the medians over the undisturbed turns, before and after which no program shared the core, and the number
of these turns. The median of a few turns is not reliable.

Cycles are those of the core, not of the time stamp counter. Before and after every turn, a chain of additions of one
cycle each measures the length of a cycle. Four such chains at the same time show whether another program shares the
core.

--json prints one object on stdout; the tables then go to stderr. scripts/bench_chart.py draws a chart from it.
"""
import argparse
import collections
import contextlib
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys

TURN_NS = 40e6  # long compared with the cost of a cold start, short enough for many rounds
TRIAL_NS = 4e6  # a turn that is long enough to measure the speed
BLOCK = 65536  # turns are whole blocks of samples
CLOCK_STEPS, CLOCK_TRIES = 200_000, 5  # the fastest try was not interrupted
SHARED = 1.25  # four chains take 1.06 times as long as one on an unshared Zen 4 core, 1.5 times on a shared one
SIGMAS_MAX = 6  # a sum with a larger deviation is wrong
# Samples are written to an array and not added.
FILLS = {"gaussian fill": "gaussian", "uniform fill": "uniform"}
KINDS = {"gaussian": (0.0, 1.0), "uniform": (0.5, 1 / 12),  # mean and variance
         "gaussian fill": (0.0, 1.0), "uniform fill": (0.5, 1 / 12),
         "code after a fill": (1.0, 2.0)}  # squares of Gaussian samples


class Program:
    """A process with contestants; contest.h describes its protocol."""

    def __init__(self, role, *command):
        self.command = " ".join(command)
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            text=True, bufsize=1)
        except OSError as error:
            sys.exit(f"{self.command} does not start: {error.strerror}; scripts/bench builds it")
        self.contestants = [Contestant(self, role, index, *line.rstrip("\n").split("\t"))
                            for index, line in enumerate(iter(self.read_line, "\n"))]

    def read_line(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.command} ended too early, with status {self.process.wait()}")
        return line

    def run(self, index, samples):
        self.process.stdin.write(f"{index} {samples}\n")
        cpu_ns, wall_ns, total = self.read_line().split()
        return int(cpu_ns), int(wall_ns), float(total)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Contestant:
    def __init__(self, program, role, index, kind, name, made_with):
        self.program, self.role, self.index = program, role, index
        self.kind, self.name, self.made_with = kind, name, made_with
        self.samples = BLOCK
        self.ns, self.cycles = [], []  # for one sample, in each round
        self.cpu_ns = self.wall_ns = 0
        self.shared = []  # for each turn: whether another program shared the core before or after it

    def run(self, samples):
        return self.program.run(self.index, samples)

    def warm_up(self):
        """Finds the number of samples of a turn."""
        while (spent := self.run(self.samples)[0]) < TRIAL_NS:
            self.samples *= 2
        self.samples = max(round(self.samples * TURN_NS / spent / BLOCK), 1) * BLOCK

    def turn(self, clock):
        before = clock.read()
        cpu_ns, wall_ns, total = self.run(self.samples)
        after = clock.read()
        self.check(total)
        self.ns.append(cpu_ns / self.samples)
        self.cycles.append(self.ns[-1] * 2 / (before.cycle_ns + after.cycle_ns))
        self.cpu_ns += cpu_ns
        self.wall_ns += wall_ns
        self.shared.append(before.shared or after.shared)

    def check(self, total):
        mean, variance = KINDS[self.kind]
        samples = self.samples if self.kind not in FILLS and self.kind != "code after a fill" else BLOCK
        sigmas = (total - mean * samples) / math.sqrt(variance * samples)
        if not abs(sigmas) <= SIGMAS_MAX:
            sys.exit(f"{self.name}: {samples} {self.kind} samples sum to {total}, "
                     f"{sigmas:.1f} standard deviations off")


class Clock:
    """Measures the core itself: the length of a cycle, and whether another program shares the core."""

    Reading = collections.namedtuple("Reading", "cycle_ns shared")

    def __init__(self, one_chain, four_chains):
        self.one_chain, self.four_chains, self.readings = one_chain, four_chains, []

    def read(self):
        one, four = (min(chain.run(CLOCK_STEPS)[1] for _ in range(CLOCK_TRIES))
                     for chain in (self.one_chain, self.four_chains))
        self.readings.append(self.Reading(one / CLOCK_STEPS, four > SHARED * one))
        return self.readings[-1]


def figure(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def undisturbed(contestant):
    """Medians over the turns without a known disturbance."""
    alone = [turn for turn, shared in enumerate(contestant.shared) if not shared]

    def median(values):
        return statistics.median(values[turn] for turn in alone) if alone else None

    return {"turns": len(alone), "of": len(contestant.shared),
            "samples_per_second": median([1e9 / ns for ns in contestant.ns]),
            "cycles_per_sample": median(contestant.cycles)}


def ratios(contestant, kernels):
    """The speed of each kernel divided by that of the contestant."""
    return {kernel.name: figure([theirs / ours for theirs, ours in zip(contestant.ns, kernel.ns)])
            for kernel in kernels if kernel.kind == contestant.kind}


def processor():
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as info:
        if found := re.search(r"^model name\s*:\s*(.*)$", info.read(), re.MULTILINE):
            return found[1]
    return platform.machine()


def stolen_ticks(core):
    """The ticks of the core that the hypervisor gave to other machines, and all ticks."""
    with contextlib.suppress(OSError), open("/proc/stat") as stat:
        ticks = re.search(rf"^cpu{core} (.*)$", stat.read(), re.MULTILINE)[1].split()
        return int(ticks[7]), sum(map(int, ticks[:8]))
    return 0, 0


def pin():
    """Pins this process and its children to one core. Avoids the first core, which serves most
    interrupts."""
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


def start_programs(folder, with_peers):
    with contextlib.ExitStack() as stack:
        started = [Program("kernel", os.path.join(folder, "bench_sums"))]
        if with_peers:
            here = os.path.dirname(os.path.abspath(__file__))
            started.append(Program("peer", os.path.join(folder, "bench_peers")))
            started.append(Program("peer", "/usr/bin/python3", os.path.join(here, "python_peers.py")))
        for program in started:
            stack.callback(program.close)
        return started, stack.pop_all()


def measure(contestants, clock, rounds):
    for contestant in contestants:
        contestant.warm_up()
    for number in range(rounds):
        for contestant in contestants if number % 2 == 0 else reversed(contestants):
            contestant.turn(clock)


def conditions(core, rounds, contestants, clock, stolen, ticks):
    share = sum(each.cpu_ns for each in contestants) / sum(each.wall_ns for each in contestants)
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "core": core,
        "rounds": rounds,
        "turn_ms": TURN_NS / 1e6,
        "core_ghz": figure([1 / reading.cycle_ns for reading in clock.readings]),
        "core_ours": share,
        "core_shared": sum(sum(each.shared) for each in contestants) / (rounds * len(contestants)),
        "core_stolen": stolen / ticks if ticks else 0.0,
    }


def result(contestant, kernels):
    return {
        "kind": contestant.kind,
        "name": contestant.name,
        "role": contestant.role,
        "made_with": contestant.made_with,
        "samples_per_second": figure([1e9 / ns for ns in contestant.ns]),
        "cycles_per_sample": figure(contestant.cycles),
        "undisturbed": undisturbed(contestant),
        "times_as_fast": ratios(contestant, kernels),
    }


def fill_per_sum(kernels):
    """For each fill, the ratio of its time to that of the sum by the same kernel, in each round."""
    sums = {(each.kind, each.name): each.ns for each in kernels}
    return {f"{kind}, {name}": figure([fill / plain for fill, plain in zip(ns, sums[FILLS[kind], name])])
            for (kind, name), ns in sums.items() if kind in FILLS and (FILLS[kind], name) in sums}


def spread(value, digits):
    return (f"{value['median']:9.{digits}f} {value['least']:9.{digits}f}"
            f" {value['most']:9.{digits}f}")


def print_undisturbed(results, out):
    print(f"{'undisturbed turns':32s}{'median':>9s}{'median':>31s}   number of turns", file=out)
    for each in results:
        alone = each["undisturbed"]
        rate, cycles = alone["samples_per_second"], alone["cycles_per_sample"]
        medians = f"{rate / 1e6:9.1f}{cycles:31.3f}" if alone["turns"] else f"{'-':>9s}{'-':>31s}"
        print(f"{'  ' + each['name']:32s}{medians}   {alone['turns']} of {alone['of']}", file=out)


def print_conditions(facts, out):
    ghz = facts["core_ghz"]
    print(f"processor  {facts['processor']}, {facts['cores']} cores; core {facts['core']} "
          f"is used\n"
          f"clock      {ghz['median']:.2f} GHz ({ghz['least']:.2f} to {ghz['most']:.2f})\n"
          f"disturbed  {100 * (1 - facts['core_ours']):.1f} % of the time went to other programs, "
          f"{100 * facts['core_stolen']:.1f} % to other machines;\n"
          f"           in {100 * facts['core_shared']:.0f} % of the turns another program shared the "
          f"physical core\n"
          f"rounds     {facts['rounds']} of {facts['turn_ms']:.0f} ms each, in turns; figures are "
          f"median, minimum, maximum", file=out)


def print_speeds(kind, results, out):
    print(f"\n{kind + ' samples':32s}{'million a CPU second':>29s}  {'core cycles a sample':>29s}",
          file=out)
    for each in results:
        rate = {of: value / 1e6 for of, value in each["samples_per_second"].items()}
        print(f"{each['name']:32s}{spread(rate, 1)}  {spread(each['cycles_per_sample'], 3)}"
              f"   {each['made_with']}", file=out)


def compact(value):
    digits = 2 if value["median"] < 9.95 else 1 if value["median"] < 99.5 else 0
    return (f"{value['median']:.{digits}f} ({value['least']:.{digits}f} to "
            f"{value['most']:.{digits}f})")


def print_ratios(results, out):
    kernels = [each["name"] for each in results if each["role"] == "kernel"]
    peers = [each for each in results if each["role"] == "peer"]
    if not peers:
        return
    print(f"{'times as fast':32s}" + "".join(f"{name:>23s}" for name in kernels), file=out)
    for peer in peers:
        print(f"{'  as ' + peer['name']:32s}" +
              "".join(f"{compact(peer['times_as_fast'][name]):>23s}" for name in kernels), file=out)


def print_fills(report, out):
    """How long each fill takes, compared with the sum of the same samples by the same kernel."""
    print(f"\n{'time of a fill / time of the sum':32s}", file=out)
    for name, ratio in report["fill_per_sum"].items():
        print(f"{'  ' + name:32s}{compact(ratio):>23s}", file=out)


def print_tables(report, out):
    print_conditions(report["conditions"], out)
    for kind in KINDS:
        results = [each for each in report["results"] if each["kind"] == kind]
        print_speeds(kind, results, out)
        print_undisturbed(results, out)
        print_ratios(results, out)
    print_fills(report, out)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="folder of the programs")
    parser.add_argument("rounds", nargs="?", type=int, default=15)
    parser.add_argument("--with-peers", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("ROUNDS must be 1 or more")
    return arguments


def main():
    arguments = parse_arguments()
    core = pin()
    started, ends = start_programs(arguments.folder, arguments.with_peers)
    with ends:
        all_contestants = [each for program in started for each in program.contestants]
        clock = Clock(*(each for each in all_contestants if each.kind == "clock"))
        contestants = [each for each in all_contestants if each.kind in KINDS]
        stolen, ticks = stolen_ticks(core)
        measure(contestants, clock, arguments.rounds)
        stolen, ticks = (now - then for now, then in zip(stolen_ticks(core), (stolen, ticks)))
    kernels = [each for each in contestants if each.role == "kernel"]
    report = {
        "conditions": conditions(core, arguments.rounds, contestants, clock, stolen, ticks),
        "fill_per_sum": fill_per_sum(kernels),
        "results": sorted((result(each, kernels) for each in contestants),
                          key=lambda each: -each["samples_per_second"]["median"]),
    }
    print_tables(report, sys.stderr if arguments.json else sys.stdout)
    if arguments.json:
        json.dump(report, sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    main()
