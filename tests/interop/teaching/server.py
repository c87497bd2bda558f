"""Sends the sum of Gaussian samples, as text, on each TCP connection, and closes it.

usage: server.py [PORT [SAMPLES]]    (8197, 10 million; port 0: any free port; the server prints it)
"""

import asyncio
import random
import sys


def gaussian_sum(samples):
    return sum(random.gauss(0, 1) for _ in range(samples))


def answering(samples):
    async def answer(_, writer):
        loop = asyncio.get_running_loop()
        total = await loop.run_in_executor(None, gaussian_sum, samples)
        writer.write(str(total).encode())
        await writer.drain()
        writer.close()

    return answer


async def main(port=8197, samples=10_000_000):
    server = await asyncio.start_server(answering(samples), "127.0.0.1", port)
    print(f"Serving on port {server.sockets[0].getsockname()[1]}.", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
