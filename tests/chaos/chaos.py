#!/usr/bin/env python3
"""Breaks a pool of real servers for a while, and looks whether every sum is right all the same.

usage: chaos.py [OPTION...] FOLDER-OF-THE-PROGRAMS    (meantime_pb2 on PYTHONPATH)

Two fronts, a middle server and nine workers, on machines with a network between them, are killed,
frozen, drained, started again and cut off, while clients ask for sums whose exact totals a single
thread has computed before. Exit code 0: every request was answered, every bit was right, no process
ended by itself, and afterwards the pool was whole and ended as told. 77: skipped, as network
namespaces or a Python package are missing.
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

# It ends with all that it has started, and takes its networks with it.
END_TEXTS = {
    signal.SIGINT: "Interrupted.",
    signal.SIGTERM: "Terminated.",
    signal.SIGALRM: "WRONG: this takes far too long.",
}

# Where fronts die all the time, a long request takes many tries.
SHORT = {"kills": 100, "front_kills": 20, "pace": 4.0, "limit_s": 60.0}
LONG = {"kills": 10_000, "front_kills": 1_000, "pace": 16.0, "limit_s": 180.0}


def parser_new():
    parser = argparse.ArgumentParser(
        prog="scripts/chaos", description="Kills, freezes, drains and cuts off the servers of a "
        "pool, and compares every sum that clients get with a single thread's.")
    parser.add_argument("folder", help=argparse.SUPPRESS)
    parser.add_argument("--long", action="store_true",
                        help="10,000 workers and 1,000 fronts, 16 kills a second")
    add = parser.add_argument
    add("--seed", type=int, metavar="N",
        help="of what goes wrong when, and what is asked (a fresh one)")
    add("--kills", type=int, metavar="N", help="workers to kill (100)")
    add("--front-kills", type=int, metavar="N", help="fronts to kill (20)")
    add("--pace", type=float, metavar="N", help="kills a second (4)")
    add("--loopback", action="store_true", help="all on one network: no link is cut")
    add("--heartbeat-ms", type=int, default=100, metavar="N", help="of the servers (100)")
    add("--span-us", type=int, default=5000, metavar="N", help="of the servers (5000)")
    add("--limit-s", type=float, metavar="N",
        help="until a request has to be answered (60; with --long 180)")
    add("--plan", action="store_true", help="print what would go wrong when, and exit")
    return parser


def replay(options, parser):
    """The command line that breaks the same in the same order."""
    words = [f"scripts/chaos --seed {options.seed}"]
    for name in "kills", "front_kills", "pace", "heartbeat_ms", "span_us", "limit_s":
        value = getattr(options, name)
        if value != SHORT.get(name, parser.get_default(name)):
            words.append(f"--{name.replace('_', '-')} {value:g}")
    return " ".join(words + ["--loopback"] * options.loopback)


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
    except machines.NoNetworks as why:
        print(f"skipped: {why}; --loopback does without them, and cuts no link")
        sys.exit(SKIPPED)


def print_plan(options, network):
    for fault in Trial(options, network, folder=None).plan():
        print(f"{fault.at_s:9.3f} s  {fault.target:18} {fault.what:16} {fault.pause_s:.3f} s")


def run(options, network):
    """The whole takes about as long as the storm; far longer, and something waits for ever."""
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
            print(f"What the servers said is in {folder}.", flush=True)
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
