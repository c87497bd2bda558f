#!/usr/bin/env python3
"""How fast one core sums samples: every kernel that runs here, and its peers.

usage: sums.py FOLDER-OF-THE-PROGRAMS [ROUNDS] [--with-peers] [--json]

All take turns on one core, for some 40 ms each, round after round; in every second round they do so in reverse. Other
programs disturb: they take the core away (times are CPU times, which leave that out), empty its caches, change its
clock, and share it where a physical core has two threads, which may be two cores to this machine; then everything is
slower by up to a half. So compare by the ratios: each is taken within a round, and is shown as the median over the
rounds, with the least and the most. Below the figures of all turns stand medians over the undisturbed ones, those
before and after which nobody shared the core, and how many these are: of a few, a median says little.

Cycles are those of the core, not of the time stamp counter: before and after every turn a chain of additions, one
cycle each, tells how long a cycle lasts. Four such chains at once tell whether somebody shares the core.

--json prints one object on stdout; the tables then go to stderr. scripts/bench_chart.py draws it.
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

TURN_NS = 40e6  # long against what a cold start costs, short enough to take turns
TRIAL_NS = 4e6  # a turn that is long enough to tell the speed
BLOCK = 65536  # turns are whole blocks of samples
CLOCK_STEPS, CLOCK_TRIES = 200_000, 5  # the fastest try is one that nobody interrupted
SHARED = 1.25  # four chains take 1.06 times as long as one on a Zen 4 core of our own, 1.5 on half of one
SIGMAS_MAX = 6  # a sum that is farther off is not a sum of such samples
KINDS = {"gaussian": (0.0, 1.0), "uniform": (0.5, 1 / 12)}  # mean and variance


class Worker:
    """A process with contestants; what it speaks is in worker.h."""

    def __init__(self, role, *command):
        self.command = " ".join(command)
        try:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            text=True, bufsize=1)
        except OSError as error:
            sys.exit(f"{self.command} does not start: {error.strerror}; scripts/bench builds it")
        self.contestants = [Contestant(self, role, index, *line.rstrip("\n").split("\t"))
                            for index, line in enumerate(iter(self.hear, "\n"))]

    def hear(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.command} ended too early, with status {self.process.wait()}")
        return line

    def ask(self, index, samples):
        self.process.stdin.write(f"{index} {samples}\n")
        cpu_ns, wall_ns, total = self.hear().split()
        return int(cpu_ns), int(wall_ns), float(total)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Contestant:
    def __init__(self, worker, role, index, kind, name, made_with):
        self.worker, self.role, self.index = worker, role, index
        self.kind, self.name, self.made_with = kind, name, made_with
        self.samples = BLOCK
        self.ns, self.cycles = [], []  # of a sample, round by round
        self.cpu_ns = self.wall_ns = 0
        self.shared = []  # whether a turn began or ended with a neighbour on the core

    def run(self, samples):
        return self.worker.ask(self.index, samples)

    def warm_up(self):
        """Finds how many samples make a turn."""
        while (spent := self.run(self.samples)[0]) < TRIAL_NS:
            self.samples *= 2
        self.samples = max(round(self.samples * TURN_NS / spent / BLOCK), 1) * BLOCK

    def turn(self, clock):
        before = clock.look()
        cpu_ns, wall_ns, total = self.run(self.samples)
        after = clock.look()
        self.check(total)
        self.ns.append(cpu_ns / self.samples)
        self.cycles.append(self.ns[-1] * 2 / (before.cycle_ns + after.cycle_ns))
        self.cpu_ns += cpu_ns
        self.wall_ns += wall_ns
        self.shared.append(before.shared or after.shared)

    def check(self, total):
        mean, variance = KINDS[self.kind]
        sigmas = (total - mean * self.samples) / math.sqrt(variance * self.samples)
        if not abs(sigmas) <= SIGMAS_MAX:
            sys.exit(f"{self.name}: {self.samples} {self.kind} samples sum to {total}, "
                     f"{sigmas:.1f} standard deviations off")


class Clock:
    """Looks at the core itself: how long a cycle lasts now, and whether it is ours alone."""

    Look = collections.namedtuple("Look", "cycle_ns shared")

    def __init__(self, one_chain, four_chains):
        self.one_chain, self.four_chains, self.looks = one_chain, four_chains, []

    def look(self):
        one, four = (min(chain.run(CLOCK_STEPS)[1] for _ in range(CLOCK_TRIES))
                     for chain in (self.one_chain, self.four_chains))
        self.looks.append(self.Look(one / CLOCK_STEPS, four > SHARED * one))
        return self.looks[-1]


def figure(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def undisturbed(contestant):
    """Medians over the turns that nobody is known to have disturbed."""
    alone = [turn for turn, shared in enumerate(contestant.shared) if not shared]

    def median(values):
        return statistics.median(values[turn] for turn in alone) if alone else None

    return {"turns": len(alone), "of": len(contestant.shared),
            "samples_per_second": median([1e9 / ns for ns in contestant.ns]),
            "cycles_per_sample": median(contestant.cycles)}


def ratios(contestant, kernels):
    """How many times as fast as the contestant each kernel is."""
    return {kernel.name: figure([theirs / ours for theirs, ours in zip(contestant.ns, kernel.ns)])
            for kernel in kernels if kernel.kind == contestant.kind}


def processor():
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as info:
        if found := re.search(r"^model name\s*:\s*(.*)$", info.read(), re.MULTILINE):
            return found[1]
    return platform.machine()


def stolen_ticks(core):
    """Of the core, by the machine that this one runs on; and all ticks."""
    with contextlib.suppress(OSError), open("/proc/stat") as stat:
        ticks = re.search(rf"^cpu{core} (.*)$", stat.read(), re.MULTILINE)[1].split()
        return int(ticks[7]), sum(map(int, ticks[:8]))
    return 0, 0


def pin():
    """Onto one core, this process and all that it starts; not the first one, which serves most
    interrupts."""
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


def workers(folder, with_peers):
    with contextlib.ExitStack() as stack:
        started = [Worker("kernel", os.path.join(folder, "bench_sums"))]
        if with_peers:
            here = os.path.dirname(os.path.abspath(__file__))
            started.append(Worker("peer", os.path.join(folder, "bench_peers")))
            started.append(Worker("peer", "/usr/bin/python3", os.path.join(here, "python_peers.py")))
        for worker in started:
            stack.callback(worker.close)
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
        "core_ghz": figure([1 / look.cycle_ns for look in clock.looks]),
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
    print(f"processor  {facts['processor']}, {facts['cores']} cores, of which core {facts['core']} "
          f"is used\n"
          f"clock      {ghz['median']:.2f} GHz ({ghz['least']:.2f} to {ghz['most']:.2f})\n"
          f"disturbed  {100 * (1 - facts['core_ours']):.1f} % of the time went to other programs, "
          f"{100 * facts['core_stolen']:.1f} % to other machines;\n"
          f"           in {100 * facts['core_shared']:.0f} % of the turns somebody shared the "
          f"physical core\n"
          f"rounds     {facts['rounds']} of {facts['turn_ms']:.0f} ms each, by turns; figures are "
          f"median, least, most", file=out)


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


def print_tables(report, out):
    print_conditions(report["conditions"], out)
    for kind in KINDS:
        results = [each for each in report["results"] if each["kind"] == kind]
        print_speeds(kind, results, out)
        print_undisturbed(results, out)
        print_ratios(results, out)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="where the programs are")
    parser.add_argument("rounds", nargs="?", type=int, default=15)
    parser.add_argument("--with-peers", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("there must be a round at least")
    return arguments


def main():
    arguments = parse_arguments()
    core = pin()
    started, ends = workers(arguments.folder, arguments.with_peers)
    with ends:
        everybody = [each for worker in started for each in worker.contestants]
        clock = Clock(*(each for each in everybody if each.kind == "clock"))
        contestants = [each for each in everybody if each.kind in KINDS]
        stolen, ticks = stolen_ticks(core)
        measure(contestants, clock, arguments.rounds)
        stolen, ticks = (now - then for now, then in zip(stolen_ticks(core), (stolen, ticks)))
    kernels = [each for each in contestants if each.role == "kernel"]
    report = {
        "conditions": conditions(core, arguments.rounds, contestants, clock, stolen, ticks),
        "results": sorted((result(each, kernels) for each in contestants),
                          key=lambda each: -each["samples_per_second"]["median"]),
    }
    print_tables(report, sys.stderr if arguments.json else sys.stdout)
    if arguments.json:
        json.dump(report, sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    main()
