"""A request from Python without the library: with pyzmq and the code that protoc generates.

usage: ask.py ENDPOINT    (protoc --python_out=. proto/meantime.proto, and that folder on PYTHONPATH)

Works while it waits: polls a DEALER socket with a timeout of 0 between two slices of work.
"""

import fractions
import sys

try:
    import google.protobuf
    import zmq
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

import meantime_pb2 as wire


def count_primes(begin, end):
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(begin, end))


def ask(socket):
    request = wire.SumRequest(id=1, seed=0, kind=wire.KIND_GAUSSIAN, first=0, count=10_000_000)
    message = wire.Message(version=1, sum_request=request)
    socket.send_multipart([b"", message.SerializeToString()])


def total(answer):
    if answer.HasField("refusal"):
        raise SystemExit(answer.refusal.text)
    reply = answer.sum_reply
    return (reply.total_high * 2**64 + reply.total_low) * fractions.Fraction(2) ** reply.unit_log2


def main():
    socket = zmq.Context().socket(zmq.DEALER)
    socket.linger = 0
    socket.maxmsgsize = 65536
    socket.connect(sys.argv[1])
    ask(socket)
    primes, number = 0, 2
    while number < 20_000 and not socket.poll(0):  # a look
        primes += count_primes(number, number + 100)  # a slice
        number += 100
    answer = wire.Message.FromString(socket.recv_multipart()[-1])
    primes += count_primes(number, 20_000)
    print(f"{primes} primes, sum {float(total(answer)):.17g}")


main()
