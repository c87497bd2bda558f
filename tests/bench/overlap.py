#!/usr/bin/env python3
"""Measures how much of the wait `meantime async`, the library and other ways of the same job hide.

usage: overlap.py FOLDER-OF-THE-PROGRAMS [ROUNDS] [--with-peers] [--json]

The job has two sums: a server sums Gaussian samples, and the program sums uniform samples. Both take about as long:
1 s each, and 50 ms each. In each round every version does
    remote   only the server's sum, and waits for it
    local    only its own sum: without looks, and in C without slices (but for `meantime`)
    both     both sums at the same time
The ratio of a version is its time for both, divided by the longer of remote and local of the same round. Each version
measures its own time, from the request to the last sum. With libzmq and in Python the time includes the connection. The
tables show medians over the rounds, the least and the most. The versions take turns within a round. Every second round
reverses their order, so that disturbances affect all versions alike. The output also shows the CPU time of others.

The server is elsewhere: a peer that computes nothing on this machine and answers after a set time. The client then has
all cores. Or the server is on the other core: server and client have one core each. Then two plain processes, one that
waits for the server and one that sums, show what the two cores can do, and the table compares each ratio with theirs.
If the cores are two threads of one physical core, each slows the other.

The benchmark checks meantime's sums to the bit, and Python's sums by their mean and standard deviation.
--json prints one object on stdout; the tables then go to stderr.
"""
import argparse
import collections
import contextlib
import json
import math
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time

import zmq

HERE = os.path.dirname(os.path.abspath(__file__))
TEACHING_SERVER = os.path.join(HERE, "..", "interop", "teaching", "server.py")
TEACHING_CLIENT = os.path.join(HERE, "overlap", "teaching.py")

# Seconds of work: the largest ratio allowed, and the measurements per round.
WORK = {1.0: (1.01, 1), 0.05: (1.05, 3)}

SEED = 1
WAYS = "remote", "local", "both"
START_S = 0.5  # all processes of a measurement start within this time
LIMIT_S = 60
SIGMAS_MAX = 6  # a sum farther from its mean is wrong
GAUSSIAN_UNIT = 2.0**-49

Done = collections.namedtuple("Done", "seconds remote local")  # remote, local: the sums

# One job in one place. endpoint, port: of the server for meantime, and of that for the teaching example. Cores are
# None, too, where the server is elsewhere.
Job = collections.namedtuple("Job", "work elsewhere endpoint port core server_core samples teaching")
Samples = collections.namedtuple("Samples", "gaussian uniform gaussian_sum uniform_sum", defaults=(None, None))

# This script places the processes. Other MPIs than Open MPI ignore these settings.
MPI_SETTINGS = {
    "OMPI_MCA_btl": "self,vader",
    "OMPI_MCA_plm": "isolated",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
}
MPI_AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def pinned(core, command):
    return command if core is None else ["taskset", "-c", str(core), *command]


# ---- servers ----


class Servers:
    """The rates of samples on one core of this machine."""

    def __init__(self, core):
        self.core, self.started = core, []

    def start(self, says, *command):
        process = subprocess.Popen(pinned(self.core, list(command)), stdout=subprocess.PIPE, text=True)
        self.started.append(process)
        line = process.stdout.readline()
        if not (found := re.match(says, line)):
            sys.exit(f"{' '.join(command)} prints no endpoint: {line!r}")
        return found[1]

    def native(self, folder):
        return self.start(r"Listening on (\S+) ", os.path.join(folder, "meantime-server"), "--bind",
                          "tcp://127.0.0.1:*", "--threads", "1")

    def teaching(self, samples):
        return self.start(r"Serving on port (\d+)\.", sys.executable, TEACHING_SERVER, "0", str(samples))

    def close(self):
        for process in self.started:
            process.terminate()
            process.wait()


class Elsewhere(threading.Thread):
    """Simulates a server on another machine. It computes nothing: a request of N samples gets N units after N
    microseconds."""

    def __init__(self):
        super().__init__(daemon=True)
        import meantime_pb2
        self.wire = meantime_pb2
        self.socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.bind("tcp://127.0.0.1:*")
        self.endpoint = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def run(self):
        while True:
            *envelope, body = self.socket.recv_multipart()
            asked = self.wire.Message.FromString(body).sum_request
            time.sleep(asked.count / 1e6)
            reply = self.wire.SumReply(id=asked.id, count=asked.count, total_low=asked.count, unit_log2=-49)
            answer = self.wire.Message(version=1, sum_reply=reply).SerializeToString()
            self.socket.send_multipart([*envelope, answer])


class TeachingElsewhere(threading.Thread):
    """The same for the teaching example's client. The sum is the number of seconds."""

    def __init__(self, seconds):
        super().__init__(daemon=True)
        self.seconds = seconds
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            with connection:
                time.sleep(self.seconds)
                connection.sendall(str(self.seconds).encode())


# ---- versions ----


def run(command, **settings):
    """Runs a command and returns its output. A timeout ends the benchmark."""
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S, check=False, **settings)
    if ended.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {ended.returncode}")
    return ended.stdout


def read_done(printed):
    return Done(*map(float, printed.split()))


class Version:
    """One way of doing the job."""

    wanted = False  # True: its ratio has a bound
    beside = None   # the name of the two processes to compare with
    missing = None  # the name of a missing tool

    def __init__(self, folder):
        self.folder = folder

    def check(self, way, job, done):
        """Ends the benchmark if a sum is wrong."""
        remote, local = self.expected(job)
        if (way != "local" and done.remote != remote) or (way != "remote" and done.local != local):
            sys.exit(f"{self.name}: the sums must be {remote} and {local}, but are {done}")

    def expected(self, job):
        return self.asked(job) * GAUSSIAN_UNIT if job.elsewhere else job.samples.gaussian_sum, job.samples.uniform_sum

    def asked(self, job):
        """Returns the samples to request."""
        return round(job.work * 1e6) if job.elsewhere else job.samples.gaussian


class CommandLine(Version):
    name, wanted, beside = "meantime async", True, "two processes"

    def __init__(self, folder):
        super().__init__(folder)
        self.looks = collections.defaultdict(list)  # the share of looks in the work, by job

    def do(self, way, job):
        mode = "async" if way == "both" else "serial"
        gaussian = 1 if way == "local" else self.asked(job)
        uniform = 1 if way == "remote" else job.samples.uniform
        found = json.loads(run(pinned(job.core, [
            os.path.join(self.folder, "meantime"), mode, "--json", "--seed", str(SEED), "--connect", job.endpoint,
            "--gaussian", str(gaussian), "--uniform", str(uniform)])))
        seconds = {"remote": found["gaussian"]["seconds"], "local": found["uniform"]["seconds"],
                   "both": found["total_seconds"]}[way]
        if way == "both":
            self.looks[job].append(found["look_seconds"] / found["uniform"]["seconds"])
        return Done(seconds, found["gaussian"]["sum"], found["uniform"]["sum"])


class Session(Version):
    """A version with libmeantime."""

    beside, way = "two processes", None

    def command(self, way, job, start_at_s=0):
        return pinned(job.core, [os.path.join(self.folder, "bench_overlap"), way, job.endpoint, str(self.asked(job)),
                                 str(job.samples.uniform), str(SEED), str(start_at_s)])

    def do(self, way, job):
        return read_done(run(self.command(self.way if way == "both" else way, job)))


class Overlap(Session):
    name, wanted, way = "meantime_overlap()", True, "overlap"


class Threads(Session):
    name, way = "two threads", "threads"


class Mpi(Version):
    name, beside = "MPI_Iprobe", "two processes"

    def __init__(self, folder):
        super().__init__(folder)
        self.program = os.path.join(folder, "bench_overlap_mpi")
        self.settings = dict(os.environ, **MPI_SETTINGS, **(MPI_AS_ROOT if os.geteuid() == 0 else {}))
        self.missing = next((f"no {tool}" for tool in ("mpicc", "mpirun") if not shutil.which(tool)), None)
        if not self.missing and not os.path.exists(self.program):
            self.missing = "not built, --with-peers does it"

    def do(self, way, job):
        server = "sleeps" if job.elsewhere else "sums"
        command = [self.program, "iprobe" if way == "both" else way, server, str(self.asked(job)),
                   str(job.samples.uniform), str(SEED), "0"]
        ranks = ["mpirun", "-n", "1", *pinned(job.core, command)]
        if way != "local":
            ranks += [":", "-n", "1", *pinned(job.server_core, command)]
        return read_done(run(ranks, env=self.settings))


class Teaching(Version):
    name, beside = "Python's asyncio", "two of Python"

    def command(self, way, job, start_at_s=0):
        return pinned(job.core, [sys.executable, TEACHING_CLIENT, way, str(job.port), str(job.teaching.uniform),
                                 str(start_at_s)])

    def do(self, way, job):
        return read_done(run(self.command(way, job)))

    def check(self, way, job, done):
        count = job.teaching.uniform
        if way != "local" and job.elsewhere and done.remote != job.work:
            sys.exit(f"{self.name}: the server's sum must be {job.work}, but is {done.remote}")
        if way != "local" and not job.elsewhere:
            self.check_sigmas("server's sum", done.remote / math.sqrt(job.teaching.gaussian))
        if way != "remote":
            self.check_sigmas("own sum", (done.local - count / 2) / math.sqrt(count / 12))

    def check_sigmas(self, what, sigmas):
        if not abs(sigmas) <= SIGMAS_MAX:
            sys.exit(f"{self.name}: the {what} is {sigmas:.1f} standard deviations from its mean")


class SideBySide:
    """Both sums at the same time in two processes. One process only waits for the server."""

    def do(self, way, job):
        if way != "both":
            return read_done(run(self.command(way, job)))
        start_at_s = time.monotonic() + START_S
        waiting = subprocess.Popen(self.command("remote", job, start_at_s), stdout=subprocess.PIPE, text=True)
        local = read_done(run(self.command("local", job, start_at_s)))
        printed, _ = waiting.communicate(timeout=LIMIT_S)
        if waiting.returncode != 0:
            sys.exit(f"{self.name}: the waiting process ended with {waiting.returncode}")
        remote = read_done(printed)
        return Done(max(remote.seconds, local.seconds), remote.remote, local.local)


class TwoProcesses(SideBySide, Session):
    name, beside = "two processes", None


class TwoOfPython(SideBySide, Teaching):
    name, beside = "two of Python", None


# ---- jobs ----


def native_samples(folder, endpoint, core, work):
    """Returns the samples for sums of the wanted duration, and the sums."""
    counts = [10**8, 10**8]
    for _ in range(3):
        found = json.loads(run(pinned(core, [
            os.path.join(folder, "meantime"), "serial", "--json", "--seed", str(SEED), "--connect", endpoint,
            "--gaussian", str(counts[0]), "--uniform", str(counts[1])])))
        samples = Samples(*counts, found["gaussian"]["sum"], found["uniform"]["sum"])
        counts = [round(found[kind]["count"] * work / found[kind]["seconds"]) for kind in ("gaussian", "uniform")]
    return samples


def teaching_samples(folder, servers, core, work):
    trial = Samples(300_000, 1_000_000)
    job = Job(None, False, None, servers.teaching(trial.gaussian), core, None, None, trial)
    seconds = [Teaching(folder).do(way, job).seconds for way in ("remote", "local")]
    return Samples(*(round(count * work / took) for count, took in zip(trial, seconds)))


def jobs(folder, servers, core):
    """Returns the jobs, those with a simulated server first."""
    endpoint, elsewhere = servers.native(folder), Elsewhere()
    elsewhere.start()
    here, there = [], []
    for work in WORK:
        samples = native_samples(folder, endpoint, core, work)
        teaching = teaching_samples(folder, servers, core, work)
        port = servers.teaching(teaching.gaussian)
        here.append(Job(work, False, endpoint, port, core, servers.core, samples, teaching))
        away = TeachingElsewhere(work)
        away.start()
        there.append(Job(work, True, elsewhere.endpoint, away.port, None, None, samples, teaching))
    return there + here


# ---- measuring ----


def measure(version, job):
    """Returns the measurements of one round."""
    found = {}
    for way in WAYS:
        done = version.do(way, job)
        version.check(way, job, done)
        found[way] = done.seconds
    found["ratio"] = found["both"] / max(found["remote"], found["local"])
    return found


def versions_of(job, versions):
    return [each for each in versions if not (each.missing or (job.elsewhere and isinstance(each, SideBySide)))]


def measure_round(job, versions, number, rounds):
    turns = versions_of(job, versions)
    found = {each.name: measure(each, job) for each in (turns if number % 2 == 0 else reversed(turns))}
    for each in turns:
        if each.beside in found:
            found[each.name]["beside"] = found[each.name]["ratio"] / found[each.beside]["ratio"]
        rounds[job][each.name].append(found[each.name])


def measure_all(all_jobs, versions, count):
    rounds = {job: collections.defaultdict(list) for job in all_jobs}
    for number in range(count):
        for job in all_jobs:
            for again in range(WORK[job.work][1]):
                measure_round(job, versions, number + again, rounds)
    return rounds


def busy_seconds():
    """Returns the CPU times of all cores since the machine started."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _, _, interrupts, soft, stolen = map(int, stat.readline().split()[1:9])
    return (user + nice + system + interrupts + soft + stolen) / os.sysconf("SC_CLK_TCK")


class Disturbance:
    """Measures the share of CPU time that other programs and other virtual machines use."""

    def __init__(self):
        self.busy, self.began_at_s = busy_seconds(), time.monotonic()

    def share(self):
        """Returns the share. All child processes must have ended."""
        ours = os.times()
        others = busy_seconds() - self.busy - (ours.user + ours.system + ours.children_user + ours.children_system)
        return max(others, 0) / ((time.monotonic() - self.began_at_s) * os.cpu_count())


# ---- output ----


def figure(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def row(version, job, found):
    """Returns a row of the table."""
    if version.missing:
        return {"version": version.name, "skipped": version.missing}
    result = {"version": version.name, "rounds": len(found)}
    result |= {what: figure([each[what] for each in found]) for what in found[0]}
    if version.wanted and job.elsewhere:
        result["wanted"] = WORK[job.work][0]
    if isinstance(version, CommandLine):
        result["looks"] = figure(version.looks[job])
    return result


def report(rounds, versions):
    return [{"elsewhere": job.elsewhere, "work": job.work,
             "rows": [row(each, job, found[each.name]) for each in versions
                      if each.missing or each in versions_of(job, versions)]}
            for job, found in rounds.items()]


def spread(value, digits=3):
    return "".join(f"{value[of]:9.{digits}f}" for of in ("median", "least", "most")) if value else ""


def verdict(each):
    if "wanted" not in each:
        return ""
    met = each["ratio"]["median"] <= each["wanted"]
    return f"{each['wanted']:.2f} at most: {'met' if met else 'MISSED'}"


def print_row(each, out):
    print(f"{each['version']:20s}", end="", file=out)
    if "skipped" in each:
        print(f"   skipped: {each['skipped']}", file=out)
        return
    last = spread(each.get("beside")) + verdict(each)
    print("".join(f"{1e3 * each[way]['median']:9.1f}" for way in WAYS), spread(each["ratio"]), last, sep="  ",
          file=out)


def print_table(table, out):
    where = "elsewhere" if table["elsewhere"] else "on the other core"
    rounds = max(each.get("rounds", 0) for each in table["rows"])
    print(f"\nThe server {where}, {1e3 * table['work']:.0f} ms of work on each side, rounds: {rounds}", file=out)
    print(f"{'':20s}{'median, ms':>27s}  {'both / the longer alone':>27s}  "
          f"{'' if table['elsewhere'] else 'that / two processes':>27s}\n{'':20s}"
          + "".join(f"{way:>9s}" for way in WAYS)
          + (f"  {'median':>9s}{'least':>9s}{'most':>9s}") * (1 if table["elsewhere"] else 2), file=out)
    for each in table["rows"]:
        print_row(each, out)
    looks = {of: 100 * value for of, value in table["rows"][0]["looks"].items()}
    print(f"Looks take meantime async {looks['median']:.3f} % ({looks['least']:.3f} to {looks['most']:.3f}) of the "
          "time of its work.", file=out)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="folder of the programs")
    parser.add_argument("rounds", nargs="?", type=int, default=3)
    parser.add_argument("--with-peers", action="store_true", help="also measure MPI, which scripts/bench builds")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("ROUNDS must be 1 or more")
    return arguments


def main():
    arguments = parse_arguments()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        sys.exit("this benchmark needs two cores, one for the server and one for the client")
    out = sys.stderr if arguments.json else sys.stdout
    versions = [kind(arguments.folder)
                for kind in (CommandLine, Overlap, Threads, Mpi, Teaching, TwoProcesses, TwoOfPython)]
    disturbance = Disturbance()
    with contextlib.closing(Servers(cores[0])) as servers:
        rounds = measure_all(jobs(arguments.folder, servers, cores[1]), versions, arguments.rounds)
    found = {"disturbed": disturbance.share(), "tables": report(rounds, versions)}
    print(f"Other programs used {100 * found['disturbed']:.1f} % of the cores' time.", file=out)
    for table in found["tables"]:
        print_table(table, out)
    if arguments.json:
        json.dump(found, sys.stdout, indent=1)
        print()


if __name__ == "__main__":
    main()
