"""A slow link: takes TCP connections and passes them on, late and in small pieces.

usage: relay.py OWN-PORT HOST PORT SEED    (one line on stdout when it listens)

Bytes are held for a delay that changes every second or two, and then written in pieces of 1 to 64
bytes. When either end closes, so does the other. SIGUSR1: the link is slow no longer.
"""
import asyncio
import random
import signal
import socket
import sys

# How long bytes are held, in seconds. The jumps between them are longer than the heartbeats that
# workers and fronts miss before they give each other up.
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
        self.connections = set()  # asyncio itself forgets a task when its connection ends

    def mend(self):
        self.slow = False
        self.delay = 0.0

    async def change(self):
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
        """An end of the stream waits its turn like bytes."""
        data = b"more"
        while data:
            data = await reader.read(4096)
            await held.put((asyncio.get_running_loop().time() + self.delay, data))

    async def pass_on(self, reader, writer):
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
            ways = [asyncio.create_task(self.pass_on(reader, far_writer)),
                    asyncio.create_task(self.pass_on(far_reader, writer))]
            done, left = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in left:
                way.cancel()
            await asyncio.gather(*done, *left, return_exceptions=True)
        except OSError:
            pass  # the far end is not there, or has gone: so has this one
        finally:
            self.connections.discard(asyncio.current_task())
            for each in writers:
                each.transport.abort()

    async def run(self, own_port):
        server = await asyncio.start_server(self.connection, "127.0.0.1", own_port)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self.mend)
        print("ready", flush=True)
        await self.change()
        self.delay = 0.0
        await server.serve_forever()


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    own_port, host, port, seed = sys.argv[1:]
    asyncio.run(Relay(host, int(port), int(seed)).run(int(own_port)))


if __name__ == "__main__":
    main()
