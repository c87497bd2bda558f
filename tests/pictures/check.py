#!/usr/bin/env python3
"""Reads the pictures of real lessons, and compares them with the reports of these lessons.

usage: check.py trace|timeline|files|interrupted FOLDER-OF-THE-PROGRAMS
"""
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET

PATIENCE_S = 100
SMALL = ("--gaussian", "2M", "--uniform", "20M", "--seed", "0")
NS_IN_US = 1e-3  # times in nanoseconds may be wrong by one


def check(holds, what):
    if not holds:
        raise SystemExit(f"FAILED: {what}")


@contextlib.contextmanager
def server(folder):
    """Runs a server and yields its endpoint. The address depends on this process's id, so that no
    other server can take the address after this one has ended."""
    pid = os.getpid()
    address = f"127.{1 + (pid >> 16) % 255}.{pid >> 8 & 255}.{pid & 255}"
    command = [folder / "meantime-server", "--bind", f"tcp://{address}:*", "--threads", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield re.match(r"Listening on (\S+) ", process.stdout.readline())[1]
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
    check(process.returncode == 0, f"the server ends with {process.returncode}")


def client(folder, *arguments):
    return subprocess.Popen([folder / "meantime", *map(str, arguments)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def run(folder, *arguments, status=0):
    """Returns stdout and stderr."""
    process = client(folder, *arguments)
    out, err = process.communicate(timeout=PATIENCE_S)
    check(process.returncode == status, f"{arguments} ends with {process.returncode}: {out}{err}")
    return out, err


def only(scratch, *names):
    """Checks that the folder has these files and no other one, such as a part of a picture."""
    check(sorted(os.listdir(scratch)) == sorted(names), f"left: {os.listdir(scratch)}")


# ---- trace ----


def intervals(events, process, thread):
    """Returns the intervals of a thread, sorted by their begin. They must not overlap."""
    found = sorted((each for each in events if each["ph"] == "X"
                    and (each["pid"], each["tid"]) == (process, thread)), key=lambda e: e["ts"])
    for one, other in zip(found, found[1:]):
        check(one["ts"] + one["dur"] <= other["ts"] + NS_IN_US, f"{one} overlaps {other}")
    return found


def duration_s(events, name):
    return sum(each["dur"] for each in events if each["name"] == name) / 1e6


def near(a, b):
    return abs(a - b) < 1e-8


def check_process(events, process, report):
    """Compares the events of a lesson with the report of the lesson."""
    names = {each["tid"]: each["args"]["name"] for each in events
             if each["ph"] == "M" and each["pid"] == process}
    check(names == {0: report["mode"], 1: "server_request", 2: "uniform_sum"}, f"names {names}")
    request, work = intervals(events, process, 1), intervals(events, process, 2)
    slices = [each for each in work if each["name"] == "slice"]
    looks = [each for each in work if each["name"] == "look"]
    check(len(slices) == report["slices"], f"{len(slices)} slices")
    check(len(looks) == report["looks"], f"{len(looks)} looks")
    check(near(max(each["dur"] for each in slices) / 1e6, report["slice_seconds_max"]), "a slice")
    check(near(duration_s(work, "look"), report["look_seconds"]), "all looks")
    check(duration_s(work, "slice") <= report["uniform"]["seconds"] + 1e-8, "all slices")
    check(near(sum(each["dur"] for each in request) / 1e6, report["gaussian"]["seconds"]), "request")
    check(request[-1]["args"] == {"attempt": 1, "answered": True}, f"{request[-1]}")
    check(max(each["ts"] + each["dur"] for each in work) / 1e6 <= report["total_seconds"] + 1e-8,
          "work after the end")


def check_merged(folder, endpoint, path):
    """If there are more slices than the record has room for, they are merged, and none is lost."""
    out, _ = run(folder, "async", "--connect", endpoint, "--gaussian", "2M", "--uniform", "1300M",
                 "--slice", "0", "--json", "--trace", path)
    report, trace = json.loads(out), json.loads(path.read_text())
    work = [each for each in intervals(trace["traceEvents"], 1, 2) if each["name"] == "slices"]
    check(trace["otherData"]["slices_an_event"] == {"async": 2}, f"{trace['otherData']}")
    check(sum(each["args"]["slices"] for each in work) == report["slices"], "merged slices")
    check(sum(each["args"]["looks"] for each in work) == report["looks"], "merged looks")
    looks_s = sum(each["args"]["looks_us"] for each in work) / 1e6
    check(near(looks_s, report["look_seconds"]), "all merged looks")


def trace(folder, scratch):
    path = scratch / "trace.json"
    with server(folder) as endpoint:
        for mode in ("serial", "async", "compare"):
            out, _ = run(folder, mode, "--connect", endpoint, *SMALL, "--json", "--trace", path)
            report, events = json.loads(out), json.loads(path.read_text())["traceEvents"]
            reports = [report["serial"], report["async"]] if mode == "compare" else [report]
            for number, each in enumerate(reports, 1):
                check_process(events, number, each)
            check(max(each["pid"] for each in events) == len(reports), "another process")
        check_merged(folder, endpoint, path)
    only(scratch, "trace.json")


# ---- timeline ----


def timeline(folder, scratch):
    """Checks which lessons the picture of each command has."""
    path = scratch / "timeline.svg"
    with server(folder) as endpoint:
        for mode, extra, names in [("serial", (), ["serial"]), ("async", (), ["async"]),
                                   ("compare", (), ["serial", "async"]),
                                   ("compare", ("--uniform", "0"), ["serial", "async"]),
                                   ("async", ("--gaussian", "1", "--uniform", "1"), ["async"])]:
            options = {**dict(zip(SMALL[::2], SMALL[1::2])), **dict(zip(extra[::2], extra[1::2]))}
            run(folder, mode, "--connect", endpoint, *sum(options.items(), ()), "--timeline", path)
            root = ET.parse(path).getroot()
            texts = ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]
            check([each for each in texts if each in ("serial", "async")] == names, f"{texts}")
            check(("Speed-up" in texts[0]) == (len(names) == 2), texts[0])
    _, err = run(folder, "async", "--connect", endpoint, *SMALL, "--timeout", "300ms", "--timeline",
                 path, status=1)
    texts = "".join(ET.parse(path).getroot().itertext())
    check(err and "No reply: " in texts, f"of a request that failed: {texts}")
    only(scratch, "timeline.svg")


# ---- files ----


def files(folder, scratch):
    done = "====== Done uniform_sum"
    old, link, locked = scratch / "old.svg", scratch / "link.svg", scratch / "no" / "such.svg"
    ahead = scratch / "ahead.svg"
    with server(folder) as endpoint:
        asked = ("async", "--connect", endpoint, *SMALL, "--timeline")
        for path in (locked, scratch):
            out, err = run(folder, *asked, path, status=1)
            check(out == "" and re.match(rf"meantime: cannot write {path}: .*; name a ", err), err)
        out, err = run(folder, *asked, "/dev/full", status=1)
        check(done in out and re.fullmatch("meantime: cannot write /dev/full: No space[^;]*\n", err), err)
        out, _ = run(folder, *asked, "/dev/stdout")
        check(out.index(done) < out.index("<svg"), "stdout")
        old.write_text("old")
        old.chmod(0o640)
        link.symlink_to("old.svg")
        run(folder, "async", "--connect", "tcp://", "--timeline", old, status=2)
        check(old.read_text() == "old", "a command that fails at once changes the file")
        run(folder, *asked, link)
        check(link.is_symlink() and old.read_text().startswith("<svg"), "a link")
        check(old.stat().st_mode & 0o777 == 0o640, "the file's mode")
        ahead.symlink_to("new.svg")
        run(folder, *asked, ahead)
        check(ahead.is_symlink() and (scratch / "new.svg").is_file(), "a link to a file that does not exist yet")
    only(scratch, "old.svg", "link.svg", "ahead.svg", "new.svg")


def interrupted(folder, scratch):
    path, events = scratch / "timeline.svg", scratch / "trace.json"
    for mode in ("serial", "async", "compare"):
        with server(folder) as endpoint:
            process = client(folder, mode, "--connect", endpoint, "--gaussian", "1e18", "--uniform",
                             "1e18", "--narrate", "1h", "--timeline", path, "--trace", events)
            while "Beginning server_request" not in process.stdout.readline():
                check(process.poll() is None, "the client has ended")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PATIENCE_S)
        check(process.returncode == 130, f"{mode} ends with {process.returncode}")
        check("interrupted" in "".join(ET.parse(path).getroot().itertext()), mode)
        check(json.loads(events.read_text())["traceEvents"], mode)
        only(scratch, "timeline.svg", "trace.json")


def main():
    stories = {"trace": trace, "timeline": timeline, "files": files, "interrupted": interrupted}
    if len(sys.argv) != 3 or sys.argv[1] not in stories:
        sys.exit(__doc__)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore SIGINT
    with tempfile.TemporaryDirectory() as scratch:
        stories[sys.argv[1]](pathlib.Path(sys.argv[2]), pathlib.Path(scratch))


if __name__ == "__main__":
    main()
