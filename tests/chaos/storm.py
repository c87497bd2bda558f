"""Makes a plan of faults from a seed, and carries it out."""
import collections
import dataclasses
import math
import random
import time

# Front kills fall into the first STORMY_S of each period. In the rest of the period, long requests
# have a front that stays alive. A restarted server starts with empty state.
PERIOD_S = 8.0
STORMY_S = 5.0

# After a fault, its target has no fault for this time, so that it can start, join and compute.
REST_S = 0.15


@dataclasses.dataclass(frozen=True)
class Fault:
    at_s: float
    target: str
    what: str
    pause_s: float


# Faults besides the kills: what, targets, rate per second, and range of the pause in seconds.
RATES = (
    ("kill", "middle", 0.3, (0.001, 0.3)),
    ("freeze", "server", 0.7, (0.1, 4.0)),
    ("freeze_and_kill", "worker", 0.2, (0.1, 1.0)),
    ("drain", "server", 0.4, (0.001, 0.3)),
    ("hurry", "server", 0.1, (0.001, 0.1)),
    ("cut", "cable", 0.25, (0.1, 5.0)),
    ("unplug", "cable", 0.25, (0.1, 5.0)),
    ("kill_helper", "offering", 1.0, (0.001, 0.1)),
    ("crash_helper", "offering", 1.0, (0.001, 0.1)),
    ("freeze_helper", "offering", 0.7, (0.1, 4.0)),
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
    """targets: lists of names, for "worker", "front", "middle", "server", "cable" and "offering"."""
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
    """Carries out a plan. The faults of one target happen in order; targets are independent."""

    def __init__(self, faults, targets):
        self.began_at = time.monotonic()
        self.done = collections.Counter()  # faults done, by (target, what)
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
        """Does what is due. Returns False when the plan is finished."""
        self.scripts = [script for script in self.scripts if next(script, self) is not self]
        return bool(self.scripts)

    def seconds(self):
        return time.monotonic() - self.began_at
