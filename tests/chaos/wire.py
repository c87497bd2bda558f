"""Sends and receives messages of meantime (proto/PROTOCOL.md) over a DEALER."""
import zmq
import zmq.utils.monitor

import meantime_pb2 as wire  # the build generates this module

FRAME_BYTES_MAX = 65536
RECONNECT_MS = 10
RECONNECT_MS_MAX = 100
CONNECT_MS = 500


class Connection:
    """A connection to one server. No call waits for the server."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.socket = None
        self.open()

    def open(self):
        self.connected = False
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        for option, value in (
                (zmq.LINGER, 0), (zmq.IMMEDIATE, 1), (zmq.MAXMSGSIZE, FRAME_BYTES_MAX),
                (zmq.RECONNECT_IVL, RECONNECT_MS), (zmq.RECONNECT_IVL_MAX, RECONNECT_MS_MAX),
                (zmq.CONNECT_TIMEOUT, CONNECT_MS)):
            self.socket.setsockopt(option, value)
        self.monitor = self.socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        self.socket.connect(self.endpoint)

    def close(self):
        self.socket.disable_monitor()
        self.monitor.close(linger=0)
        self.socket.close(linger=0)

    def renew(self):
        """Drops the messages in flight in both directions."""
        self.close()
        self.open()

    def lost(self):
        """Returns True if the connection was lost since the last call."""
        lost = False
        while self.monitor.poll(0):
            event = zmq.utils.monitor.recv_monitor_message(self.monitor)["event"]
            self.connected = event == zmq.EVENT_HANDSHAKE_SUCCEEDED
            lost = lost or event == zmq.EVENT_DISCONNECTED
        return lost

    def send(self, **body):
        """Returns False if the server is not connected."""
        message = wire.Message(version=1, **body)
        try:
            self.socket.send(message.SerializeToString(), zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def messages(self):
        """Yields the messages that have arrived."""
        try:
            while True:
                yield wire.Message.FromString(self.socket.recv(zmq.DONTWAIT))
        except zmq.Again:
            pass


def units_of(reply):
    return reply.total_high * 2**64 + reply.total_low
