"""Kills `meantime sum --checkpoint` at random times and checks the bits of the finished sums.

usage: checkpoint.py [OPTION...] FOLDER-OF-PROGRAMS

The script repeatedly starts the same command and sends SIGKILL after a random time: during the
start, the work or a save, or shortly after a save. It compares each finished sum, to the bit, with
the sum of a command that was not killed. Then the next sum begins. The count in the checkpoint must
never decrease.

With --summands, two sums take turns: a random walk, and darts until a given error. Each command
asks another server: one with one thread, one with three, or the front that both have joined. The
digests of the results are those of tests/vectors/summands.txt.
"""
import argparse
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "vectors"))
import summands  # noqa: E402

# A limit for slow and busy machines.
LIMIT_S = 300

# The time between two readings of a checkpoint.
POLL_S = 0.002


def parse_options():
    parser = argparse.ArgumentParser(prog="scripts/chaos checkpoint")
    parser.add_argument("folder", help=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=40, help="number of kills (default 40)")
    parser.add_argument("--long", action="store_true", help="500 kills")
    parser.add_argument("--seed", type=int, help="seed of the times (default: random)")
    parser.add_argument("--count", default="2G", help="samples of a sum (default 2G)")
    parser.add_argument("--summands", metavar="FOLDER",
                        help="sum terms of the example summands in this folder (default: samples)")
    parser.add_argument("--while", type=float, default=0.15, dest="while_s", metavar="SECONDS",
                        help="longest life of a command (default 0.15)")
    options = parser.parse_args()
    if options.long:
        options.kills = 500
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(2 ** 32)
    return options


class Failure(Exception):
    pass


class Server:
    """A meantime-server. options: its command line after the endpoints."""

    def __init__(self, folder, *options):
        # The search for leaks starts a process, which helpers must not do.
        self.process = subprocess.Popen(
            [f"{folder}/meantime-server", "--bind", "tcp://127.0.0.1:*", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
        self.endpoint = self.line(r"Listening on (\S+) ")
        self.workers = "--workers" in options and self.line(r"Workers join at (\S+)\.")

    def line(self, pattern):
        return re.match(pattern, self.process.stdout.readline())[1]

    def end(self):
        self.process.terminate()
        if self.process.wait(LIMIT_S) != 0:
            raise Failure(f"a server ended with exit code {self.process.returncode}")


def start_servers(options):
    """Returns the servers, workers first. Clients ask the workers, too."""
    if not options.summands:
        return [Server(options.folder)]
    offers = ["--summand", ",".join(f"{options.summands}/{name}.so" for name in ("darts", "walk"))]
    front = Server(options.folder, "--threads", "0", "--workers", "tcp://127.0.0.1:*")
    workers = [Server(options.folder, "--threads", threads, "--join", front.workers, *offers)
               for threads in ("1", "3")]
    return [*workers, front]


class Sum:
    """The arguments of one sum, how to read its result, and the expected result."""

    def __init__(self, arguments, result, expected):
        self.arguments = arguments
        self.result = result
        self.expected = expected


def units_of(printed):
    return printed["gaussian"]["units"]


def digest_of(printed):
    return summands.digest(summands.totals(printed["outputs"]))


def sums_of(options, servers):
    """Returns the sums that take turns."""
    if not options.summands:
        arguments = [options.count, "--seed", str(options.seed), "--json"]
        whole = subprocess.run(command_of(options, servers[0], arguments), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, timeout=LIMIT_S, check=True)
        return [Sum(arguments, units_of, units_of(json.loads(whole.stdout)))]
    walk, = (row for row in summands.rows() if row.parameters == "steps=500")
    # A dart has the error 1.64, so the standard error falls below 0.001 at 3 * 2^20 darts.
    darts, = (row for row in summands.rows() if row.count == 3 << 20)
    until = ["--until-error", "1e-3", *darts.arguments()[1:]]
    return [Sum(walk.arguments(), digest_of, walk.digest), Sum(until, digest_of, darts.digest)]


def command_of(options, server, arguments):
    return [f"{options.folder}/meantime", "--connect", server.endpoint, "sum", *arguments]


class Trial:
    def __init__(self, options, servers, folder):
        self.options = options
        self.dice = random.Random(options.seed)
        self.servers = servers
        self.file = os.path.join(folder, "checkpoint")
        self.turns = itertools.cycle(sums_of(options, servers))
        self.sum = next(self.turns)
        self.kills = self.sums = self.with_checkpoint = 0
        self.kept = 0

    def run(self):
        """Resumes the sum with a server that is chosen anew each time."""
        command = command_of(self.options, self.dice.choice(self.servers), self.sum.arguments)
        return subprocess.Popen([*command, "--checkpoint", self.file], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def in_file(self):
        """Returns the checkpoint's number of samples or terms, or 0 without a checkpoint."""
        try:
            with open(self.file, encoding="ascii") as file:
                return int(re.search(r"^count (\d+)$", file.read(), re.MULTILINE).group(1))
        except FileNotFoundError:
            return 0

    def pause_s(self, process):
        """Returns how long the process may live from now on. Half of them first save once."""
        longest_s = self.options.while_s
        if self.dice.random() < 0.5:
            while process.poll() is None and self.in_file() <= self.kept:
                time.sleep(POLL_S)
            longest_s /= 10
        return self.dice.uniform(0, longest_s)

    def killed(self, process):
        """Kills the process after a random time. Returns False if it had ended before."""
        try:
            process.wait(self.pause_s(process))
            return False
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait() == -signal.SIGKILL

    def step(self):
        process = self.run()
        killed = self.killed(process)
        out, err = process.communicate(timeout=LIMIT_S)
        kept = self.in_file()
        if kept < self.kept:
            raise Failure(f"the checkpoint had {self.kept} terms and now has {kept}")
        self.kept = kept
        self.kills += killed
        if killed:
            self.with_checkpoint += kept > 0
        else:
            self.ended(process, out, err)

    def ended(self, process, out, err):
        if process.returncode != 0:
            raise Failure(f"exit code {process.returncode}: {err.strip()}")
        result = self.sum.result(json.loads(out))
        if result != self.sum.expected:
            raise Failure(f"{process.args} has the result {result} instead of {self.sum.expected}")
        self.sums += 1
        self.sum = next(self.turns)
        self.kept = 0
        os.remove(self.file)

    def finish(self):
        """Finishes the last sum without a kill."""
        process = self.run()
        self.ended(process, *process.communicate(timeout=LIMIT_S))


def replay(options):
    words = f"scripts/chaos checkpoint --seed {options.seed} --kills {options.kills}"
    return words + (" --summands FOLDER" if options.summands else f" --count {options.count}")


def main():
    options = parse_options()
    began_at = time.monotonic()
    servers = start_servers(options)
    try:
        with tempfile.TemporaryDirectory() as folder:
            trial = Trial(options, servers, folder)
            while trial.kills < options.kills or trial.with_checkpoint == 0:
                trial.step()
            trial.finish()
        for server in servers:
            server.end()
    except Failure as failure:
        sys.exit(f"{failure}\nTo repeat: {replay(options)}")
    finally:
        for server in servers:
            server.process.kill()
    print(f"{trial.kills} kills, {trial.with_checkpoint} of them with a checkpoint; {trial.sums} sums "
          f"finished with the same bits; {time.monotonic() - began_at:.0f} s. {replay(options)}")


if __name__ == "__main__":
    main()
