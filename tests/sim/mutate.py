#!/usr/bin/env python3
"""Checks that a simulator catches mistakes. Builds each mutant of its file of mutants in a copy of
the sources, and runs schedules until one fails.

    mutate.py [--compiler CC] [--jobs N] [--session] [--each N] [WORD...]

--session: use the simulator of a client's session instead of the pool's. WORD: only mutants whose
reason contains one of these words. --each N: only each Nth mutant. Exit code 1 if a mutant is not caught, or if its text is not found
exactly once in the sources; 77 if there is no compiler.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUMS = ["sums/stream.c", "sums/total.c", "sums/ieee.c", "sums/wide.c", "sums/exact_total.c", "sums/moments.c",
        "proto/outputs.c"]
CORES = ["dispatcher", "assign", "answers", "dispatcher_status", "queue", "workers", "spans", "membership",
         "skills", "terms", "rate", "audits"]
MACHINERY = ["main", "batch", "agenda", "tally", "trace"]
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-O1", "-ffp-contract=off", "-w"]

# First seed and number of schedules. Few schedules come first, because they show most mistakes.
SEEDS = ["1:100", "101:900", "1001:9000", "10001:40000"]

# A core in an endless loop counts as caught. A schedule takes about 2.5 ms, longer on a busy machine.
LIMIT_S = 60
LIMIT_SCHEDULE_S = 0.05


def sim_files(folder):
    return [str(path.relative_to(ROOT)) for path in sorted((ROOT / folder).glob("*.c"))]


@dataclass
class Simulator:
    mutants: str
    sources: list
    seeds: list
    link_flags: list


POOL = Simulator("tests/sim/pool/mutants",
                 [f"server/core/{core}.c" for core in CORES] + SUMS + sim_files("tests/sim/pool") +
                 [f"tests/sim/{name}.c" for name in MACHINERY] +
                 ["tests/support/invariants.c"], SEEDS, [])
SESSION = Simulator("tests/sim/session/mutants",
                    [f"client/lib/{name}.c" for name in ["exchange", "requests", "session", "meantime", "totals"]] +
                    SUMS + [f"tests/sim/{name}.c" for name in MACHINERY] +
                    sim_files("tests/sim/session"), SEEDS + ["50001:450000"],
                    ["-Wl,--wrap=exchange_step"])


@dataclass
class Mutant:
    path: str
    reason: str
    old: str
    new: str


def read_mutants(text):
    mutants = []
    for part in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n", "", text).strip()):
        head, *lines = part.splitlines()
        path, reason = head.split(": ", 1)
        sides = ["\n".join(line[1:] for line in lines if line[0] == sign) for sign in "-+"]
        mutants.append(Mutant(path, reason, *sides))
    return mutants


def compile_object(compiler, source, target):
    subprocess.run([compiler, *FLAGS, f"-I{ROOT}", "-c", source, "-o", target], check=True)


def build_base(compiler, sources, folder):
    """Objects of all sources by their paths."""
    objects = {}
    for path in sources:
        objects[path] = folder / (path.replace("/", "_") + ".o")
        compile_object(compiler, ROOT / path, objects[path])
    return objects


def run_out(program, seeds):
    """Its output and exit code, or None if it takes too long. Its child processes end with it."""
    limit_s = LIMIT_S + int(seeds.split(":")[1]) * LIMIT_SCHEDULE_S
    process = subprocess.Popen([program, "--until-failure", "--seeds", seeds], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        return process.communicate(timeout=limit_s)[0], process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None


def seen_by(program, some):
    """The report of the first failing schedule, or None if none fails."""
    for seeds in some:
        ended = run_out(program, seeds)
        if not ended:
            return "it hangs"
        printed, status = ended
        if status != 0:
            lines = printed.splitlines()
            wrong = [line for line in lines if line.startswith("seed ") or "Assertion" in line]
            return re.sub(r"^.*(Assertion|: )", r"\1", wrong[0]).lstrip(": ") if wrong else "it fails"
    return None


def link(compiler, simulator, objects, program):
    subprocess.run([compiler, *simulator.link_flags, *objects.values(), "-o", program, "-lm"],
                   check=True)


def run(mutant, compiler, simulator, objects, folder):
    """(True if the mutant is caught, a text about it)"""
    text = (ROOT / mutant.path).read_text()
    if text.count(mutant.old) != 1:
        return False, f"stands {text.count(mutant.old)} times in {mutant.path}"
    source, program = folder / mutant.path, folder / "sim"
    source.parent.mkdir(parents=True)
    source.write_text(text.replace(mutant.old, mutant.new))
    changed = {**objects, mutant.path: folder / "mutant.o"}
    compile_object(compiler, source, changed[mutant.path])
    link(compiler, simulator, changed, program)
    seen = seen_by(program, simulator.seeds)
    return seen is not None, seen or "NOT CAUGHT"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", default="cc")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--session", action="store_true")
    parser.add_argument("--each", type=int, default=1)
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    if not shutil.which(arguments.compiler):
        print(f"SKIP: there is no {arguments.compiler}")
        sys.exit(77)
    simulator = SESSION if arguments.session else POOL
    mutants = read_mutants((ROOT / simulator.mutants).read_text())
    mutants = [m for m in mutants if not arguments.words or
               any(word in m.reason for word in arguments.words)][::arguments.each]
    caught = 0
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(arguments.jobs) as pool:
        folder = Path(name)
        objects = build_base(arguments.compiler, simulator.sources, folder)
        link(arguments.compiler, simulator, objects, folder / "sim")
        seen = seen_by(folder / "sim", SEEDS[:1])
        if seen:
            sys.exit(f"mutate.py: the cores fail as they are: {seen}")
        results = [pool.submit(run, mutant, arguments.compiler, simulator, objects, folder / str(i))
                   for i, mutant in enumerate(mutants)]
        for mutant, result in zip(mutants, results):
            right, text = result.result()
            caught += right
            print(f"{'caught' if right else 'MISSED'}  {mutant.path}: {mutant.reason}\n"
                  f"        {text}", flush=True)
    print(f"{caught} of {len(mutants)} caught")
    sys.exit(0 if caught == len(mutants) else 1)


if __name__ == "__main__":
    main()
