"""Runs a trial of a pool: computes sums, starts clients, carries out the faults, checks the pool."""
import json
import os
import random
import signal
import sys
import time

import report
import storm
import work
from pool import CLIENTS_PORT, FRONTS, MIDDLE, SUMMAND, Pool, Watch
from wire import Connection

# Files of requests: of samples, the smaller half of them, and of a summand.
ALL, SMALL, TERMS = "table.json", "small.json", "terms.json"

# Each client's file of requests and its program. "": client.py sends two requests at a time.
# One client sends only small requests. Its longest time without an answer shows how long the fronts
# served no client.
CLIENTS = ((SMALL, ""), (ALL, ""), (ALL, ""), (ALL, "meantime"), (ALL, "meantime"))
CLIENTS_OF_SUMMANDS = ((TERMS, "meantime"), (TERMS, "meantime"))

TICK_S = 0.005
REPORT_S = 10.0
LAST_S = 1.5  # the size of the last request, in seconds of one core; all workers compute it

# Limits for slow machines.
JOINED_LIMIT_S = 60
LAST_LIMIT_S = 120

# Attempts of the last request. On a busy machine, a front may lose a worker in the middle of it.
LAST_ATTEMPTS = 3

WRONGS_MAX = 20


class Trial:
    def __init__(self, options, network, folder):
        self.options = options
        self.folder = folder
        self.wrongs = []
        self.home = getattr(network, "home", None) or network.machine("home")
        self.pool = Pool(network, self.program("meantime-server"),
                         ["--heartbeat-ms", str(options.heartbeat_ms),
                          "--span-us", str(options.span_us)], self.summand(), folder, self.wrong)
        self.clients = []
        self.answers = work.Answers()
        self.storm = None

    def program(self, name):
        return os.path.abspath(os.path.join(self.options.folder, name))

    def summand(self):
        folder = self.options.summands
        return folder and os.path.abspath(os.path.join(folder, f"{SUMMAND}.so"))

    def wrong(self, text):
        self.wrongs.append(text)
        print(f"WRONG: {text}", flush=True)
        if len(self.wrongs) >= WRONGS_MAX:
            sys.exit(f"{WRONGS_MAX} failures: the trial ends.")

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
        terms = work.terms_new(self.options.seed, self.program, self.home, self.summand())
        for name, some in (SMALL, entries[:len(entries) // 2]), (ALL, entries), (TERMS, terms):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
                json.dump(some, file)

    def start_clients(self):
        endpoints = [self.pool.endpoint(name, CLIENTS_PORT) for name in FRONTS]
        clients = CLIENTS + (CLIENTS_OF_SUMMANDS if self.options.summands else ())
        for number, (table, program) in enumerate(clients, 1):
            self.clients.append(work.ClientProcess(
                f"client-{number}", self.home, self.folder,
                [os.path.join(self.folder, table), str(self.options.seed + number),
                 str(self.options.limit_s), self.program(program) if program else "-",
                 *endpoints]))

    def take_events(self):
        """Takes the events of clients and servers."""
        for client in self.clients:
            for event in client.events():
                self.answers.take(event)
        while self.answers.failures:
            self.wrong(self.answers.failures.pop())
        for server in self.pool.servers.values():
            server.watch()
        self.watch.step()

    def wait_until(self, done, limit_s):
        """Returns False after limit_s seconds."""
        until = time.monotonic() + limit_s
        while not done():
            if time.monotonic() > until:
                return False
            self.take_events()
            time.sleep(TICK_S)
        return True

    def whole(self):
        return not self.watch.missing(self.pool)

    def await_whole(self, when):
        """Waits until every worker has joined its fronts. Returns the seconds."""
        self.watch.forget()
        began_at = time.monotonic()
        if not self.wait_until(self.whole, JOINED_LIMIT_S):
            self.wrong(f"{when} these had not joined: {', '.join(self.watch.missing(self.pool))}")
        return time.monotonic() - began_at

    def answered(self):
        return self.answers.count and (self.answers.of_summands or not self.options.summands)

    def run_storm(self):
        self.storm = storm.Storm(self.plan(), {**self.pool.servers, **self.pool.cables})
        report_at = REPORT_S
        while self.storm.step():
            self.take_events()
            if self.storm.seconds() > report_at:
                report_at += REPORT_S
                print(report.so_far(self), flush=True)
            time.sleep(TICK_S)
        self.storm_s = self.storm.seconds()

    def end_clients(self):
        for client in self.clients:
            client.finish()
        if not self.wait_until(lambda: all(client.process.poll() is not None
                                             for client in self.clients), self.options.limit_s):
            self.wrong(f"clients have no answer {self.options.limit_s:.0f} s after the last fault")
        self.take_events()
        for client in self.clients:
            if client.process.poll() != 0:
                self.wrong(f"{client.name} ended with {client.process.poll()}:\n"
                           f"{client.last_lines()}")

    def samples(self):
        """Returns the samples that each worker has summed until now."""
        self.watch.forget()
        self.wait_until(self.whole, JOINED_LIMIT_S)
        return self.watch.samples()

    def took_part(self, name):
        """Sends one request to a front. Returns the workers that computed, and all workers."""
        before = self.samples()
        connection = Connection(self.pool.endpoint(name, CLIENTS_PORT))
        units = work.ask(connection, self.last, LAST_LIMIT_S)
        connection.close()
        if units != self.last["units"]:
            self.wrong(f"after the storm {name} answered {self.last} with {units}")
        after = self.samples()
        workers = {worker for worker in after if worker[0] in (name, MIDDLE)}
        return {worker for worker in workers if after[worker] != before.get(worker)}, workers

    def ask_last(self, name):
        """Checks that all workers of a front compute its last request."""
        active = set()
        for _ in range(LAST_ATTEMPTS):
            more, workers = self.took_part(name)
            active |= more
            if active >= workers:
                return len(workers)
        self.wrong(f"these workers computed nothing of {name}'s last requests: {workers - active}")
        return len(active)

    def end_servers(self):
        """Stops the servers, workers first. Returns how many exited with 0."""
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
        if not self.wait_until(self.answered, self.options.limit_s):
            self.wrong("before the storm no request was answered")
        self.answers.begin()
        self.run_storm()
        self.whole_s = self.await_whole("after the storm")
        self.end_clients()
        self.pool.end_delays()
        self.last_workers = {name: self.ask_last(name) for name in FRONTS}
        self.ended = self.end_servers()
        print(report.table(self))
        return not self.wrongs
