"""Sums the terms of the example summands with many forms of a pool, and compares the digests.

usage: same_totals.py [--full] FOLDER-OF-PROGRAMS FOLDER-OF-SUMMANDS

Every pool must give the digests of tests/vectors/summands.txt: servers with 1, 2 and 7 compute threads,
fronts with 1 to 5 joined workers, and a tree of two levels. Some ranges are also computed in two odd
parts, whose totals must add up to those of the whole. The short form has the tree and one summand.
"""
import argparse
import contextlib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "vectors"))
import summands  # noqa: E402

# A limit for slow and busy machines.
LIMIT_S = 300

# Short spans, so that even small sums have many of them on every worker.
SPAN_US = "100"

ANY_PORT = "tcp://127.0.0.1:*"


class Server:
    """A meantime-server. options: its command line. Ends with the block of the stack."""

    def __init__(self, stack, folders, summand_names, *options):
        offers = ",".join(f"{folders.summands}/{name}.so" for name in summand_names)
        command = [f"{folders.programs}/meantime-server", "--bind", ANY_PORT, "--span-us", SPAN_US,
                   "--summand", offers, *options]
        # The search for leaks starts a process, which helpers must not do.
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=environment)
        stack.callback(self.end)
        self.endpoint = self.line(r"Listening on (\S+) ", self.process.stdout)
        if "--workers" in options:
            self.workers = self.line(r"Workers join at (\S+)\.", self.process.stdout)
        if "--join" in options:
            self.line(r".*(joined tcp)", self.process.stderr)

    @staticmethod
    def line(pattern, stream):
        for line in stream:
            found = re.match(pattern, line)
            if found:
                return found[1]
        sys.exit(f"a server ended before it printed {pattern}")

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=LIMIT_S)
        if self.process.returncode != 0:
            sys.exit(f"a server ended with {self.process.returncode}:\n{out}{err}")


class Check:
    def __init__(self, folders, rows):
        self.folders = folders
        self.rows = rows
        self.names = sorted({row.summand for row in rows})
        self.in_parts = itertools.cycle(rows)
        self.wrong = self.right = 0

    def server(self, stack, *options):
        return Server(stack, self.folders, self.names, *options)

    def totals(self, server, arguments):
        done = subprocess.run([f"{self.folders.programs}/meantime", "--connect", server.endpoint, "sum",
                               *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=LIMIT_S)
        if done.returncode != 0:
            sys.exit(f"{done.args} ended with {done.returncode}: {done.stderr}")
        return summands.totals(json.loads(done.stdout)["outputs"])

    def compare(self, what, row, totals):
        digest = summands.digest(totals)
        self.right += digest == row.digest
        if digest != row.digest:
            self.wrong += 1
            print(f"WRONG: {what}: {row} has the digest {digest}")

    def pool(self, what, server):
        """Computes all rows, and one of them in two parts: the next one in each pool."""
        for row in self.rows:
            self.compare(what, row, self.totals(server, row.arguments()))
        row = next(self.in_parts)
        half = row.count // 2 | 1
        parts = [self.totals(server, row.arguments_of(first, count)) for first, count in
                 ((row.first, half), (row.first + half, row.count - half))]
        self.compare(f"{what}, in two parts", row, summands.add(*parts))

    def threads(self, count):
        with contextlib.ExitStack() as stack:
            self.pool(f"{count} threads", self.server(stack, "--threads", str(count)))

    def workers(self, counts):
        """Workers join a front one after the other. counts: when to compute the rows."""
        with contextlib.ExitStack() as stack:
            front = self.server(stack, "--threads", "0", "--workers", ANY_PORT)
            for count in range(1, max(counts) + 1):
                self.server(stack, "--threads", "1", "--join", front.workers)
                if count in counts:
                    self.pool(f"{count} workers", front)

    def tree(self):
        """A front, a server in the middle with one thread, and a worker of two threads below it."""
        with contextlib.ExitStack() as stack:
            front = self.server(stack, "--threads", "0", "--workers", ANY_PORT)
            middle = self.server(stack, "--threads", "1", "--workers", ANY_PORT, "--join", front.workers)
            self.server(stack, "--threads", "2", "--join", middle.workers)
            self.pool("a tree", front)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("programs")
    parser.add_argument("summands")
    options = parser.parse_args()
    check = Check(options, [row for row in summands.rows() if options.full or row.summand == "asian"])
    check.tree()
    for count in (1, 2, 7) if options.full else ():
        check.threads(count)
    if options.full:
        check.workers(range(1, 6))
    print(f"{check.right} totals have the digests of {summands.FILE.name}, {check.wrong} have others")
    sys.exit(1 if check.wrong else 0)


if __name__ == "__main__":
    main()
