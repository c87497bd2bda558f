"""The trial of a pool: sums beforehand, a storm with clients at work, a look at what is left."""
import json
import os
import random
import signal
import sys
import time

import report
import storm
import work
from pool import CLIENTS_PORT, FRONTS, MIDDLE, Pool, Watch
from wire import Line

ALL, SMALL = "table.json", "small.json"  # requests: all of them, the smaller half

# What each client asks for, and by what program; "": by itself, two requests at a time. With one
# that asks for little alone, the longest time without an answer tells how long nobody was served.
CLIENTS = ((SMALL, ""), (ALL, ""), (ALL, ""), (ALL, "meantime"), (ALL, "meantime"))

TICK_S = 0.005
TELL_S = 10.0
LAST_S = 1.5  # of one core: the request that all workers compute in the end

# Waiting ends here, however slow the machine.
JOINED_LIMIT_S = 60
LAST_LIMIT_S = 120

# Tries of the last request: on a busy machine a worker may be taken for dead in the midst of it.
LAST_TRIES = 3

WRONGS_MAX = 20


class Trial:
    def __init__(self, options, network, folder):
        self.options = options
        self.folder = folder
        self.wrongs = []
        self.home = getattr(network, "home", None) or network.machine("home")
        self.pool = Pool(network, self.program("meantime-server"),
                         ["--heartbeat-ms", str(options.heartbeat_ms),
                          "--span-us", str(options.span_us)], folder, self.wrong)
        self.clients = []
        self.answers = work.Answers()
        self.storm = None

    def program(self, name):
        return os.path.abspath(os.path.join(self.options.folder, name))

    def wrong(self, text):
        self.wrongs.append(text)
        print(f"WRONG: {text}", flush=True)
        if len(self.wrongs) >= WRONGS_MAX:
            sys.exit("That is enough.")

    def plan(self):
        options = self.options
        return storm.plan(options.seed, options.seconds, options.kills, options.front_kills,
                          self.pool.targets())

    def precompute(self):
        reference = work.Reference(self.program("meantime-server"), self.home)
        entries = work.table_new(self.options.seed, reference)
        dice = random.Random(self.options.seed)
        self.last = work.random_entry(dice, int(reference.rate * LAST_S))
        self.last["units"] = reference.answer(self.last)
        reference.close()
        entries.sort(key=lambda entry: entry["count"])
        for name, some in (SMALL, entries[:len(entries) // 2]), (ALL, entries):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
                json.dump(some, file)

    def start_clients(self):
        endpoints = [self.pool.endpoint(name, CLIENTS_PORT) for name in FRONTS]
        for number, (table, program) in enumerate(CLIENTS, 1):
            self.clients.append(work.ClientProcess(
                f"client-{number}", self.home, self.folder,
                [os.path.join(self.folder, table), str(self.options.seed + number),
                 str(self.options.limit_s), self.program(program) if program else "-",
                 *endpoints]))

    def listen(self):
        """To clients and servers."""
        for client in self.clients:
            for news in client.news():
                self.answers.take(news)
        while self.answers.wrongs:
            self.wrong(self.answers.wrongs.pop())
        for server in self.pool.servers.values():
            server.watch()
        self.watch.step()

    def listen_until(self, done, limit_s):
        """False: the time is over."""
        until = time.monotonic() + limit_s
        while not done():
            if time.monotonic() > until:
                return False
            self.listen()
            time.sleep(TICK_S)
        return True

    def whole(self):
        return not self.watch.missing(self.pool)

    def await_whole(self, when):
        """Every worker has joined whom it should."""
        self.watch.forget()
        began_at = time.monotonic()
        if not self.listen_until(self.whole, JOINED_LIMIT_S):
            self.wrong(f"{when} these had not joined: {', '.join(self.watch.missing(self.pool))}")
        return time.monotonic() - began_at

    def rage(self):
        self.storm = storm.Storm(self.plan(), {**self.pool.servers, **self.pool.links})
        tell_at = TELL_S
        while self.storm.step():
            self.listen()
            if self.storm.seconds() > tell_at:
                tell_at += TELL_S
                print(report.so_far(self), flush=True)
            time.sleep(TICK_S)
        self.storm_s = self.storm.seconds()

    def end_clients(self):
        for client in self.clients:
            client.finish()
        if not self.listen_until(lambda: all(client.process.poll() is not None
                                             for client in self.clients), self.options.limit_s):
            self.wrong("clients wait for answers still, long after the last fault")
        self.listen()
        for client in self.clients:
            if client.process.poll() != 0:
                self.wrong(f"{client.name} ended with {client.process.poll()}:\n"
                           f"{client.said_last()}")

    def samples(self):
        """Summed by each worker, now."""
        self.watch.forget()
        self.listen_until(self.whole, JOINED_LIMIT_S)
        return self.watch.samples()

    def took_part(self, name):
        """Who did in one more request of a front, and of whom."""
        before = self.samples()
        line = Line(self.pool.endpoint(name, CLIENTS_PORT))
        units = work.ask(line, self.last, LAST_LIMIT_S)
        line.close()
        if units != self.last["units"]:
            self.wrong(f"after the storm {name} answered {self.last} with {units}")
        after = self.samples()
        workers = {worker for worker in after if worker[0] in (name, MIDDLE)}
        return {worker for worker in workers if after[worker] != before.get(worker)}, workers

    def ask_last(self, name):
        """All that have joined a front take part in its work."""
        active = set()
        for _ in range(LAST_TRIES):
            more, workers = self.took_part(name)
            active |= more
            if active >= workers:
                return len(workers)
        self.wrong(f"in the last requests of {name} these had no part: {workers - active}")
        return len(active)

    def end_servers(self):
        """Workers first."""
        ended = 0
        for server in reversed(self.pool.servers.values()):
            server.ending = True
            server.send(signal.SIGTERM)
            wrongs = len(self.wrongs)
            for _ in server.ended(0):
                time.sleep(TICK_S)
            ended += len(self.wrongs) == wrongs
        return ended

    def run(self):
        self.precompute()
        self.pool.start(self.options.seed)
        self.watch = Watch(self.pool)
        self.await_whole("before the storm")
        self.start_clients()
        if not self.listen_until(lambda: self.answers.count, self.options.limit_s):
            self.wrong("before the storm no request was answered")
        self.answers.begin()
        self.rage()
        self.whole_s = self.await_whole("after the storm")
        self.end_clients()
        self.pool.mend()
        self.last_workers = {name: self.ask_last(name) for name in FRONTS}
        self.ended = self.end_servers()
        print(report.table(self))
        return not self.wrongs
