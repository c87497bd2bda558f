"""Describes the pool: its servers, their machines and fronts. Starts and watches it."""
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time

import machines
from servers import Cable, Server
from wire import Connection, wire

CLIENTS_PORT = 8197
WORKERS_PORT = 8198
RELAY_PORT = 8298

RELAY = "relay"

HERE = os.path.dirname(os.path.abspath(__file__))

#   name        machine      threads  joins
FLEET = (
    ("front-a",  "front-a",   0, ()),
    ("front-b",  "front-b",   1, ()),
    ("middle",   "middle",    1, ("front-a", "front-b")),
    ("worker-1", "machine-1", 1, ("front-a", "front-b")),
    ("worker-2", "machine-1", 1, ("front-b", "front-a")),
    ("worker-3", "machine-2", 2, ("front-a", "front-b")),
    ("worker-4", "machine-2", 1, ("front-a",)),
    ("worker-5", "machine-3", 1, ("front-b",)),
    ("worker-6", "machine-3", 1, ("front-a", "middle")),
    ("worker-7", "machine-4", 1, ("middle",)),
    ("worker-8", "machine-4", 1, ("middle",)),
    ("worker-9", "machine-5", 1, ("front-a", RELAY)),  # the relay leads to RELAYED
)
RELAYED = "front-b"

# The servers that offer the summand. The others compute only samples.
SUMMAND = "slab"
OFFERING = ("front-b", "middle", "worker-1", "worker-3", "worker-6", "worker-7", "worker-9")

FRONTS = ("front-a", "front-b")
MIDDLE = "middle"

STATUS_S = 0.1


# Ports for the loopback. Linux picks the ports of outgoing connections above this range, so a
# restarted server can listen on its port again.
FREE_PORTS = range(10000, 32000)


def free_port():
    while True:
        port = random.choice(FREE_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Pool:
    """summand: the file of the summand, or None. wrong(text): reports a failure."""

    def __init__(self, network, program, settings, summand, folder, wrong):
        self.network = network
        self.on_networks = isinstance(network, machines.Network)
        self.machines = {name: network.machine(name)
                         for name in dict.fromkeys(machine for _, machine, _, _ in FLEET)}
        self.ports = {(name, port): port if self.on_networks else free_port()
                      for name in (*FRONTS, MIDDLE) for port in (CLIENTS_PORT, WORKERS_PORT)}
        self.relay_port = RELAY_PORT if self.on_networks else free_port()
        self.relay_log = f"{folder}/relay.log"
        self.settings = settings
        self.summand = summand
        self.wrong = wrong
        self.servers = {name: Server(name, self.machines[machine],
                                     [program, *self.options(name, threads, joins)],
                                     f"{folder}/{name}.log", wrong)
                        for name, machine, threads, joins in FLEET}
        self.cables = {}
        if self.on_networks:
            self.cables = {f"{name}'s cable": Cable(network, machine)
                          for name, machine in self.machines.items()}

    def endpoint(self, name, port):
        """Returns the endpoint that others connect to."""
        if name == RELAY:
            return f"tcp://127.0.0.1:{self.relay_port}"
        return f"tcp://{self.machines[name].address}:{self.ports[name, port]}"

    def options(self, name, threads, joins):
        words = ["--threads", str(threads), "--insecure", *self.settings]
        if self.summand and name in OFFERING:
            words += ["--summand", self.summand]
        if name in (*FRONTS, MIDDLE):
            own = f"tcp://{self.machines[name].own_address}"
            words += ["--bind", f"{own}:{self.ports[name, CLIENTS_PORT]}",
                      "--workers", f"{own}:{self.ports[name, WORKERS_PORT]}"]
        if joins:
            words += ["--join", ",".join(self.endpoint(each, WORKERS_PORT) for each in joins)]
        return words

    def targets(self):
        """Returns the names of the faults' targets, by kind."""
        workers = [name for name in self.servers if name not in (*FRONTS, MIDDLE)]
        return {"worker": workers, "front": list(FRONTS), "middle": [MIDDLE],
                "server": list(self.servers), "cable": list(self.cables),
                "offering": list(OFFERING) if self.summand else []}

    def start_relay(self, seed):
        command = [sys.executable, os.path.join(HERE, "relay.py"), str(self.relay_port),
                   self.machines[RELAYED].address, str(self.ports[RELAYED, WORKERS_PORT]),
                   str(seed)]
        with open(self.relay_log, "wb") as log:
            self.relay = machines.start(command, self.machines[FLEET[-1][1]],
                                        stdout=subprocess.PIPE, stderr=log)
        self.relay.stdout.readline()

    def start(self, seed):
        self.start_relay(seed)
        for server in self.servers.values():
            server.start()

    def end_delays(self):
        """Makes the slow link fast. The relay must have printed no error."""
        with open(self.relay_log, encoding="utf-8", errors="replace") as log:
            said = log.read()
        if said or self.relay.poll() is not None:
            self.wrong(f"the relay failed: {said}")
        self.relay.send_signal(signal.SIGUSR1)

    def expected(self, name):
        """Returns the process numbers of the workers that a server must have."""
        return {self.servers[each].process.pid for each, _, _, joins in FLEET
                if name in joins or name == RELAYED and RELAY in joins}


class Watch:
    """Requests the status of the fronts and the middle server, ten times a second."""

    def __init__(self, pool):
        self.connections = {name: Connection(pool.endpoint(name, CLIENTS_PORT)) for name in (*FRONTS, MIDDLE)}
        self.due_at = 0.0
        self.replies = {name: None for name in self.connections}
        self.counters = {}  # by the name of the process

    def step(self):
        for name, connection in self.connections.items():
            connection.lost()  # libzmq reconnects
            for message in connection.messages():
                self.replies[name] = message.status_reply
                self.counters[message.status_reply.name] = message.status_reply.counters
        if time.monotonic() < self.due_at:
            return
        self.due_at = time.monotonic() + STATUS_S
        for connection in self.connections.values():
            connection.send(status_request=wire.StatusRequest())

    def forget(self):
        self.replies = {name: None for name in self.connections}

    def sum(self, counter):
        return sum(getattr(counters, counter) for counters in self.counters.values())

    def missing(self, pool):
        """Returns a text for each worker that has not joined its front."""
        missing = [f"{name} itself, which does not answer"
                   for name, reply in self.replies.items() if not reply]
        for name, reply in self.replies.items():
            if not reply:
                continue
            joined = {int(worker.name.rpartition(":")[2]) for worker in reply.workers
                      if worker.state == wire.WORKER_STATE_JOINED}
            missing += [f"{server.name} at {name}" for server in pool.servers.values()
                        if server.process.pid in pool.expected(name) - joined]
        return missing

    def samples(self):
        """Returns the samples that each worker has summed, by (server, number, name)."""
        return {(name, worker.number, worker.name): worker.samples
                for name, reply in self.replies.items() if reply for worker in reply.workers}
