"""Completes command lines in a real shell and compares what it offers with --help.
usage: check.py bash|zsh|fish FOLDER-OF-COMPLETIONS FOLDER-OF-THE-PROGRAMS

Exits with 77 if the shell is not installed.
"""

import os
import pathlib
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent

# Only ends a test that hangs.
PATIENCE_S = 100


def help_of(program, *command):
    return subprocess.run([program, *command, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout


def options(program, *command):
    """Letters, names, and names with a value."""
    found = re.findall(r"^ {2,6}(?:(-\w), )?(--[\w-]+)(=?)", help_of(program, *command), flags=re.M)
    return [(letter, name, bool(value)) for letter, name, value in found]


def commands(program):
    listed = re.search(r"^Commands:\n(.*?)\n\n", help_of(program), flags=re.M | re.S)
    return set(re.findall(r"^  (\w+) ", listed.group(1), flags=re.M)) if listed else set()


class Bash:
    def __init__(self, folder, programs, scratch):
        self.source, self.path = folder / "meantime.bash", f"{programs}:{os.environ['PATH']}"

    def offers(self, line):
        words = shlex.split(line) + ([""] if line.endswith(" ") else [])
        parts = [part for word in words for part in re.split(r"(=)", word) if part or word == ""]
        if line.endswith("="):
            parts = parts[:-1] + ["="]
        script = f"""source {self.source}
            COMP_WORDS=({shlex.join(parts)}) COMP_CWORD={len(parts) - 1}
            _meantime {shlex.join([parts[0], parts[-1], parts[-2]])}
            printf '%s\\n' "${{COMPREPLY[@]}}" """
        run = subprocess.run(["bash", "--norc", "-c", script], stdout=subprocess.PIPE, text=True, check=True,
                             env={**os.environ, "PATH": self.path})
        return {word.rstrip("=") for word in run.stdout.split()}


class Fish:
    def __init__(self, folder, programs, scratch):
        self.source, self.programs, self.home = folder / "meantime.fish", programs, scratch

    def offers(self, line):
        script = f"source {self.source}; set PATH {self.programs} $PATH; complete -C {shlex.quote(line)}"
        run = subprocess.run(["fish", "--no-config", "-c", script], stdout=subprocess.PIPE, text=True, check=True,
                             env={**os.environ, "HOME": self.home})
        offered = {each.split("\t")[0] for each in run.stdout.splitlines()}
        return {re.sub(r"^--[\w-]+=", "", each) for each in offered}


class Zsh:
    """zsh completes only on a terminal."""

    def __init__(self, folder, programs, scratch):
        self.captured = pathlib.Path(scratch) / "captured"
        pid, self.terminal = pty.fork()
        if pid == 0:
            environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "TERM": "dumb",
                           "CAPTURED": str(self.captured), "HOME": scratch}
            os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
        self.send(f"fpath=({folder} $fpath); source {HERE / 'capture.zsh'}; print END >>$CAPTURED\n")
        self.await_end()

    def send(self, text):
        os.write(self.terminal, text.encode())

    def await_end(self):
        os.set_blocking(self.terminal, False)
        screen = b""
        for _ in range(PATIENCE_S * 100):
            try:
                screen += os.read(self.terminal, 65536)
            except BlockingIOError:
                pass
            if self.captured.exists() and self.captured.read_text().endswith("END\n"):
                lines = self.captured.read_text().splitlines()
                self.captured.unlink()
                return set(lines) - {"END"}
            time.sleep(0.01)
        sys.exit(f"zsh does not answer. Its screen:\n{screen.decode(errors='replace')}")

    def offers(self, line):
        self.send(line + "\t")
        return {re.sub(r"^--[\w-]+=", "", word).rstrip("=+") for word in self.await_end()}


def cases(client, server):
    """Yields command lines and what a shell must offer."""
    yield "meantime ", commands(client)
    yield "meantime a", {"async"}
    yield "meantime help s", {"serial", "sum", "status"}
    yield "meantime --quiet co", {"compare"}
    for program, command in [(client, name) for name in ("", *sorted(commands(client) - {"help"}))] + [(server, "")]:
        names = {name for _, name, _ in options(program, *command.split())}
        yield " ".join(f"{pathlib.Path(program).name} {command} --".split()), names
        yield " ".join(f"{program} {command} --h".split()), {name for name in names if name.startswith("--h")}
    yield "meantime sum --kind ", {"gaussian", "uniform"}
    yield "meantime sum --kind=", {"gaussian", "uniform"}
    yield "meantime sum --kind=g", {"gaussian"}
    yield "meantime sum --seed ", set()
    yield "meantime-server -s r", {"router", "rep"}
    yield "meantime-server --socket=ro", {"router"}
    yield "meantime sum --checkpoint progress-of-", {"progress-of-1.sum", "progress-of-2.sum"}


def main():
    shell, folder, programs = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    if not shutil.which(shell):
        print(f"skipped: no {shell}")
        sys.exit(77)
    faults = 0
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        for number in 1, 2:
            pathlib.Path(f"progress-of-{number}.sum").touch()
        completer = {"bash": Bash, "fish": Fish, "zsh": Zsh}[shell](folder, programs, scratch)
        for line, expected in cases(f"{programs}/meantime", f"{programs}/meantime-server"):
            offered = completer.offers(line)
            if offered != expected:
                print(f"{shell}: {line!r} offers {sorted(offered)} instead of {sorted(expected)}")
                faults += 1
    sys.exit(faults > 0)


main()
