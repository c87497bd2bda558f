#!/usr/bin/env python3
"""Does the job with the teaching example's client and prints a finer time than the client does.

usage: teaching.py remote|local|both PORT SAMPLES START-AT    (by CLOCK_MONOTONIC; 0: at once)
Prints the seconds and both sums; 0 for a sum that the way does not compute.
"""
import asyncio
import contextlib
import io
import pathlib
import re
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "interop" / "teaching"))
import client_async  # pylint: disable=wrong-import-position

WAYS = {
    "remote": lambda port, samples: client_async.server_request(port),
    "local": lambda port, samples: client_async.uniform_sum(samples),
    "both": client_async.main,
}


def wait_until(at_s):
    wait_s = at_s - time.monotonic()
    if wait_s < 0:
        sys.exit("the others have begun already: this machine is too busy to measure on")
    time.sleep(wait_s)
    return at_s


def told_sum(what, told):
    found = re.search(rf"Done {what}\. *total: (\S+?)\.? ", told)
    return found[1] if found else "0"


def main(way, port, samples, start_at_s):
    at_s = float(start_at_s)
    with contextlib.redirect_stdout(io.StringIO()) as told:
        began_at_s = wait_until(at_s) if at_s else time.monotonic()
        asyncio.run(WAYS[way](int(port), int(samples)))
        took_s = time.monotonic() - began_at_s
    print(took_s, *(told_sum(what, told.getvalue()) for what in ("server_request", "uniform_sum")))


main(*sys.argv[1:])
