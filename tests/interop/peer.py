"""A peer of meantime-server in another language, written from PROTOCOL.md alone.

usage: peer.py router|rep|document|worker SERVER PROTOCOL.md    (meantime_pb2 on PYTHONPATH)
Exit code 0: as the protocol says. 77: skipped, a Python package is missing.
"""

import contextlib
import fractions
import importlib
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

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


# How the server says where it listens: for clients, for workers.
CLIENTS = r"Listening on (tcp://\S+) \((?:ROUTER|REP), \d+ threads?\)\.$"
WORKERS = r"Workers join at (tcp://\S+)\.$"


@contextlib.contextmanager
def server(path, *options, sockets=(CLIENTS,)):
    """Runs the server; gives its endpoints. Ends it with SIGTERM and wants exit code 0."""
    process = subprocess.Popen(
        [path, "--bind", "tcp://127.0.0.1:*", *options],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    limit = threading.Timer(PATIENCE_S, process.kill)
    limit.start()
    try:
        yield [endpoint_of(process, says) for says in sockets]
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


def endpoint_of(process, says):
    """Reads what the server prints until it says where it listens."""
    for line in process.stdout:
        print(line, end="", flush=True)
        found = re.match(says, line)
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
    (wire.Message(version=1, join=wire.Join(capacity=1)).SerializeToString(),
     0, wire.STATUS_MALFORMED, "workers do not join here"),
]

# What only REP refuses: on ROUTER nothing comes back.
REP_REFUSALS = [
    (wire.Message(version=1, cancel=wire.Cancel(id=1)).SerializeToString(),
     1, wire.STATUS_MALFORMED, ""),
    (wire.Message(version=1, sum_reply=wire.SumReply(id=1, count=1)).SerializeToString(),
     0, wire.STATUS_MALFORMED, ""),
    (wire.Message(version=1, heartbeat=wire.Heartbeat()).SerializeToString(),
     0, wire.STATUS_MALFORMED, ""),
    (wire.Message(version=1, status_reply=wire.StatusReply()).SerializeToString(),
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


def status_of(peer, **asked):
    peer.send(status_request=wire.StatusRequest(**asked))
    message = peer.receive()
    check(message.WhichOneof("body"), "status_reply", f"what a StatusRequest gets: {message}")
    return message.status_reply


def tells_its_status(peer):
    status = status_of(peer)
    check(status.worker_count, len(status.workers), "workers listed")
    check(status.worker_count >= 1, True, "a worker at least")
    check(status.workers[0].state, wire.WORKER_STATE_THREAD, "state of a thread")
    check(status.counters.answered >= len(ANSWERS), True, "requests answered")
    check((status.request_count, len(status.requests)), (0, 0), "requests in flight")
    check(status.draining, False, "draining")
    rest = status_of(peer, first_worker=status.worker_count)
    check((rest.worker_count, len(rest.workers)), (status.worker_count, 0), "workers after the last")


def router(context, path, _):
    with server(path) as (endpoint,):
        for delimiter in [], [b""]:
            dealer = Peer(context, endpoint, zmq.DEALER, delimiter)
            answers_one_by_one(dealer)
            answers_many_at_once_each_exactly_once(dealer)
            refuses(dealer, REFUSALS)
            ignores_what_needs_no_answer(dealer)
            tells_its_status(dealer)
        req = Peer(context, endpoint, zmq.REQ)
        answers_one_by_one(req)
        refuses(req, REFUSALS)
        refuses(req, REP_REFUSALS)
        tells_its_status(req)


def rep(context, path, _):
    with server(path, "--socket", "rep") as (endpoint,):
        for peer in Peer(context, endpoint, zmq.REQ), Peer(context, endpoint, zmq.DEALER, [b""]):
            answers_one_by_one(peer)
            refuses(peer, REFUSALS)
            refuses(peer, REP_REFUSALS)
            answers_one_by_one(peer)
            tells_its_status(peer)


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
        with server(path, *options) as (endpoint,):
            there = program.replace("tcp://127.0.0.1:8197", endpoint)
            ended = subprocess.run([sys.executable, "-c", there], stdout=subprocess.PIPE,
                                   text=True, timeout=PATIENCE_S, check=True)
            check(ended.stdout.strip(), expected, "what the program prints")


# ---- a worker ----

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors"


def known_digest():
    return int(re.search(r"^digest (\w+)$", (VECTORS / "sums.txt").read_text(), re.MULTILINE)[1], 16)


def reference_sums():
    """tests/vectors/reference.py, which sums in plain Python, some blocks a second."""
    sys.path.insert(0, str(VECTORS))
    try:
        return importlib.import_module("reference")
    except ImportError as missing:
        print("skipped:", missing)
        sys.exit(77)


class Worker(Peer):
    """A worker of one core. Heartbeats of the front are passed over wherever it waits."""

    def __init__(self, context, endpoint, delimiter=()):
        super().__init__(context, endpoint, zmq.DEALER, delimiter)

    def expect(self, body):
        message = self.receive()
        while message.WhichOneof("body") == "heartbeat":
            check(message.heartbeat.capacity, 0, "capacity in a front's heartbeat")
            message = self.receive()
        check(message.WhichOneof("body"), body, f"what the front says: {message}")
        return getattr(message, body)

    def expect_refusal(self, status):
        refusal = self.expect("refusal")
        check((refusal.id, refusal.status), (0, status), f"refusal: {refusal.text}")

    def join(self, digest, capacity=1):
        self.send(join=wire.Join(digest=digest, capacity=capacity, name="peer.py", kernel="python"))

    def answer(self, sums, span):
        """As the protocol says: the total in two halves."""
        kind = "gaussian" if span.kind == GAUSSIAN else "uniform"
        began_ns = time.monotonic_ns()
        units = sums.sum_range(kind, span.seed, span.first, span.count)
        self.send(sum_reply=wire.SumReply(
            id=span.id, count=span.count, total_high=units >> 64, total_low=units & (1 << 64) - 1,
            unit_log2=-49 if span.kind == GAUSSIAN else -53,
            compute_ns=time.monotonic_ns() - began_ns))

    def expect_span(self):
        span = self.expect("sum_request")
        check((span.id > 0, span.seed, span.deadline_ms, span.progress), (True, 0, 0, False), "span")
        return span


def joins_when_it_sums_the_same(worker, digest):
    worker.send(heartbeat=wire.Heartbeat(capacity=1))
    worker.expect_refusal(wire.STATUS_NOT_JOINED)
    worker.join(digest ^ 1)
    worker.expect_refusal(wire.STATUS_OTHER_SUMS)
    worker.join(digest, capacity=1048577)
    worker.expect_refusal(wire.STATUS_OUT_OF_RANGE)
    worker.send_bytes(wire.Message(version=2, join=wire.Join(digest=digest)).SerializeToString())
    worker.expect_refusal(wire.STATUS_WRONG_VERSION)
    worker.join(digest)
    check(worker.expect("welcome").heartbeat_ms, HEARTBEAT_MS, "heartbeat_ms")


def sums_for_a_client(worker, client, sums):
    ids = set()
    for number, answer in enumerate(ANSWERS, start=1):
        client.send(sum_request=request(number, answer))
        done = 0
        while done < answer[2]:
            worker.send(heartbeat=wire.Heartbeat(capacity=1))
            span = worker.expect_span()
            check(span.id in ids, False, "a span's id that was used before")
            ids.add(span.id)
            worker.answer(sums, span)
            done += span.count
        check_reply(client.receive(), number, answer)


def gets_a_refused_span_again(worker, client, sums):
    client.send(sum_request=request(50, ANSWERS[0]))
    span = worker.expect_span()
    worker.send(refusal=wire.Refusal(id=span.id, status=wire.STATUS_BUSY, text="Not now"))
    worker.send(heartbeat=wire.Heartbeat(capacity=1))
    again = worker.expect_span()
    check((again.first, again.count), (span.first, span.count), "the span that was refused")
    check(again.id != span.id, True, "an id of its own")
    worker.answer(sums, again)
    check_reply(client.receive(), 50, ANSWERS[0])


def hears_of_a_cancel_and_answers_all_the_same(worker, client):
    client.send(sum_request=request(60, ANSWERS[0]))
    span = worker.expect_span()
    client.send(cancel=wire.Cancel(id=60))
    check(worker.expect("cancel").id, span.id, "id of the cancel")
    worker.send(refusal=wire.Refusal(id=span.id, status=wire.STATUS_CANCELLED, text="Cancelled"))
    check(client.receive().refusal.status, wire.STATUS_CANCELLED, "status")


def shows_in_the_status(client):
    (entry,) = status_of(client).workers
    check(entry.state, wire.WORKER_STATE_JOINED, "state")
    check((entry.name, entry.kernel), ("peer.py", "python"), "name and kernel")
    check((entry.capacity, entry.credit, entry.in_flight), (1, 2, 0), "capacity and credit")
    check(entry.samples > 0 and entry.gaussian_rate > 0 and entry.uniform_rate > 0, True, str(entry))


def leaves_its_work_to_the_next(worker, heir, client, sums, digest):
    """What is asked after Leave goes to a worker that joins then."""
    client.send(sum_request=request(70, ANSWERS[0]))
    span = worker.expect_span()
    worker.send(leave=wire.Leave())
    client.send(sum_request=request(71, ANSWERS[3]))
    worker.answer(sums, span)
    check_reply(client.receive(), 70, ANSWERS[0])
    heir.join(digest)
    heir.expect("welcome")
    heir.answer(sums, heir.expect_span())
    check_reply(client.receive(), 71, ANSWERS[3])
    worker.socket.close()


def loses_its_spans_when_it_disconnects(heir, third, client, sums, digest):
    client.send(sum_request=request(80, ANSWERS[0]))
    heir.expect_span()
    heir.socket.close()
    third.join(digest)
    third.expect("welcome")
    third.answer(sums, third.expect_span())
    check_reply(client.receive(), 80, ANSWERS[0])


# A block takes Python half a second or so, even where a sanitizer has the machine.
HEARTBEAT_MS = 10000


def worker(context, path, _):
    sums, digest = reference_sums(), known_digest()
    options = ["--threads", "0", "--workers", "tcp://127.0.0.1:*", "--heartbeat-ms", str(HEARTBEAT_MS)]
    with server(path, *options, sockets=[CLIENTS, WORKERS]) as (endpoint, pool):
        client = Peer(context, endpoint, zmq.DEALER)
        first, second, third = (Worker(context, pool, delimiter) for delimiter in ([], [b""], []))
        joins_when_it_sums_the_same(first, digest)
        sums_for_a_client(first, client, sums)
        gets_a_refused_span_again(first, client, sums)
        hears_of_a_cancel_and_answers_all_the_same(first, client)
        shows_in_the_status(client)
        leaves_its_work_to_the_next(first, second, client, sums, digest)
        loses_its_spans_when_it_disconnects(second, third, client, sums, digest)


def main(story, path, protocol):
    context = zmq.Context()
    stories = {"router": router, "rep": rep, "document": document, "worker": worker}
    stories[story](context, path, protocol)
    context.destroy(linger=0)
    print("passed")


if __name__ == "__main__":
    main(*sys.argv[1:])
