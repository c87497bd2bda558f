"""Makes requests with known totals, and runs the clients that send them."""
import collections
import dataclasses
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
from wire import Connection, units_of, wire

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "..", "vectors", "sums.txt")

sys.path.insert(0, os.path.dirname(VECTORS))
import summands  # noqa: E402

BLOCK_SAMPLES = 65536
SAMPLE_END_MAX = 2**63
KINDS = {"gaussian": wire.KIND_GAUSSIAN, "uniform": wire.KIND_UNIFORM}

# The requests are KNOWN test vectors and RANDOM sums. A random sum takes between one block and
# LARGEST_S seconds of one core. Two cores that also start servers finish all requests in flight
# while fronts stay alive (see PERIOD_S).
KNOWN = 8
RANDOM = 32
LARGEST_S = 0.3
PROBE_SAMPLES = 50_000_000
ANSWER_S = 120

# The requests of a summand are the known ones and RANDOM_TERMS others, each of so many terms.
RANDOM_TERMS = 6
TERMS_RANGE = (1000, 65_536)


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


def start_alone(server, machine, *options):
    """Starts a server with one thread. Returns its process and endpoint."""
    process = machines.start([server, "--bind", "tcp://127.0.0.1:*", "--threads", "1", *options], machine,
                             stdout=subprocess.PIPE, text=True)
    return process, re.match(r"Listening on (\S+) ", process.stdout.readline())[1]


class Reference:
    """A server with one thread, for this process alone. rate: samples per second."""

    def __init__(self, server, machine):
        self.process, endpoint = start_alone(server, machine)
        self.connection = Connection(endpoint)
        self.answer(random_entry(random.Random(0), BLOCK_SAMPLES))
        began_at = time.monotonic()
        self.answer(random_entry(random.Random(0), PROBE_SAMPLES))
        self.rate = PROBE_SAMPLES / (time.monotonic() - began_at)

    def answer(self, entry):
        units = ask(self.connection, entry, ANSWER_S)
        if units is None:
            raise RuntimeError(f"the reference has no answer to {entry}")
        return units

    def close(self):
        self.connection.close()
        self.process.terminate()
        if self.process.wait(ANSWER_S) != 0:
            raise RuntimeError("the reference ended with an error")


def ask(connection, entry, seconds):
    """Returns the total in units, or None after a timeout."""
    request = wire.SumRequest(id=1, seed=entry["seed"], kind=entry["kind"], first=entry["first"],
                              count=entry["count"])
    until = time.monotonic() + seconds
    while not connection.send(sum_request=request):
        if time.monotonic() > until:
            return None
        connection.monitor.poll(10)
        connection.lost()
    while time.monotonic() < until:
        connection.socket.poll(100)
        for message in connection.messages():
            if message.HasField("sum_reply"):
                return units_of(message.sum_reply)
    return None


def table_new(seed, reference):
    """Returns requests with their totals, and checks the reference with the known ones."""
    dice = random.Random(seed)
    entries = known_entries(dice)
    for entry in entries:
        if reference.answer(entry) != entry["units"]:
            raise RuntimeError(f"the reference itself is wrong: {entry}")
    for _ in range(RANDOM):
        count = int(log_uniform(dice, BLOCK_SAMPLES, reference.rate * LARGEST_S))
        entry = random_entry(dice, count)
        entries.append({**entry, "units": reference.answer(entry)})
    return entries


# ---- terms of a summand --------------------------------------------------------------------------

def random_terms(dice, summand):
    """Returns a request of a few spans, each of which needs helpers on its worker."""
    row = dice.choice([row for row in summands.rows() if row.summand == summand])
    return dataclasses.replace(row, seed=dice.randrange(2**64), first=dice.randrange(2**40),
                               count=int(log_uniform(dice, *TERMS_RANGE)))


def terms_new(seed, program, machine, file):
    """Returns requests of the summand in the file, with the digests of a server with one thread."""
    if not file:
        return []
    dice = random.Random(seed)
    summand = os.path.basename(file).partition(".")[0]
    rows = [row for row in summands.rows() if row.summand == summand]
    process, endpoint = start_alone(program("meantime-server"), machine, "--summand", file)
    for row in [random_terms(dice, summand) for _ in range(RANDOM_TERMS)]:
        with machines.start([program("meantime"), "--connect", endpoint, "sum", *row.arguments()], machine,
                            stdout=subprocess.PIPE, text=True) as client:
            printed = json.loads(client.communicate()[0])
        rows.append(dataclasses.replace(row, digest=summands.digest(summands.totals(printed["outputs"]))))
    process.terminate()
    process.wait(ANSWER_S)
    return [dataclasses.asdict(row) for row in rows]


class Answers:
    """The events of all clients."""

    def __init__(self):
        self.count = 0
        self.of_summands = 0
        self.samples = 0
        self.failures = []
        self.retries = collections.Counter()
        self.longest_s = 0.0
        self.last_at = 0.0
        self.gap_s = 0.0  # the longest time without an answer to any client

    def begin(self):
        self.last_at = time.monotonic()
        self.gap_s = 0.0

    def take(self, event):
        if "answered" in event:
            now = time.monotonic()
            self.count += 1
            self.of_summands += event["of_summand"]
            self.samples += event["answered"]
            self.longest_s = max(self.longest_s, event["seconds"])
            self.gap_s = max(self.gap_s, now - self.last_at)
            self.last_at = now
        elif "retry" in event:
            self.retries[event["retry"]] += 1
        else:
            self.failures.append(event["failure"])


class ClientProcess:
    """A process of tests/chaos/client.py."""

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

    def events(self):
        """Returns the events since the last call."""
        try:
            while more := os.read(self.output, 65536):
                self.rest += more
        except BlockingIOError:
            pass
        *lines, self.rest = self.rest.split(b"\n")
        return [json.loads(line) for line in lines]

    def finish(self):
        """Makes the client send no new request."""
        self.process.stdin.close()

    def last_lines(self):
        with open(self.error_path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-15:])
