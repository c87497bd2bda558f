"""A client that always has requests in flight, retries them, and checks every bit of the answers.

usage: client.py TABLE SEED LIMIT-S PROGRAM|- ENDPOINT...

TABLE: a JSON file of requests with their exact totals, or with the digests of the totals of a
summand, which only a program requests. PROGRAM: the program to run for each request;
with -, this process is the client. The client prints a line of JSON for each answer, retry and
failure. At the end of stdin it sends no new request, waits for the missing answers, and exits 0.
"""
import json
import math
import random
import re
import select
import subprocess
import sys
import time

import zmq

import machines
from wire import Connection, units_of, wire
from work import summands

IN_FLIGHT = 2

# Fronts send progress twice a second. After this silence, the client disconnects.
SILENT_S = 2.0

# The share of attempts that the client cancels and then retries, and the delay in seconds.
CANCELLED = 0.03
CANCEL_S = (0.0, 0.1)

# The longest delay before a new request.
THINK_S = 0.1

# The delay before a refused request is retried.
RETRY_S = 0.05

RETRIED = {
    wire.REFUSAL_BUSY: "BUSY",
    wire.REFUSAL_STOPPING: "STOPPING",
    wire.REFUSAL_WORKERS_LOST: "WORKERS_LOST",
}

# The errors after which the test may retry `meantime sum`. The program retries all others itself.
# A front may have lost all workers with the summand, and three helpers may have been harmed in turn.
MAY_GIVE_UP = re.compile(r"(no server) at|refused \((workers lost|unknown summand)\)|"
                         r"refused \((summand failed)\): [^\n]*died of signal SIG(?:KILL|SEGV)")

KINDS = {wire.KIND_GAUSSIAN: "gaussian", wire.KIND_UNIFORM: "uniform"}


def report(**event):
    print(json.dumps(event), flush=True)


class Request:
    """An entry of the table, sent until there is an answer."""

    def __init__(self, entry, after_s=0.0):
        self.entry = entry
        self.began_at = time.monotonic() + after_s
        self.due_at = self.began_at
        self.last_message_at = None
        self.cancel_at = None
        self.cancelled = False
        self.attempts = 0
        self.attempt_began_at = self.began_at

    def __str__(self):
        entry = self.entry
        if "summand" in entry:
            return f"the sum {entry}"
        return (f"the sum of {entry['count']} {KINDS[entry['kind']]} samples from {entry['first']} "
                f"on of seed {entry['seed']}")

    def begin_attempt(self, now, cancel_at=math.inf):
        self.last_message_at = self.attempt_began_at = now
        self.cancel_at = cancel_at
        self.cancelled = False
        self.attempts += 1

    def check(self, found):
        """found: the units of a sum of samples, or the digest of the totals of a summand."""
        of_summand = "summand" in self.entry
        expected = self.entry["digest" if of_summand else "units"]
        if found == expected:
            report(answered=self.entry["count"], of_summand=of_summand,
                   seconds=time.monotonic() - self.began_at)
        else:
            report(failure=f"{self} is {expected}, but the answer is {found}")

    def late(self, limit_s):
        now = time.monotonic()
        late = now - self.began_at > limit_s
        if late:
            report(failure=f"{self} has no answer after {limit_s:.0f} s and {self.attempts} attempts. "
                           f"The last attempt began {now - self.attempt_began_at:.1f} s ago")
        return late


class Client:
    def __init__(self, entries, dice, limit_s):
        self.entries = entries
        self.dice = dice
        self.limit_s = limit_s
        self.sending = True

    def listen(self):
        """Returns True while the client may send new requests."""
        if self.sending and select.select([sys.stdin], [], [], 0)[0]:
            self.sending = bool(sys.stdin.readline())
        return self.sending

    def new(self):
        return Request(self.dice.choice(self.entries), self.dice.uniform(0.0, THINK_S))


class Peer(Client):
    """Written from PROTOCOL.md alone."""

    def __init__(self, entries, dice, limit_s, endpoints):
        super().__init__(entries, dice, limit_s)
        self.connections = [Connection(endpoint) for endpoint in endpoints]
        self.sent = {connection: {} for connection in self.connections}  # by id
        self.waiting = []
        self.last_id = 0

    def run(self):
        while self.listen() or self.in_flight():
            self.fill()
            self.ask()
            self.wait()
            for connection in self.connections:
                self.receive(connection)
            self.check_deadlines()

    def in_flight(self):
        return len(self.waiting) + sum(map(len, self.sent.values()))

    def fill(self):
        while self.sending and self.in_flight() < IN_FLIGHT:
            self.waiting.append(self.new())

    def ask(self):
        """Sends the waiting requests to connected fronts."""
        now = time.monotonic()
        connections = [connection for connection in self.connections if connection.connected]
        due = [request for request in self.waiting if request.due_at <= now]
        for request in due if connections else []:
            if self.send(self.dice.choice(connections), request, now):
                self.waiting.remove(request)

    def send(self, connection, request, now):
        self.last_id += 1
        entry = request.entry
        body = wire.SumRequest(id=self.last_id, seed=entry["seed"], kind=entry["kind"],
                               first=entry["first"], count=entry["count"], progress=True)
        if not connection.send(sum_request=body):
            return False
        self.sent[connection][self.last_id] = request
        cancelled = self.dice.random() < CANCELLED
        request.begin_attempt(now, now + self.dice.uniform(*CANCEL_S) if cancelled else math.inf)
        return True

    def wait(self):
        """Waits for a message, at most 20 ms."""
        poller = zmq.Poller()
        for connection in self.connections:
            poller.register(connection.socket, zmq.POLLIN)
            poller.register(connection.monitor, zmq.POLLIN)
        if self.sending:
            poller.register(sys.stdin, zmq.POLLIN)
        poller.poll(20)

    def cancel(self, connection, numbers):
        for number in numbers:
            connection.send(cancel=wire.Cancel(id=number))
            self.sent[connection][number].cancel_at = math.inf
            self.sent[connection][number].cancelled = True

    def retry(self, request, why, after_s=0.0):
        report(retry=why)
        request.due_at = time.monotonic() + after_s
        self.waiting.append(request)

    def lose(self, connection, why):
        """Retries all requests of a connection at any front."""
        for request in self.sent[connection].values():
            self.retry(request, why)
        self.sent[connection].clear()
        connection.renew()

    def receive(self, connection):
        for message in connection.messages():
            getattr(self, f"on_{message.WhichOneof('body')}")(connection, message)
        if connection.lost():
            self.lose(connection, "connection lost")

    def take(self, connection, number):
        """Removes an answered request from those in flight and returns it."""
        request = self.sent[connection].pop(number, None)
        if not request:
            report(failure=f"an answer to request {number}, which is not in flight at "
                           f"{connection.endpoint}")
        return request

    def on_sum_reply(self, connection, message):
        request = self.take(connection, message.sum_reply.id)
        if request:
            request.check(units_of(message.sum_reply))

    def on_progress(self, connection, message):
        request = self.sent[connection].get(message.progress.id)
        if request:
            request.last_message_at = time.monotonic()
        else:
            report(failure=f"progress of request {message.progress.id}, which is not in flight")

    def on_refusal(self, connection, message):
        refusal = message.refusal
        request = self.take(connection, refusal.id)
        if not request:
            return
        if refusal.code == wire.REFUSAL_CANCELLED and request.cancelled:
            self.retry(request, "cancelled by the client")
        elif refusal.code in RETRIED:
            self.retry(request, RETRIED[refusal.code], RETRY_S)
        else:
            report(failure=f"{request} was refused: {refusal.text}")

    def check_deadlines(self):
        now = time.monotonic()
        for connection in self.connections:
            sent = self.sent[connection]
            self.cancel(connection, [number for number in sent if now >= sent[number].cancel_at])
            if any(now - each.last_message_at > SILENT_S for each in sent.values()):
                self.lose(connection, f"silent for {SILENT_S:.0f} s")
            late = [number for number in sent if sent[number].late(self.limit_s)]
            if late:
                del sent[late[0]]
                self.lose(connection, "another request was late")
        self.waiting = [request for request in self.waiting if not request.late(self.limit_s)]


class Program(Client):
    """Runs `meantime sum` for each request."""

    def __init__(self, entries, dice, limit_s, program, endpoints):
        super().__init__(entries, dice, limit_s)
        self.program = program
        self.endpoints = endpoints

    def run(self):
        while self.listen():
            request = self.new()
            time.sleep(max(0.0, request.began_at - time.monotonic()))
            while not self.over(request) and not request.late(self.limit_s):
                pass

    def arguments(self, entry):
        if "summand" in entry:
            return summands.Row(**entry).arguments()
        return [str(entry["count"]), "--kind", KINDS[entry["kind"]], "--json",
                "--first", str(entry["first"]), "--seed", str(entry["seed"])]

    def command(self, entry):
        return [self.program, "sum", *self.arguments(entry), "--connect", ",".join(self.endpoints),
                "--timeout", f"{self.limit_s:.0f}s"]

    def over(self, request):
        """Runs one attempt. Returns False if the client must retry."""
        request.begin_attempt(time.monotonic())
        run = machines.start(self.command(request.entry), machines.Machine("home"), text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        printed, errors = run.communicate()
        if run.returncode == 0:
            self.done(request, json.loads(printed))
            return True
        gave_up = MAY_GIVE_UP.search(errors) if run.returncode == 1 else None
        if gave_up:
            report(retry=f"meantime sum: {gave_up[gave_up.lastindex]}")
        else:
            report(failure=f"{' '.join(run.args)} ended with {run.returncode}: {errors}")
        return not gave_up

    def done(self, request, printed):
        """meantime retries by itself and prints the number of attempts."""
        for _ in range(printed["attempts"] - 1):
            report(retry="by meantime sum itself")
        if "summand" in request.entry:
            request.check(summands.digest(summands.totals(printed["outputs"])))
        else:
            request.check(int(printed[KINDS[request.entry["kind"]]]["units"]))


def main():
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    table, seed, limit_s, program, *endpoints = sys.argv[1:]
    with open(table, encoding="ascii") as file:
        entries = json.load(file)
    dice = random.Random(seed)
    if program == "-":
        Peer(entries, dice, float(limit_s), endpoints).run()
    else:
        Program(entries, dice, float(limit_s), program, endpoints).run()


if __name__ == "__main__":
    main()
