"""A client that is always at work, asks again when it has to, and checks every bit.

usage: client.py TABLE SEED LIMIT-S PROGRAM|- ENDPOINT...

TABLE: a file of JSON, requests with their exact totals. PROGRAM: the client to run, once for each
request; -: this process is the client. What happens goes to stdout, a line of JSON for each answer,
for each request asked again, and for whatever is wrong. At the end of stdin it asks for nothing
new, waits for what is missing, and exits 0.
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
from wire import Line, units_of, wire

IN_FLIGHT = 2

# Progress comes twice a second: a front that says nothing for so long is asked no further.
SILENT_S = 2.0

# Of requests that the client cancels, to ask them again. Their delay, in seconds.
CANCELLED = 0.03
CANCEL_S = (0.0, 0.1)

# Before something new is asked, at most.
THINK_S = 0.1

# Before the same is asked again, where the server is there but refused.
AGAIN_S = 0.05

AGAIN = {
    wire.STATUS_BUSY: "BUSY",
    wire.STATUS_STOPPING: "STOPPING",
    wire.STATUS_WORKERS_LOST: "WORKERS_LOST",
}

# What `meantime sum` may give up of: the rest it has to do by itself.
MAY_GIVE_UP = re.compile(r"(no server) at|refused \((workers lost)\)")

KINDS = {wire.KIND_GAUSSIAN: "gaussian", wire.KIND_UNIFORM: "uniform"}


def tell(**news):
    print(json.dumps(news), flush=True)


class Asked:
    """A request: an entry of the table, asked until there is an answer."""

    def __init__(self, entry, after_s=0.0):
        self.entry = entry
        self.began_at = time.monotonic() + after_s
        self.due_at = self.began_at
        self.heard_at = None
        self.cancel_at = None
        self.cancelled = False
        self.tries = 0
        self.try_began_at = self.began_at

    def __str__(self):
        entry = self.entry
        return (f"the sum of {entry['count']} {KINDS[entry['kind']]} samples from {entry['first']} "
                f"on of seed {entry['seed']}")

    def begin_try(self, now, cancel_at=math.inf):
        self.heard_at = self.try_began_at = now
        self.cancel_at = cancel_at
        self.cancelled = False
        self.tries += 1

    def check(self, units):
        if units == self.entry["units"]:
            tell(answered=self.entry["count"], seconds=time.monotonic() - self.began_at)
        else:
            tell(wrong=f"{self} is {self.entry['units']}, and {units} was the answer")

    def late(self, limit_s):
        now = time.monotonic()
        late = now - self.began_at > limit_s
        if late:
            tell(wrong=f"{self} has no answer after {limit_s:.0f} s and {self.tries} tries, the last "
                 f"of which began {now - self.try_began_at:.1f} s ago")
        return late


class Client:
    def __init__(self, entries, dice, limit_s):
        self.entries = entries
        self.dice = dice
        self.limit_s = limit_s
        self.asking = True

    def listen(self):
        """True while new requests are wanted."""
        if self.asking and select.select([sys.stdin], [], [], 0)[0]:
            self.asking = bool(sys.stdin.readline())
        return self.asking

    def new(self):
        return Asked(self.dice.choice(self.entries), self.dice.uniform(0.0, THINK_S))


class Peer(Client):
    """Written from PROTOCOL.md alone."""

    def __init__(self, entries, dice, limit_s, endpoints):
        super().__init__(entries, dice, limit_s)
        self.lines = [Line(endpoint) for endpoint in endpoints]
        self.asked = {line: {} for line in self.lines}  # by id
        self.waiting = []
        self.last_id = 0

    def run(self):
        while self.listen() or self.in_flight():
            self.fill()
            self.ask()
            self.wait()
            for line in self.lines:
                self.hear(line)
            self.look_at_the_clock()

    def in_flight(self):
        return len(self.waiting) + sum(map(len, self.asked.values()))

    def fill(self):
        while self.asking and self.in_flight() < IN_FLIGHT:
            self.waiting.append(self.new())

    def ask(self):
        """Those that wait, of fronts that are there."""
        now = time.monotonic()
        lines = [line for line in self.lines if line.connected]
        for asked in [asked for asked in self.waiting if asked.due_at <= now and lines]:
            if self.send(self.dice.choice(lines), asked, now):
                self.waiting.remove(asked)

    def send(self, line, asked, now):
        self.last_id += 1
        entry = asked.entry
        request = wire.SumRequest(id=self.last_id, seed=entry["seed"], kind=entry["kind"],
                                  first=entry["first"], count=entry["count"], progress=True)
        if not line.send(sum_request=request):
            return False
        self.asked[line][self.last_id] = asked
        cancelled = self.dice.random() < CANCELLED
        asked.begin_try(now, now + self.dice.uniform(*CANCEL_S) if cancelled else math.inf)
        return True

    def wait(self):
        """Until something comes, or is due."""
        poller = zmq.Poller()
        for line in self.lines:
            poller.register(line.socket, zmq.POLLIN)
            poller.register(line.monitor, zmq.POLLIN)
        if self.asking:
            poller.register(sys.stdin, zmq.POLLIN)
        poller.poll(20)

    def cancel(self, line, numbers):
        for number in numbers:
            line.send(cancel=wire.Cancel(id=number))
            self.asked[line][number].cancel_at = math.inf
            self.asked[line][number].cancelled = True

    def again(self, asked, why, after_s=0.0):
        tell(again=why)
        asked.due_at = time.monotonic() + after_s
        self.waiting.append(asked)

    def lose(self, line, why):
        """All that was asked on the line is asked again, here or there."""
        for asked in self.asked[line].values():
            self.again(asked, why)
        self.asked[line].clear()
        line.renew()

    def hear(self, line):
        for message in line.messages():
            getattr(self, f"on_{message.WhichOneof('body')}")(line, message)
        if line.lost():
            self.lose(line, "connection lost")

    def take(self, line, number):
        """The request that an answer is of, which is in flight no longer."""
        asked = self.asked[line].pop(number, None)
        if not asked:
            tell(wrong=f"an answer to request {number}, which is not in flight at {line.endpoint}")
        return asked

    def on_sum_reply(self, line, message):
        asked = self.take(line, message.sum_reply.id)
        if asked:
            asked.check(units_of(message.sum_reply))

    def on_progress(self, line, message):
        asked = self.asked[line].get(message.progress.id)
        if asked:
            asked.heard_at = time.monotonic()
        else:
            tell(wrong=f"progress of request {message.progress.id}, which is not in flight")

    def on_refusal(self, line, message):
        refusal = message.refusal
        asked = self.take(line, refusal.id)
        if not asked:
            return
        if refusal.status == wire.STATUS_CANCELLED and asked.cancelled:
            self.again(asked, "cancelled by the client")
        elif refusal.status in AGAIN:
            self.again(asked, AGAIN[refusal.status], AGAIN_S)
        else:
            tell(wrong=f"{asked} was refused: {refusal.text}")

    def look_at_the_clock(self):
        now = time.monotonic()
        for line in self.lines:
            asked = self.asked[line]
            self.cancel(line, [number for number in asked if now >= asked[number].cancel_at])
            if any(now - each.heard_at > SILENT_S for each in asked.values()):
                self.lose(line, f"nothing heard for {SILENT_S:.0f} s")
            late = [number for number in asked if asked[number].late(self.limit_s)]
            if late:
                del asked[late[0]]
                self.lose(line, "beside one that was late")
        self.waiting = [asked for asked in self.waiting if not asked.late(self.limit_s)]


class Program(Client):
    """`meantime sum`, as people run it."""

    def __init__(self, entries, dice, limit_s, program, endpoints):
        super().__init__(entries, dice, limit_s)
        self.program = program
        self.endpoints = endpoints

    def run(self):
        while self.listen():
            asked = self.new()
            time.sleep(max(0.0, asked.began_at - time.monotonic()))
            while not self.over(asked) and not asked.late(self.limit_s):
                pass

    def command(self, entry):
        return [self.program, "sum", str(entry["count"]), "--kind", KINDS[entry["kind"]], "--json",
                "--first", str(entry["first"]), "--seed", str(entry["seed"]),
                "--connect", ",".join(self.endpoints), "--timeout", f"{self.limit_s:.0f}s"]

    def over(self, asked):
        """Answered, or wrong beyond asking again."""
        asked.begin_try(time.monotonic())
        run = machines.start(self.command(asked.entry), machines.Machine("home"), text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        printed, errors = run.communicate()
        if run.returncode == 0:
            self.done(asked, json.loads(printed))
            return True
        gave_up = MAY_GIVE_UP.search(errors) if run.returncode == 1 else None
        if gave_up:
            tell(again=f"meantime sum: {gave_up[1] or gave_up[2]}")
        else:
            tell(wrong=f"{' '.join(run.args)} ended with {run.returncode}: {errors}")
        return not gave_up

    def done(self, asked, printed):
        """meantime asks again by itself, and counts."""
        for _ in range(printed["attempts"] - 1):
            tell(again="by meantime sum itself")
        asked.check(int(printed[KINDS[asked.entry["kind"]]]["units"]))


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
