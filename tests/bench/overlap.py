#!/usr/bin/env python3
"""How much of the wait `meantime async` hides, and what its looks cost.

usage: overlap.py FOLDER-OF-THE-PROGRAMS [ROUNDS]

The server computes on one core of this machine, the client on another. Each round runs, with the
same sizes:
    remote   the server's sum alone, the client idle             (of `meantime compare`, serial)
    local    the client's sum alone, the server idle             (of the same)
    async    both at once, by the loop of client/async.c
    side     both at once in two processes, without any loop: what the two cores can do
and prints medians over the rounds, with the least and the most. Hidden in full, async takes as
long as the longer of remote and local, or, where the cores are two threads of one, as side does.

In the last part the server is elsewhere: a peer that answers after a fixed time and computes
nothing on this machine.
"""
import json
import os
import re
import statistics
import subprocess
import sys
import threading

import zmq

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

    def client(self, *arguments, endpoint=None):
        return pinned(self.cores[1], self.meantime, *arguments, "--json", "--connect",
                      endpoint or self.endpoint)

    def run(self, *arguments, endpoint=None):
        return json.loads(subprocess.run(self.client(*arguments, endpoint=endpoint), check=True,
                                         text=True, stdout=subprocess.PIPE).stdout)

    def close(self):
        self.server.terminate()
        self.server.wait()


def rates(machine):
    """Samples a second of the server and of the client, each alone."""
    run = machine.run("serial", "--gaussian", "500M", "--uniform", "500M")
    return [run[kind]["count"] / run[kind]["seconds"] for kind in ("gaussian", "uniform")]


class Elsewhere(threading.Thread):
    """A server on another machine, as far as one can tell here: it answers after `seconds`."""

    def __init__(self, wire, seconds):
        super().__init__(daemon=True)
        self.wire = wire
        self.seconds = seconds
        self.socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.bind("tcp://127.0.0.1:*")
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def run(self):
        pause = threading.Event()
        while True:
            *envelope, body = self.socket.recv_multipart()
            pause.wait(self.seconds)
            asked = self.wire.Message.FromString(body).sum_request
            reply = self.wire.SumReply(id=asked.id, count=asked.count, unit_log2=-49)
            answer = self.wire.Message(version=1, sum_reply=reply).SerializeToString()
            self.socket.send_multipart([*envelope, answer])


def side_by_side(machine, gaussian, uniform):
    """The longer time of two processes, one of which only waits for the server."""
    remote = subprocess.Popen(machine.client("sum", str(gaussian)), text=True,
                              stdout=subprocess.PIPE)
    local = machine.run("serial", "--gaussian", "1", "--uniform", str(uniform))
    answer = json.loads(remote.communicate()[0])
    return max(local["uniform"]["seconds"], answer["gaussian"]["seconds"])


def figures(both):
    """Of one comparison."""
    serial, overlapped = both["serial"], both["async"]
    longer = max(serial["gaussian"]["seconds"], serial["uniform"]["seconds"])
    return {
        "remote": serial["gaussian"]["seconds"],
        "local": serial["uniform"]["seconds"],
        "async": overlapped["total_seconds"],
        "async / longer": overlapped["total_seconds"] / longer,
        "looks, % of work": 100 * overlapped["look_seconds"] / overlapped["uniform"]["seconds"],
        "a look, us": 1e6 * overlapped["look_seconds"] / overlapped["looks"],
        "longest slice, ms": 1e3 * overlapped["slice_seconds_max"],
    }


def here(machine, gaussian, uniform):
    found = figures(machine.run("compare", "--gaussian", str(gaussian), "--uniform", str(uniform)))
    side = side_by_side(machine, gaussian, uniform)
    found["side / longer"] = side / max(found["remote"], found["local"])
    found["async / side"] = found["async"] / side
    return found


def elsewhere(machine, server, uniform):
    return figures(machine.run("compare", "--gaussian", "1", "--uniform", str(uniform),
                               endpoint=server.endpoint))


def print_figures(heading, found):
    print(f"\n{heading}")
    for figure in found[0]:
        values = [each[figure] for each in found]
        print(f"  {figure:18s} {statistics.median(values):8.4f}  "
              f"({min(values):.4f} to {max(values):.4f})")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    rounds = int(sys.argv[2]) if len(sys.argv) == 3 else 9
    import meantime_pb2
    machine = Machine(sys.argv[1])
    try:
        gaussian_rate, uniform_rate = rates(machine)
        print(f"server on core {machine.cores[0]}, client on core {machine.cores[1]}, "
              f"{rounds} rounds, default slices; median (least to most)")
        for name, (remote, local) in SIZES.items():
            gaussian = int(gaussian_rate * SECONDS * remote)
            uniform = int(uniform_rate * SECONDS * local)
            print_figures(f"{name}: {gaussian:,} Gaussian, {uniform:,} uniform samples",
                          [here(machine, gaussian, uniform) for _ in range(rounds)])
        server = Elsewhere(meantime_pb2, SECONDS)
        server.start()
        for name, local in ("equal", 1.0), ("long answer", 0.5), ("long work", 2.0):
            uniform = int(uniform_rate * SECONDS * local)
            print_figures(f"{name}, server elsewhere: {SECONDS} s, {uniform:,} uniform samples",
                          [elsewhere(machine, server, uniform) for _ in range(rounds)])
    finally:
        machine.close()


if __name__ == "__main__":
    main()
