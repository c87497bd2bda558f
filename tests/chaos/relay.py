"""A slow link: accepts TCP connections and forwards their bytes late and in small pieces.

usage: relay.py OWN-PORT HOST PORT SEED    (prints one line when it listens)

The relay holds bytes for a delay that changes every one to three seconds. Then it writes them in
pieces of 1 to 64 bytes. If one end closes, the relay closes the other. After SIGUSR1 the link is fast.
"""
import asyncio
import random
import signal
import socket
import sys

# Delays in seconds. A jump between two of them is longer than the silence after which workers and
# fronts disconnect.
DELAYS = (0.0, 0.002, 0.02, 0.1, 0.5)
CHANGE_S = (1.0, 3.0)
PIECE_BYTES = 64
UNREAD_MAX = 1024


class Relay:
    def __init__(self, host, port, seed):
        self.host = host
        self.port = port
        self.random = random.Random(seed)
        self.delay = 0.0
        self.slow = True
        self.connections = set()  # asyncio keeps no reference to these tasks

    def end_delays(self):
        self.slow = False
        self.delay = 0.0

    async def change_delay(self):
        while self.slow:
            self.delay = self.random.choice(DELAYS)
            await asyncio.sleep(self.random.uniform(*CHANGE_S))

    async def write(self, writer, data):
        while data:
            size = self.random.randint(1, PIECE_BYTES)
            writer.write(data[:size])
            await writer.drain()
            data = data[size:]
            await asyncio.sleep(0)

    async def deliver(self, held, writer):
        while True:
            due_at, data = await held.get()
            await asyncio.sleep(due_at - asyncio.get_running_loop().time())
            if not data:
                return
            await self.write(writer, data)

    async def hold(self, reader, held):
        """Queues the end of the stream behind the bytes."""
        data = b"more"
        while data:
            data = await reader.read(4096)
            await held.put((asyncio.get_running_loop().time() + self.delay, data))

    async def forward(self, reader, writer):
        held = asyncio.Queue(UNREAD_MAX)
        holding = asyncio.create_task(self.hold(reader, held))
        try:
            await self.deliver(held, writer)
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)

    async def connection(self, reader, writer):
        writers = [writer]
        self.connections.add(asyncio.current_task())
        try:
            far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
            writers.append(far_writer)
            for each in writers:
                each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ways = [asyncio.create_task(self.forward(reader, far_writer)),
                    asyncio.create_task(self.forward(far_reader, writer))]
            done, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in left:
                way.cancel()
            await asyncio.gather(*done, *left, return_exceptions=True)
        except OSError:
            pass  # The far end is unreachable or closed, so the near end closes, too.
        finally:
            self.connections.discard(asyncio.current_task())
            for each in writers:
                each.transport.abort()

    async def run(self, own_port):
        server = await asyncio.start_server(self.connection, "127.0.0.1", own_port)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.end_delays)
        print("ready", flush=True)
        await self.change_delay()
        self.delay = 0.0
        await server.serve_forever()


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    own_port, host, port, seed = sys.argv[1:]
    asyncio.run(Relay(host, int(port), int(seed)).run(int(own_port)))


if __name__ == "__main__":
    main()
