#!/usr/bin/env python3
"""How much of the wait `meantime async` hides, and what its looks cost.

usage: overlap.py FOLDER-OF-THE-PROGRAMS [ROUNDS]

The server computes on one core, the client on another. Each round runs, with the same sizes:
    remote   the server's sum alone, the client idle             (of `meantime compare`, serial)
    local    the client's sum alone, the server idle             (of the same)
    async    both at once, by the loop of client/async.c
    side     both at once in two processes, without any loop: what the two cores can do
and prints medians over the rounds, with the least and the most. Hidden in full, async takes as long as the longer of
remote and local.
"""
import json
import os
import re
import statistics
import subprocess
import sys

SIZES = {  # Gaussian samples of the server, uniform samples of the client
    "equal": (1.0, 1.0),
    "long answer": (1.0, 0.5),
    "long work": (0.5, 1.0),
}
SECONDS = 1.0  # of what 1.0 stands for


def pinned(core, *command):
    return ["taskset", "-c", str(core), *command]


class Machine:
    """A server on one core, clients on another."""

    def __init__(self, folder):
        self.meantime = os.path.join(folder, "meantime")
        self.cores = sorted(os.sched_getaffinity(0))
        if len(self.cores) < 2:
            sys.exit("overlap needs two cores, one for the server and one for the client")
        server = os.path.join(folder, "meantime-server")
        self.server = subprocess.Popen(
            pinned(self.cores[0], server, "--bind", "tcp://127.0.0.1:*", "--threads", "1"),
            stdout=subprocess.PIPE, text=True)
        self.endpoint = re.match(r"Listening on (\S+) ", self.server.stdout.readline())[1]

    def client(self, *arguments):
        return pinned(self.cores[1], self.meantime, *arguments, "--connect", self.endpoint,
                      "--json")

    def run(self, *arguments):
        return json.loads(subprocess.run(self.client(*arguments), check=True, text=True,
                                         stdout=subprocess.PIPE).stdout)

    def close(self):
        self.server.terminate()
        self.server.wait()


def rates(machine):
    """Samples a second of the server and of the client, each alone."""
    run = machine.run("serial", "--gaussian", "500M", "--uniform", "500M")
    return [run[kind]["count"] / run[kind]["seconds"] for kind in ("gaussian", "uniform")]


def side_by_side(machine, gaussian, uniform):
    """The longer time of two processes, one of which only waits for the server."""
    remote = subprocess.Popen(machine.client("sum", str(gaussian)), text=True,
                              stdout=subprocess.PIPE)
    local = machine.run("serial", "--gaussian", "1", "--uniform", str(uniform))
    answer = json.loads(remote.communicate()[0])
    return max(local["uniform"]["seconds"], answer["gaussian"]["seconds"])


def one_round(machine, gaussian, uniform):
    sizes = ["--gaussian", str(gaussian), "--uniform", str(uniform)]
    both = machine.run("compare", *sizes)
    serial, overlapped = both["serial"], both["async"]
    longer = max(serial["gaussian"]["seconds"], serial["uniform"]["seconds"])
    return {
        "remote": serial["gaussian"]["seconds"],
        "local": serial["uniform"]["seconds"],
        "async": overlapped["total_seconds"],
        "async / longer": overlapped["total_seconds"] / longer,
        "side / longer": side_by_side(machine, gaussian, uniform) / longer,
        "looks, % of work": 100 * overlapped["look_seconds"] / overlapped["uniform"]["seconds"],
        "longest slice, ms": 1e3 * overlapped["slice_seconds_max"],
    }


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    rounds = int(sys.argv[2]) if len(sys.argv) == 3 else 9
    machine = Machine(sys.argv[1])
    try:
        gaussian_rate, uniform_rate = rates(machine)
        print(f"server on core {machine.cores[0]}, client on core {machine.cores[1]}, "
              f"{rounds} rounds, slices of 1 ms; median (least to most)")
        for name, (remote, local) in SIZES.items():
            gaussian = int(gaussian_rate * SECONDS * remote)
            uniform = int(uniform_rate * SECONDS * local)
            found = [one_round(machine, gaussian, uniform) for _ in range(rounds)]
            print(f"\n{name}: {gaussian:,} Gaussian, {uniform:,} uniform samples")
            for figure in found[0]:
                values = [each[figure] for each in found]
                print(f"  {figure:18s} {statistics.median(values):8.4f}  "
                      f"({min(values):.4f} to {max(values):.4f})")
    finally:
        machine.close()


if __name__ == "__main__":
    main()
