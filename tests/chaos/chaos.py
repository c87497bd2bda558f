#!/usr/bin/env python3
"""Harms a pool of real servers and checks that every sum is correct.

usage: chaos.py [OPTION...] FOLDER-OF-THE-PROGRAMS    (meantime_pb2 on PYTHONPATH)

The pool has two fronts, a middle server and nine workers on simulated machines with a network. The
script kills, freezes, drains, restarts and disconnects them. Meanwhile clients request sums whose
exact totals a single thread has computed before. With --summands, some servers offer an example
summand, clients also request its sums, and helper processes are killed and frozen. Exit code 0:
every request was answered, every bit was correct, and no process ended by itself. Afterwards all
workers joined again and all servers stopped. Exit code 77: skipped, because network namespaces or a
Python package are missing.
"""
import argparse
import random
import shutil
import signal
import sys
import tempfile

try:
    import google.protobuf
    import zmq
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

import machines
from trial import LAST_LIMIT_S, Trial

SKIPPED = 77

# When this process ends, the kernel ends its children and removes its networks.
END_TEXTS = {
    signal.SIGINT: "Interrupted.",
    signal.SIGTERM: "Terminated.",
    signal.SIGALRM: "WRONG: the trial takes too long.",
}

# With more front kills per second, a long request needs more attempts and a longer limit.
SHORT = {"kills": 100, "front_kills": 20, "pace": 4.0, "limit_s": 60.0}
LONG = {"kills": 10_000, "front_kills": 1_000, "pace": 16.0, "limit_s": 180.0}


def parser_new():
    parser = argparse.ArgumentParser(
        prog="scripts/chaos", description="Kills, freezes, drains and disconnects the servers of "
        "a pool. Compares every sum that clients get with the sum of a single thread.")
    parser.add_argument("folder", help=argparse.SUPPRESS)
    parser.add_argument("--long", action="store_true",
                        help="kill 10,000 workers and 1,000 fronts, 16 per second")
    add = parser.add_argument
    add("--seed", type=int, metavar="N",
        help="seed of the faults and requests (default: random)")
    add("--kills", type=int, metavar="N", help="workers to kill (default 100)")
    add("--front-kills", type=int, metavar="N", help="fronts to kill (default 20)")
    add("--pace", type=float, metavar="N", help="kills per second (default 4)")
    add("--loopback", action="store_true", help="put all servers on one network; cut no cable")
    add("--heartbeat-ms", type=int, default=100, metavar="N", help="heartbeat interval of the servers (default 100)")
    add("--span-us", type=int, default=5000, metavar="N", help="span length of the servers (default 5000)")
    add("--limit-s", type=float, metavar="N",
        help="time limit of a request (default 60; with --long 180)")
    add("--summands", metavar="FOLDER", help="also sum terms of an example summand in this folder")
    add("--plan", action="store_true", help="print the plan of faults and exit")
    return parser


def replay(options, parser):
    """Returns the command line that repeats the faults in the same order."""
    words = [f"scripts/chaos --seed {options.seed}"]
    for name in "kills", "front_kills", "pace", "heartbeat_ms", "span_us", "limit_s":
        value = getattr(options, name)
        if value != SHORT.get(name, parser.get_default(name)):
            words.append(f"--{name.replace('_', '-')} {value:g}")
    words += ["--loopback"] * options.loopback
    return " ".join(words + ["--summands FOLDER"] * bool(options.summands))


def parse_options():
    parser = parser_new()
    options = parser.parse_args()
    for name, value in (LONG if options.long else SHORT).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(2**32)
    options.seconds = (options.kills + options.front_kills) / options.pace
    options.replay = replay(options, parser)
    return options


def network_new(options):
    if options.loopback:
        return machines.Loopback()
    try:
        return machines.Network()
    except machines.NoNetworks as reason:
        print(f"skipped: {reason}; --loopback needs no networks and cuts no cable")
        sys.exit(SKIPPED)


def print_plan(options, network):
    for fault in Trial(options, network, folder=None).plan():
        print(f"{fault.at_s:9.3f} s  {fault.target:18} {fault.what:16} {fault.pause_s:.3f} s")


def run(options, network):
    """Runs a trial. An alarm ends a trial that takes far longer than its storm."""
    signal.alarm(int(3 * options.seconds + 4 * options.limit_s + LAST_LIMIT_S))
    print(f"{options.replay}: about {options.seconds:.0f} s.", flush=True)
    folder = tempfile.mkdtemp(prefix="meantime-chaos-")
    good = False
    try:
        good = Trial(options, network, folder).run()
    finally:
        if good:
            shutil.rmtree(folder)
        else:
            print(f"The servers' logs are in {folder}.", flush=True)
    return good


def main():
    options = parse_options()
    for number, text in END_TEXTS.items():
        signal.signal(number, lambda *_, text=text: sys.exit(text))
    network = network_new(options)
    if options.plan:
        print_plan(options, network)
    elif not run(options, network):
        sys.exit(1)


if __name__ == "__main__":
    main()
