"""What goes wrong when: a plan, which is a function of the seed, and the carrying out."""
import collections
import dataclasses
import math
import random
import time

# Fronts die in the first part of each period alone: long requests need one that lives. Servers hold
# nothing that a restart would find.
PERIOD_S = 8.0
STORMY_S = 5.0

# After a fault a server is left alone so long, to start, join and compute.
REST_S = 0.15


@dataclasses.dataclass(frozen=True)
class Fault:
    at_s: float
    target: str
    what: str
    pause_s: float


# Faults that come so many times a second, whatever the number of kills: what, targets, rate, pause.
RATES = (
    ("kill", "middle", 0.3, (0.001, 0.3)),
    ("freeze", "server", 0.7, (0.1, 4.0)),
    ("freeze_and_kill", "worker", 0.2, (0.1, 1.0)),
    ("drain", "server", 0.4, (0.001, 0.3)),
    ("hurry", "server", 0.1, (0.001, 0.1)),
    ("cut", "link", 0.25, (0.1, 5.0)),
    ("unplug", "link", 0.25, (0.1, 5.0)),
)
RESTART_S = (0.001, 0.2)


def log_uniform(dice, least, most):
    return math.exp(dice.uniform(math.log(least), math.log(most)))


def some_time(dice, seconds):
    return dice.uniform(0, seconds)


def some_stormy_time(dice, seconds):
    period, rest = divmod(some_time(dice, seconds), PERIOD_S)
    return PERIOD_S * period + STORMY_S * rest / PERIOD_S


def plan(seed, seconds, worker_kills, front_kills, targets):
    """targets: names, by "worker", "front", "middle", "server" and "link"."""
    dice = random.Random(seed)
    faults = []

    def add(count, kind, what, pause_s):
        when = some_stormy_time if kind == "front" else some_time
        for _ in range(count if targets[kind] else 0):
            faults.append(Fault(when(dice, seconds), dice.choice(targets[kind]), what,
                                log_uniform(dice, *pause_s)))

    add(worker_kills, "worker", "kill", RESTART_S)
    add(front_kills, "front", "kill", RESTART_S)
    for what, kind, rate, pause_s in RATES:
        add(math.ceil(rate * seconds), kind, what, pause_s)
    return sorted(faults, key=lambda fault: fault.at_s)


class Storm:
    """Carries out a plan: what is meant for one target in order, and what is meant for different
    ones at the same time."""

    def __init__(self, faults, targets):
        self.began_at = time.monotonic()
        self.done = collections.Counter()  # by target's name and what
        self.scripts = [self.script(target, [fault for fault in faults if fault.target == name])
                        for name, target in targets.items()]

    def script(self, target, faults):
        rest_until = 0.0
        for fault in faults:
            while time.monotonic() < max(self.began_at + fault.at_s, rest_until):
                yield
            yield from getattr(target, f"do_{fault.what}")(fault.pause_s)
            self.done[fault.target, fault.what] += 1
            rest_until = time.monotonic() + REST_S

    def step(self):
        """Does what is due. False: all is done."""
        self.scripts = [script for script in self.scripts if next(script, self) is not self]
        return bool(self.scripts)

    def seconds(self):
        return time.monotonic() - self.began_at
