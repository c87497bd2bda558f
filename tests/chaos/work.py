"""Requests with their exact totals, and the clients that ask them."""
import collections
import fcntl
import json
import os
import random
import re
import subprocess
import sys
import time

import machines
from storm import log_uniform
from wire import Line, units_of, wire

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "..", "vectors", "sums.txt")

BLOCK_SAMPLES = 65536
SAMPLE_END_MAX = 2**63
KINDS = {"gaussian": wire.KIND_GAUSSIAN, "uniform": wire.KIND_UNIFORM}

# A few answers that are known without any server, and sums of random ranges, which take from one
# block to so many seconds of one core: those that are in flight at a time, taken together, are done
# while fronts live (see PERIOD_S) also by two cores that start servers beside.
KNOWN = 8
RANDOM = 32
LARGEST_S = 0.3
PROBE_SAMPLES = 50_000_000
ANSWER_S = 120


def known_entries(dice):
    entries = []
    with open(VECTORS, encoding="ascii") as file:
        for line in file:
            found = re.match(r"(gaussian|uniform) (\d+) (\d+) (\d+) (-?\d+)$", line)
            if found and found[4] != "0":
                seed, first, count, units = map(int, found.groups()[1:])
                entries.append({"seed": seed, "kind": KINDS[found[1]], "first": first,
                                "count": count, "units": units})
    return dice.sample(entries, KNOWN)


def random_entry(dice, count):
    first = dice.choice((0, dice.randrange(SAMPLE_END_MAX - count), SAMPLE_END_MAX - count))
    return {"seed": dice.randrange(2**64), "kind": dice.choice(list(KINDS.values())),
            "first": first, "count": count}


class Reference:
    """One thread, and nobody else asks it. rate: samples a second."""

    def __init__(self, server, machine):
        self.process = machines.start(
            [server, "--bind", "tcp://127.0.0.1:*", "--threads", "1"], machine,
            stdout=subprocess.PIPE, text=True)
        endpoint = re.match(r"Listening on (\S+) ", self.process.stdout.readline())[1]
        self.line = Line(endpoint)
        self.answer(random_entry(random.Random(0), BLOCK_SAMPLES))
        began_at = time.monotonic()
        self.answer(random_entry(random.Random(0), PROBE_SAMPLES))
        self.rate = PROBE_SAMPLES / (time.monotonic() - began_at)

    def answer(self, entry):
        units = ask(self.line, entry, ANSWER_S)
        if units is None:
            raise RuntimeError(f"the reference has no answer to {entry}")
        return units

    def close(self):
        self.line.close()
        self.process.terminate()
        if self.process.wait(ANSWER_S) != 0:
            raise RuntimeError("the reference did not end well")


def ask(line, entry, seconds):
    """The total in units, or None where none comes in time."""
    request = wire.SumRequest(id=1, seed=entry["seed"], kind=entry["kind"], first=entry["first"],
                              count=entry["count"])
    until = time.monotonic() + seconds
    while not line.send(sum_request=request):
        if time.monotonic() > until:
            return None
        line.monitor.poll(10)
        line.lost()
    while time.monotonic() < until:
        line.socket.poll(100)
        for message in line.messages():
            if message.HasField("sum_reply"):
                return units_of(message.sum_reply)
    return None


def table_new(seed, reference):
    """Entries with their answers; the known ones are checked."""
    dice = random.Random(seed)
    entries = known_entries(dice)
    for entry in entries:
        if reference.answer(entry) != entry["units"]:
            raise RuntimeError(f"a single thread alone is wrong already: {entry}")
    for _ in range(RANDOM):
        count = int(log_uniform(dice, BLOCK_SAMPLES, reference.rate * LARGEST_S))
        entry = random_entry(dice, count)
        entries.append({**entry, "units": reference.answer(entry)})
    return entries


class Answers:
    """What all clients have told."""

    def __init__(self):
        self.count = 0
        self.samples = 0
        self.wrongs = []
        self.again = collections.Counter()
        self.longest_s = 0.0
        self.last_at = 0.0
        self.gap_s = 0.0  # the longest time without an answer to anybody

    def begin(self):
        self.last_at = time.monotonic()
        self.gap_s = 0.0

    def take(self, news):
        if "answered" in news:
            now = time.monotonic()
            self.count += 1
            self.samples += news["answered"]
            self.longest_s = max(self.longest_s, news["seconds"])
            self.gap_s = max(self.gap_s, now - self.last_at)
            self.last_at = now
        elif "again" in news:
            self.again[news["again"]] += 1
        else:
            self.wrongs.append(news["wrong"])


class ClientProcess:
    """tests/chaos/client.py with these arguments."""

    def __init__(self, name, machine, folder, arguments):
        self.name = name
        self.rest = b""
        self.error_path = os.path.join(folder, f"{name}.log")
        with open(self.error_path, "wb") as errors:
            self.process = machines.start(
                [sys.executable, os.path.join(HERE, "client.py"), *arguments], machine,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)
        self.output = self.process.stdout.fileno()
        fcntl.fcntl(self.output, fcntl.F_SETFL, os.O_NONBLOCK)

    def news(self):
        """What it has told since the last call."""
        try:
            while more := os.read(self.output, 65536):
                self.rest += more
        except BlockingIOError:
            pass
        *lines, self.rest = self.rest.split(b"\n")
        return [json.loads(line) for line in lines]

    def finish(self):
        """Lets it ask for nothing new."""
        self.process.stdin.close()

    def said_last(self):
        with open(self.error_path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-15:])
