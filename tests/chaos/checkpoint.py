"""Kills `meantime sum --checkpoint` at random times and checks the bits of the finished sums.

usage: checkpoint.py [OPTION...] FOLDER-OF-PROGRAMS

The script repeatedly starts the same command and sends SIGKILL after a random time: during the
start, the work or a save. It compares each finished sum, to the bit, with the sum of a command that
was not killed. Then the next sum begins. The count in the checkpoint must never decrease.
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

# A limit for slow and busy machines.
LIMIT_S = 300


def parse_options():
    parser = argparse.ArgumentParser(prog="scripts/chaos checkpoint")
    parser.add_argument("folder", help=argparse.SUPPRESS)
    parser.add_argument("--kills", type=int, default=40, help="number of kills (default 40)")
    parser.add_argument("--long", action="store_true", help="500 kills")
    parser.add_argument("--seed", type=int, help="seed of the times (default: random)")
    parser.add_argument("--count", default="2G", help="samples of a sum (default 2G)")
    parser.add_argument("--while", type=float, default=0.15, dest="while_s", metavar="SECONDS",
                        help="longest life of a command (default 0.15)")
    options = parser.parse_args()
    if options.long:
        options.kills = 500
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(2 ** 32)
    return options


def start_server(folder):
    server = subprocess.Popen([f"{folder}/meantime-server", "--bind", "tcp://127.0.0.1:*"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    return server, re.match(r"Listening on (\S+) ", server.stdout.readline()).group(1)


class Failure(Exception):
    pass


class Sums:
    def __init__(self, options, endpoint, folder):
        self.dice = random.Random(options.seed)
        self.while_s = options.while_s
        self.file = os.path.join(folder, "checkpoint")
        self.command = [f"{options.folder}/meantime", "--connect", endpoint, "sum", options.count,
                        "--json", "--seed", str(options.seed)]
        self.expected = self.units(self.run(self.command).communicate(timeout=LIMIT_S)[0])
        self.kills = self.sums = self.with_checkpoint = 0
        self.kept = 0

    def run(self, command):
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    @staticmethod
    def units(text):
        return json.loads(text)["gaussian"]["units"]

    def in_file(self):
        """Returns the checkpoint's number of samples, or 0 without a checkpoint."""
        try:
            with open(self.file, encoding="ascii") as file:
                return int(re.search(r"^count (\d+)$", file.read(), re.MULTILINE).group(1))
        except FileNotFoundError:
            return 0

    def killed(self, process):
        """Kills the process after a random time. Returns False if it had ended before."""
        try:
            process.wait(self.dice.uniform(0, self.while_s))
            return False
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait() == -signal.SIGKILL

    def step(self):
        process = self.run(self.command + ["--checkpoint", self.file])
        killed = self.killed(process)
        out, err = process.communicate(timeout=LIMIT_S)
        kept = self.in_file()
        if kept < self.kept:
            raise Failure(f"the checkpoint had {self.kept} samples and now has {kept}")
        self.kept = kept
        self.kills += killed
        if killed:
            self.with_checkpoint += kept > 0
        else:
            self.ended(process, out, err)

    def ended(self, process, out, err):
        if process.returncode != 0:
            raise Failure(f"exit code {process.returncode}: {err.strip()}")
        if self.units(out) != self.expected:
            raise Failure(f"the sum is {self.expected}, but the command printed {self.units(out)}")
        self.sums += 1
        self.kept = 0
        os.remove(self.file)

    def finish(self):
        """Finishes the last sum without a kill."""
        process = self.run(self.command + ["--checkpoint", self.file])
        self.ended(process, *process.communicate(timeout=LIMIT_S))


def main():
    options = parse_options()
    began_at = time.monotonic()
    server, endpoint = start_server(options.folder)
    replay = f"scripts/chaos checkpoint --seed {options.seed} --kills {options.kills} --count {options.count}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            sums = Sums(options, endpoint, folder)
            while sums.kills < options.kills:
                sums.step()
            sums.finish()
    except Failure as failure:
        sys.exit(f"{failure}\nTo repeat: {replay}")
    finally:
        server.terminate()
        if server.wait(LIMIT_S) != 0:
            sys.exit(f"the server ended with exit code {server.returncode}")
    print(f"{sums.kills} kills, {sums.with_checkpoint} of them with a checkpoint; {sums.sums} sums of "
          f"{options.count} samples finished with the same bits; "
          f"{time.monotonic() - began_at:.0f} s. {replay}")


if __name__ == "__main__":
    main()
