"""Asks a server for a sum, waits for it, and then sums its own samples.

usage: client_serial.py [PORT [SAMPLES]]    (8197, 120 million)
"""

import random
import socket
import sys
import time


def server_request(port):
    print("Beginning server_request.")
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        text = b"".join(iter(lambda: connection.recv(4096), b""))
    total = float(text.decode())
    print(f"====== Done server_request. total: {total:.2f}. "
          f"Ran for: {time.perf_counter() - began:.2f}s. ======")


def uniform_sum(samples):
    print("Beginning uniform_sum.")
    total = sum(random.random() for _ in range(samples))
    print(f"====== Done uniform_sum. total: {total:.2f} ======")


def main(port=8197, samples=120_000_000):
    began = time.perf_counter()
    server_request(port)
    uniform_sum(samples)
    print(f"Total time elapsed: {time.perf_counter() - began:.2f}s.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
