"""A peer of meantime-server in another language, written from PROTOCOL.md alone.

usage: peer.py router|rep|document SERVER PROTOCOL.md    (meantime_pb2 on PYTHONPATH)
Exit code 0: as the protocol says. 77: skipped, a Python package is missing.
"""

import contextlib
import fractions
import re
import signal
import subprocess
import sys
import threading

try:
    import google.protobuf
    import zmq
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

import meantime_pb2 as wire  # made by the build: where it is missing, that is a failure

BLOCK = 65536
GAUSSIAN, UNIFORM = wire.KIND_GAUSSIAN, wire.KIND_UNIFORM

# Waiting ends here even where a sanitizer makes the server slow.
PATIENCE_S = 60

# Known answers for seed 0: kind, first sample, samples, units in decimal, unit_log2.
ANSWERS = [
    (GAUSSIAN, 0, BLOCK, "-58584426632097568", -49),
    (GAUSSIAN, 0, 3 * BLOCK, "-78271286014543298", -49),
    (GAUSSIAN, BLOCK, 2 * BLOCK, str(-78271286014543298 + 58584426632097568), -49),
    (UNIFORM, 0, BLOCK, "295076725426664543708", -53),
    (UNIFORM, 0, 3 * BLOCK, "883719685216309901622", -53),
    (UNIFORM, BLOCK, 2 * BLOCK, str(883719685216309901622 - 295076725426664543708), -53),
]


def check(found, expected, what):
    if found != expected:
        raise SystemExit(f"FAILED: {what}: {found!r}, expected {expected!r}")


# ---- the server ----


@contextlib.contextmanager
def server(path, *options):
    """Runs the server; gives its endpoint. Ends it with SIGTERM and wants exit code 0."""
    process = subprocess.Popen(
        [path, "--bind", "tcp://127.0.0.1:*", *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    limit = threading.Timer(PATIENCE_S, process.kill)
    limit.start()
    try:
        yield endpoint_of(process)
        process.send_signal(signal.SIGTERM)
    except BaseException:
        process.kill()
        raise
    finally:
        printed, _ = process.communicate()
        limit.cancel()
        print(printed, end="", flush=True)
    check(process.returncode, 0, "exit code after SIGTERM")
    check("Sanitizer:" in printed, False, "a sanitizer's report")


def endpoint_of(process):
    """Reads what the server prints until it says where it listens."""
    for line in process.stdout:
        print(line, end="", flush=True)
        found = re.match(r"Listening on (tcp://\S+) \((ROUTER|REP), \d+ threads?\)\.$", line)
        if found:
            return found[1]
    raise SystemExit("FAILED: the server ended without a word of where it listens")


# ---- a peer ----


class Peer:
    """A REQ or DEALER socket; `delimiter`: the frames that a DEALER puts before a body."""

    def __init__(self, context, endpoint, kind, delimiter=()):
        self.delimiter = list(delimiter)
        self.socket = context.socket(kind)
        self.socket.linger = 0
        self.socket.rcvtimeo = PATIENCE_S * 1000
        self.socket.maxmsgsize = 65536
        self.socket.connect(endpoint)

    def send_bytes(self, body):
        self.socket.send_multipart(self.delimiter + [body])

    def send(self, **body):
        self.send_bytes(wire.Message(version=1, **body).SerializeToString())

    def receive(self):
        frames = self.socket.recv_multipart()
        check(frames[:-1], self.delimiter, "frames before the body")
        message = wire.Message.FromString(frames[-1])
        check(message.version, 1, "version")
        return message

    def expect_silence(self):
        check(self.socket.poll(0), 0, "a message that nobody asked for")


def request(number, answer, progress=False):
    kind, first, count, _, _ = answer
    return wire.SumRequest(
        id=number, seed=0, kind=kind, first=first, count=count, progress=progress)


def check_reply(message, number, answer):
    kind, first, count, units, unit_log2 = answer
    what = f"sum of {count} samples of kind {kind} from {first}"
    check(message.WhichOneof("body"), "sum_reply", f"{what}: {message}")
    reply = message.sum_reply
    check(reply.id, number, f"{what}: id")
    check(reply.count, count, f"{what}: count")
    check(str((reply.total_high << 64) + reply.total_low), units, f"{what}: units")
    check(reply.unit_log2, unit_log2, f"{what}: unit_log2")


# ---- stories ----


def answers_one_by_one(peer):
    for number, answer in enumerate(ANSWERS, start=1):
        peer.send(sum_request=request(number, answer))
        check_reply(peer.receive(), number, answer)


def answers_many_at_once_each_exactly_once(peer):
    waiting = dict(enumerate(ANSWERS * 10, start=2**64 - 10 * len(ANSWERS)))
    for number, answer in waiting.items():
        peer.send(sum_request=request(number, answer, progress=True))
    while waiting:
        message = peer.receive()
        if message.HasField("progress"):
            check(message.progress.id in waiting, True, "progress of a request in flight")
            continue
        check_reply(message, message.sum_reply.id, waiting.pop(message.sum_reply.id))
    peer.expect_silence()


# What is sent; what the refusal says: id, status, how its text begins.
REFUSALS = [
    (b"", 0, wire.STATUS_MALFORMED, ""),
    (b"hello", 0, wire.STATUS_MALFORMED, ""),
    (wire.Message(version=1).SerializeToString(), 0, wire.STATUS_MALFORMED, ""),
    (wire.Message(version=2, sum_request=request(5, ANSWERS[0])).SerializeToString(),
     5, wire.STATUS_WRONG_VERSION, "version"),
    (wire.Message(version=1, sum_request=wire.SumRequest(id=6, kind=GAUSSIAN)).SerializeToString(),
     6, wire.STATUS_OUT_OF_RANGE, "count"),
    (wire.Message(version=1, sum_request=wire.SumRequest(kind=GAUSSIAN, count=1))
     .SerializeToString(), 0, wire.STATUS_OUT_OF_RANGE, "id"),
    (wire.Message(version=1, sum_request=wire.SumRequest(id=7, kind=99, count=1))
     .SerializeToString(), 7, wire.STATUS_OUT_OF_RANGE, "kind"),
]

# What only REP refuses: on ROUTER nothing comes back.
REP_REFUSALS = [
    (wire.Message(version=1, cancel=wire.Cancel(id=1)).SerializeToString(),
     0, wire.STATUS_MALFORMED, ""),
    (wire.Message(version=1, sum_reply=wire.SumReply(id=1, count=1)).SerializeToString(),
     0, wire.STATUS_MALFORMED, ""),
]


def refuses(peer, rows):
    for body, number, status, begins in rows:
        peer.send_bytes(body)
        message = peer.receive()
        check(message.WhichOneof("body"), "refusal", f"what {body!r} gets")
        refusal = message.refusal
        check((refusal.id, refusal.status), (number, status), f"what {body!r} gets")
        check(refusal.text.startswith(begins), True, f"{refusal.text!r} names {begins!r}")


def ignores_what_needs_no_answer(peer):
    """The next answer is that of the request which follows."""
    for body, _, _, _ in REP_REFUSALS:
        peer.send_bytes(body)
    peer.send(sum_request=request(8, ANSWERS[0]))
    check_reply(peer.receive(), 8, ANSWERS[0])
    peer.expect_silence()


def router(context, path, _):
    with server(path) as endpoint:
        for delimiter in [], [b""]:
            dealer = Peer(context, endpoint, zmq.DEALER, delimiter)
            answers_one_by_one(dealer)
            answers_many_at_once_each_exactly_once(dealer)
            refuses(dealer, REFUSALS)
            ignores_what_needs_no_answer(dealer)
        req = Peer(context, endpoint, zmq.REQ)
        answers_one_by_one(req)
        refuses(req, REFUSALS)


def rep(context, path, _):
    with server(path, "--socket", "rep") as endpoint:
        for peer in Peer(context, endpoint, zmq.REQ), Peer(context, endpoint, zmq.DEALER, [b""]):
            answers_one_by_one(peer)
            refuses(peer, REFUSALS)
            refuses(peer, REP_REFUSALS)
            answers_one_by_one(peer)


def document(_, path, protocol):
    """The lines of Python in PROTOCOL.md do what stands below them, on either kind of server."""
    with open(protocol, encoding="utf-8") as file:
        text = file.read()
    program = re.search(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)[1]
    total = fractions.Fraction(int(ANSWERS[0][3]), 2**49)
    expected = f"{total} is {float(total)}"
    check(f"`{expected}`" in text, True, f"{expected!r} in the document")
    check("tcp://127.0.0.1:8197" in program, True, "the default endpoint in the program")
    for options in [], ["--socket", "rep"]:
        with server(path, *options) as endpoint:
            there = program.replace("tcp://127.0.0.1:8197", endpoint)
            ended = subprocess.run([sys.executable, "-c", there], stdout=subprocess.PIPE,
                                   text=True, timeout=PATIENCE_S, check=True)
            check(ended.stdout.strip(), expected, "what the program prints")


def main(story, path, protocol):
    context = zmq.Context()
    {"router": router, "rep": rep, "document": document}[story](context, path, protocol)
    context.destroy(linger=0)
    print("passed")


if __name__ == "__main__":
    main(*sys.argv[1:])
