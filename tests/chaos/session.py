#!/usr/bin/env python3
"""Runs many short schedules of one client whose servers are killed, frozen, stopped and restarted.

usage: session.py [OPTION...] FOLDER-OF-THE-PROGRAMS    (meantime_pb2 on PYTHONPATH)

A schedule has one to three servers of one thread, and a client (asker.c, on libmeantime) that always
has requests in flight. A single thread has computed their exact totals before. Exit code 0: every
answer had the right bits, every error was allowed and came in time, and after all servers were back,
every request was answered. Exit code 77: skipped, because a Python package is missing.
"""
import argparse
import collections
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

try:
    import google.protobuf
    import zmq
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

import machines
import work
from servers import Server, pause

TICK_S = 0.005
PORT = 8197

SHORT, LONG = 40, 1000

# For each server of a schedule: the number of faults, the wait before each, and its pause, in seconds.
FAULTS = (1, 4)
WAIT_S = (0.0, 0.6)
PAUSE_S = (0.0, 1.5)
FROZEN_LONG_S = (3.0, 7.0)  # around the longest silence that a client accepts
FROZEN_LONG = 0.05

WHAT = {
    "do_kill": "killed (kill -9)",
    "do_freeze": "frozen (SIGSTOP, SIGCONT)",
    "do_freeze_and_kill": "frozen, then killed",
    "do_drain": "drained (SIGTERM)",
    "do_hurry": "stopped at once (SIGTERM, SIGTERM)",
}

# For the client's last answers. The client gives up earlier.
END_LIMIT_S = 300
UP_LIMIT_S = 120


class Schedule:
    """One client and its servers. `steps` is a generator that yields while it waits."""

    def __init__(self, trial, number):
        self.trial = trial
        self.number = number
        self.dice = random.Random(f"{trial.options.seed} {number}")
        self.machine = machines.Machine("home")
        self.log = os.path.join(trial.folder, f"{number}")
        self.servers = [self.server_new(i) for i in range(self.dice.randint(1, 3))]
        self.asker = None
        self.steps = self.run()

    def wrong(self, text):
        self.trial.wrong(self.number, text)

    def server_new(self, index):
        """Gives a server its own address, and a port that Linux gives to no outgoing connection."""
        high, low = divmod(self.number, 250)
        address = f"127.{self.trial.network}.{high % 250 + 1}.{low + 1}"
        endpoint = f"tcp://{address}:{PORT + index}"
        command = [self.trial.program("meantime-server"), "--bind", endpoint, "--threads", "1", "--insecure"]
        return Server(endpoint, self.machine, command, f"{self.log}-{index}.log", self.wrong)

    def harm(self, server):
        """Carries out the faults of one server, and ends when it is up."""
        for _ in range(self.dice.randint(*FAULTS)):
            yield from pause(self.dice.uniform(*WAIT_S))
            yield from server.up()
            what = self.dice.choice(list(WHAT))
            seconds = self.dice.uniform(*PAUSE_S)
            if what == "do_freeze" and self.dice.random() < FROZEN_LONG:
                seconds = self.dice.uniform(*FROZEN_LONG_S)
            self.trial.done[what] += 1
            yield from getattr(server, what)(seconds)
        yield from server.up()

    def start_asker(self):
        endpoints = ",".join(server.name for server in self.servers)
        self.asker = machines.start(
            [self.trial.program("asker"), self.trial.table, str(self.dice.randrange(2**63)),
             endpoints], self.machine, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)

    def end_asker(self):
        self.asker.stdin.close()
        until = time.monotonic() + END_LIMIT_S
        while self.asker.poll() is None and time.monotonic() < until:
            yield
        if self.asker.poll() is None:
            self.wrong("the client does not end")
            self.asker.kill()
        printed = self.asker.stdout.read()
        if self.asker.wait() != 0:
            self.wrong(f"the client ended with {self.asker.returncode}:\n{printed}")
        for what, count in re.findall(r"(\w+) (\d+)", printed.splitlines()[-1] if printed else ""):
            self.trial.ended[what] += int(count)

    def run(self):
        for server in self.servers:
            if self.dice.random() < 0.9:
                server.start()
        self.start_asker()
        for server in self.servers:
            if not server.started:
                server.start()
        harms = [self.harm(server) for server in self.servers]
        while harms:
            harms = [harm for harm in harms if next(harm, harm) is not harm]
            yield
        yield from self.end_asker()
        for server in self.servers:
            server.ending = True
            server.send(signal.SIGTERM)
            yield from server.ended(0)


class Trial:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.network = random.SystemRandom().randrange(64, 250)
        self.table = os.path.join(folder, "table.txt")
        self.wrongs = 0
        self.done = collections.Counter()
        self.ended = collections.Counter()

    def program(self, name):
        return os.path.abspath(os.path.join(self.options.folder, name))

    def wrong(self, number, text):
        self.wrongs += 1
        print(f"WRONG: schedule {number}: {text}\n  scripts/chaos session --seed "
              f"{self.options.seed} --first {number} --schedules 1", flush=True)

    def write_table(self):
        reference = work.Reference(self.program("meantime-server"), machines.Machine("home"))
        with open(self.table, "w", encoding="ascii") as file:
            for entry in work.table_new(self.options.seed, reference):
                units = entry["units"]
                print(entry["kind"], entry["seed"], entry["first"], entry["count"], units >> 64,
                      units & 2**64 - 1, file=file)
        reference.close()

    def run(self):
        self.write_table()
        options = self.options
        numbers = iter(range(options.first, options.first + options.schedules))
        running = []
        while True:
            while len(running) < options.jobs and (number := next(numbers, None)) is not None:
                running.append(Schedule(self, number))
            if not running:
                return
            running = [one for one in running if next(one.steps, one) is not one]
            time.sleep(TICK_S)

    def table_text(self, seconds):
        rows = [("schedules", self.options.schedules)]
        rows += [(f"servers {text}", self.done[what]) for what, text in WHAT.items()]
        rows += [("requests answered", self.ended["answered"]),
                 ("  retries for them", self.ended["retries"]),
                 ("requests cancelled", self.ended["cancelled"]),
                 ("requests that timed out", self.ended["timed_out"]),
                 ("requests that found no server", self.ended["no_server"]),
                 ("requests that lost their server", self.ended["lost"]),
                 ("failures (see above)", self.wrongs)]
        lines = [f"  {text:40} {count:>9,}" for text, count in rows]
        return "\n".join(lines) + f"\n  {'duration':40} {seconds:>7.1f} s"


def parse_options():
    parser = argparse.ArgumentParser(
        prog="scripts/chaos session", description="Repeatedly kills, freezes and restarts the servers of "
        "one client. Compares every sum that it gets with the sum of a single thread.")
    parser.add_argument("folder", help=argparse.SUPPRESS)
    add = parser.add_argument
    add("--long", action="store_true", help=f"run {LONG:,} schedules")
    add("--schedules", type=int, metavar="N", help=f"number of schedules (default {SHORT})")
    add("--seed", type=int, metavar="N", help="seed of all schedules (default: random)")
    add("--first", type=int, default=1, metavar="N", help="number of the first schedule (default 1)")
    add("--jobs", type=int, default=8, metavar="N", help="schedules that run at a time (default 8)")
    options = parser.parse_args()
    if options.schedules is None:
        options.schedules = LONG if options.long else SHORT
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(2**32)
    return options


def main():
    options = parse_options()
    for number in signal.SIGINT, signal.SIGTERM:
        signal.signal(number, lambda *_: sys.exit("Interrupted."))
    print(f"scripts/chaos session --seed {options.seed} --first {options.first} "
          f"--schedules {options.schedules}", flush=True)
    folder = tempfile.mkdtemp(prefix="meantime-chaos-")
    trial = Trial(options, folder)
    began_at = time.monotonic()
    trial.run()
    print(trial.table_text(time.monotonic() - began_at))
    if trial.wrongs:
        sys.exit(f"{trial.wrongs} WRONG. The servers' logs are in {folder}.")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
