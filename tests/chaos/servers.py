"""Starts, watches and harms the servers of the pool."""
import contextlib
import glob
import os
import re
import signal
import subprocess
import time

import machines

# A server fails if it prints one of these words, or if it ends without a signal from the test.
BAD_WORDS = re.compile(r"Sanitizer:|runtime error:|[Aa]ssertion|stack smashing|corrupted")

EXIT_KILLED = -signal.SIGKILL
EXIT_STOPPED = 1  # after a second SIGTERM

LAST_LINES = 15
ENDED_IN_S = 30


class Server:
    """A server of the pool. Each restart replaces its process.

    command: the command line. wrong(text): reports a failure.
    """

    def __init__(self, name, machine, command, log_path, wrong):
        self.name = name
        self.machine = machine
        self.command = command
        self.wrong = wrong
        self.log_path = log_path
        self.log_began_at = 0  # where the current process began to write, in bytes
        self.log_at = 0  # how much of the log has been read, in bytes
        self.process = None
        self.ending = False  # the test ends the process and waits for it
        self.started = 0
        self.helpers_harmed = 0
        self.joined = 0  # how many of the ended processes had joined a front

    def start(self):
        with open(self.log_path, "ab") as log:
            self.log_began_at = log.tell()
            self.process = machines.start(self.command, self.machine, stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log)
        self.started += 1
        self.ending = False

    def send(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self):
        self.ending = True
        self.send(signal.SIGKILL)

    def running(self):
        return self.process.poll() is None

    def read_log(self):
        """Returns what the process has printed since the last call."""
        with open(self.log_path, "rb") as log:
            log.seek(self.log_at)
            printed = log.read()
        self.log_at += len(printed)
        return printed.decode(errors="replace")

    def check_end(self, codes):
        """The process has ended. Its exit code must be one of codes."""
        text = self.read_log()
        self.joined += "joined tcp" in text
        code = self.process.returncode
        if code not in codes or BAD_WORDS.search(text):
            last = "\n        ".join(text.splitlines()[-LAST_LINES:])
            self.wrong(f"{self.name} (process {self.process.pid}) ended with {code}; its last lines:"
                       f"\n        {last}")

    def watch(self):
        """Reports and restarts a process that ended although the test did not end it."""
        if not self.ending and not self.running():
            self.check_end(())
            self.start()

    # Faults of a server. Each is a generator that yields while it waits.

    def up(self):
        """Waits until the server prints its endpoint. It handles signals from then on."""
        while self.running() and os.path.getsize(self.log_path) == self.log_began_at:
            yield

    def ended(self, *codes):
        limit_at = time.monotonic() + ENDED_IN_S
        while self.running():
            if time.monotonic() > limit_at:
                self.wrong(f"{self.name} (process {self.process.pid}) still runs {ENDED_IN_S} s after "
                           "SIGTERM")
                self.send(signal.SIGKILL)
                self.process.wait()
                codes = (EXIT_KILLED,)
            yield
        self.check_end(codes)

    def do_kill(self, pause_s):
        self.kill()
        yield from self.ended(EXIT_KILLED)
        yield from pause(pause_s)
        self.start()

    def do_freeze(self, pause_s):
        self.send(signal.SIGSTOP)
        yield from pause(pause_s)
        self.send(signal.SIGCONT)

    def do_freeze_and_kill(self, pause_s):
        self.send(signal.SIGSTOP)
        yield from pause(pause_s)
        yield from self.do_kill(0)

    def do_drain(self, pause_s):
        yield from self.up()
        self.ending = True
        self.send(signal.SIGTERM)
        yield from self.ended(0)
        yield from pause(pause_s)
        self.start()

    def do_hurry(self, pause_s):
        """Sends two SIGTERMs. The server may end before the second one."""
        yield from self.up()
        self.ending = True
        self.send(signal.SIGTERM)
        yield from pause(pause_s)
        self.send(signal.SIGTERM)
        yield from self.ended(0, EXIT_STOPPED)
        self.start()


    # Faults of a helper process: one that the server has at this moment, if there is any.

    def offers(self):
        """Waits until the server offers its summand. Before, a lost helper ends the server."""
        while self.running():
            with open(self.log_path, "rb") as log:
                log.seek(self.log_began_at)
                if b"\nSummand " in b"\n" + log.read():
                    return
            yield

    def send_helper(self, number):
        """Returns the process number of the helper, or None."""
        helpers = helpers_of(self.process.pid)
        if helpers:
            kill_if_alive(helpers[0], number)
        return helpers[0] if helpers else None

    def do_kill_helper(self, pause_s):
        yield from self.offers()
        self.helpers_harmed += self.send_helper(signal.SIGKILL) is not None
        yield from pause(pause_s)

    def do_crash_helper(self, pause_s):
        yield from self.offers()
        self.helpers_harmed += self.send_helper(signal.SIGSEGV) is not None
        yield from pause(pause_s)

    def do_freeze_helper(self, pause_s):
        yield from self.offers()
        helper = self.send_helper(signal.SIGSTOP)
        self.helpers_harmed += helper is not None
        yield from pause(pause_s)
        if helper:
            kill_if_alive(helper, signal.SIGCONT)


def helpers_of(server):
    """Returns the helper processes of a server. Its threads are their parents."""
    helpers = []
    for file in glob.glob(f"/proc/{server}/task/*/children"):
        with contextlib.suppress(OSError), open(file, encoding="ascii") as children:
            helpers += [int(word) for word in children.read().split()]
    return helpers


def kill_if_alive(process, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


class Cable:
    """The cable between a machine and the switch."""

    def __init__(self, network, machine):
        self.name = machine.name
        self.network = network
        self.machine = machine

    def do_cut(self, pause_s):
        self.network.cut(self.machine)
        yield from pause(pause_s)
        self.network.reconnect(self.machine)

    def do_unplug(self, pause_s):
        self.network.unplug(self.machine)
        yield from pause(pause_s)
        self.network.plug_in(self.machine)


def pause(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
