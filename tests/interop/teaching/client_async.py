"""Asks a server for a sum. While it waits, it sums its own samples in slices.

usage: client_async.py [PORT [SAMPLES]]    (8197, 120 million)
"""

import asyncio
import random
import sys
import time

SLICE = 20_000  # samples between two turns of the event loop
PAUSE_S = 1.0   # print at most one pause in this time


async def server_request(port):
    print("Beginning server_request.")
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    total = float((await reader.read()).decode())
    writer.close()
    print(f"====== Done server_request. total: {total:.2f}. "
          f"Ran for: {time.perf_counter() - began:.2f}s. ======")


async def uniform_sum(samples):
    print("Beginning uniform_sum.")
    total, resumed = 0.0, time.perf_counter()
    for first in range(0, samples, SLICE):
        total += sum(random.random() for _ in range(min(SLICE, samples - first)))
        elapsed = time.perf_counter() - resumed
        if elapsed < PAUSE_S:
            await asyncio.sleep(0)
            continue
        print(f"Pausing uniform_sum at: {first + SLICE - 1:,}. time_elapsed: {elapsed:.2f}s.")
        await asyncio.sleep(0)
        print("Resuming uniform_sum.")
        resumed = time.perf_counter()
    print(f"====== Done uniform_sum. total: {total:.2f} ======")


async def main(port=8197, samples=120_000_000):
    began = time.perf_counter()
    await asyncio.gather(server_request(port), uniform_sum(samples))
    print(f"Total time elapsed: {time.perf_counter() - began:.2f}s.")


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
