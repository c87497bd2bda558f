"""Tests the plain endpoint with foreign clients, and our client with a foreign server.

usage: plain.py teaching_clients|teaching_server|nc|curl MEANTIME-SERVER MEANTIME
Exit code 0: passed. 77: skipped, because a program is missing.
"""

import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

TEACHING = pathlib.Path(__file__).resolve().parent / "teaching"

# Longer than any step takes, even with a sanitizer on a busy machine.
PATIENCE_S = 300

# 20 standard deviations of a sum of 10 million samples.
SUM_MAX = 20 * 3163

NUMBER = r"-?\d+\.\d\d"
DONE = rf"====== Done server_request\. total: ({NUMBER})\. Ran for: \d+\.\d\ds\. ======"


def check(passed, what):
    if not passed:
        raise SystemExit(f"FAILED: {what}")


@contextlib.contextmanager
def running(pattern, *words, status=0):
    """Runs a server and yields the port in its first line. Then ends the server with SIGTERM."""
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        found = re.match(pattern, line)
        check(found, f"the line with the port: {line!r}")
        yield found[1]
    finally:
        process.terminate()
        printed, _ = process.communicate(timeout=PATIENCE_S)
        print(printed, end="", flush=True)
    check(process.returncode == status, f"exit code {process.returncode} of {words[0]}")


def our_server(path):
    return running(r"Plain TCP at tcp://127\.0\.0\.1:(\d+) ", path, "--plain", "tcp://127.0.0.1:*")


def run(*words, stdin=""):
    ended = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, text=True,
                           timeout=PATIENCE_S, check=False)
    print(ended.stdout, end="", flush=True)
    check(ended.returncode == 0, f"exit code {ended.returncode} of {words}")
    return ended.stdout


def check_sum(text, what):
    check(abs(float(text)) < SUM_MAX, f"the sum that {what} prints: {text!r}")


# ---- stories ----


def teaching_clients(server, _):
    with our_server(server) as port:
        for client in "client_serial.py", "client_async.py":
            printed = run(sys.executable, TEACHING / client, port, "100000")
            found = re.search(DONE, printed)
            check(found, f"output of {client}: {printed}")
            check_sum(found[1], client)


def teaching_server(_, client):
    with running(r"Serving on port (\d+)\.", sys.executable, TEACHING / "server.py", "0", "20000",
                 status=-15) as port:
        asked = ["--connect", f"plain://127.0.0.1:{port}", "--uniform", "1M"]
        for mode in "serial", "async":
            check(re.search(DONE, run(client, mode, *asked)), f"output of {mode}")
        both = json.loads(run(client, "compare", "--json", *asked))
        for mode in "serial", "async":
            check_sum(both[mode]["gaussian"]["sum"], mode)
        check(both["serial"]["uniform"]["units"] == both["async"]["uniform"]["units"], "units")


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def nc(server, _):
    """The stdin of nc ends at once or after some text. With -N, nc then closes its half."""
    usage = shutil.which("nc") and subprocess.run(["nc", "-h"], capture_output=True, check=False)
    if not usage or b"OpenBSD" not in usage.stderr:
        skip("no nc from OpenBSD")
    with our_server(server) as port:
        for words in "", "hello\n" * 1000:
            check_sum(run("nc", "-N", "127.0.0.1", port, stdin=words), "nc -N")
            check_sum(run("nc", "127.0.0.1", port, stdin=words), "nc")
        check_sum(run("nc", "-d", "127.0.0.1", port), "nc -d")


def curl(server, _):
    if not shutil.which("curl"):
        skip("no curl")
    with our_server(server) as port:
        check_sum(run("curl", "--silent", "--show-error", f"telnet://127.0.0.1:{port}"), "curl")


STORIES = {story.__name__: story for story in (teaching_clients, teaching_server, nc, curl)}
STORIES[sys.argv[1]](*sys.argv[2:])
