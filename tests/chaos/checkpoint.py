"""Kills `meantime sum --checkpoint` at random moments, until it has ended with the right bits often.

usage: checkpoint.py [OPTION...] FOLDER-OF-PROGRAMS

The same command is started again and again, and killed with SIGKILL after a random while: in the
middle of its start, of its work, or of a save. Once a sum is done it is compared to that of one
undisturbed command, to the bit, and the next one begins. The file never goes back.
"""
import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

# More than any command or sum takes, on a slow and busy machine too.
PATIENCE_S = 300


def parse_options():
    parser = argparse.ArgumentParser(prog="scripts/chaos checkpoint")
    parser.add_argument("folder", help=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=40, help="how many (40)")
    parser.add_argument("--long", action="store_true", help="500 kills")
    parser.add_argument("--seed", type=int, help="of the moments; a fresh one is shown")
    parser.add_argument("--count", default="2G", help="samples of a sum (2G)")
    parser.add_argument("--while", type=float, default=0.15, dest="while_s", metavar="SECONDS",
                        help="a command lives no longer than this (0.15)")
    options = parser.parse_args()
    if options.long:
        options.kills = 500
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(2 ** 32)
    return options


def server_start(folder):
    server = subprocess.Popen([f"{folder}/meantime-server", "--bind", "tcp://127.0.0.1:*"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    return server, re.match(r"Listening on (\S+) ", server.stdout.readline()).group(1)


class Trouble(Exception):
    pass


class Sums:
    def __init__(self, options, endpoint, folder):
        self.dice = random.Random(options.seed)
        self.while_s = options.while_s
        self.file = os.path.join(folder, "checkpoint")
        self.command = [f"{options.folder}/meantime", "--connect", endpoint, "sum", options.count,
                        "--json", "--seed", str(options.seed)]
        self.expected = self.units(self.run(self.command).communicate(timeout=PATIENCE_S)[0])
        self.kills = self.sums = self.goings_on = 0
        self.kept = 0

    def run(self, command):
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    @staticmethod
    def units(text):
        return json.loads(text)["gaussian"]["units"]

    def in_file(self):
        """How many samples it has: whole, or not there at all."""
        try:
            with open(self.file, encoding="ascii") as file:
                return int(re.search(r"^count (\d+)$", file.read(), re.MULTILINE).group(1))
        except FileNotFoundError:
            return 0

    def killed(self, process):
        """False: it was done before."""
        try:
            process.wait(self.dice.uniform(0, self.while_s))
            return False
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait() == -signal.SIGKILL

    def step(self):
        process = self.run(self.command + ["--checkpoint", self.file])
        killed = self.killed(process)
        out, err = process.communicate(timeout=PATIENCE_S)
        kept = self.in_file()
        if kept < self.kept:
            raise Trouble(f"the file had {self.kept} samples, and now has {kept}")
        self.kept = kept
        self.kills += killed
        if killed:
            self.goings_on += kept > 0
        else:
            self.ended(process, out, err)

    def ended(self, process, out, err):
        if process.returncode != 0:
            raise Trouble(f"exit code {process.returncode}: {err.strip()}")
        if self.units(out) != self.expected:
            raise Trouble(f"the sum is {self.expected}, and {self.units(out)} was printed")
        self.sums += 1
        self.kept = 0
        os.remove(self.file)

    def finish(self):
        """The last one, undisturbed."""
        process = self.run(self.command + ["--checkpoint", self.file])
        self.ended(process, *process.communicate(timeout=PATIENCE_S))


def main():
    options = parse_options()
    began_at = time.monotonic()
    server, endpoint = server_start(options.folder)
    again = f"scripts/chaos checkpoint --seed {options.seed} --kills {options.kills} --count {options.count}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            sums = Sums(options, endpoint, folder)
            while sums.kills < options.kills:
                sums.step()
            sums.finish()
    except Trouble as trouble:
        sys.exit(f"{trouble}\nThe same again: {again}")
    finally:
        server.terminate()
        if server.wait(PATIENCE_S) != 0:
            sys.exit(f"the server ended with exit code {server.returncode}")
    print(f"{sums.kills} kills, {sums.goings_on} of them of a command that had come some way; "
          f"sums of "
          f"{options.count} samples that ended: {sums.sums}, with the same bits every time; "
          f"{time.monotonic() - began_at:.0f} s. {again}")


if __name__ == "__main__":
    main()
