"""Prints what happened in a trial."""
from pool import FRONTS, MIDDLE

WHAT = (
    ("drain", "drained and started again (SIGTERM)"),
    ("hurry", "stopped at once (SIGTERM, SIGTERM)"),
    ("freeze", "frozen for 0.1 to 4 s (SIGSTOP, SIGCONT)"),
    ("freeze_and_kill", "frozen, then killed"),
    ("cut", "cables taken down for 0.1 to 5 s"),
    ("unplug", "cables that lost all packets for 0.1 to 5 s"),
)
HELPER_FAULTS = ("kill_helper", "crash_helper", "freeze_helper")


def done(trial, what, targets=None):
    return sum(count for (target, kind), count in trial.storm.done.items()
               if kind == what and (targets is None or target in targets))


def workers(trial):
    return trial.pool.targets()["worker"]


def so_far(trial):
    return (f"{trial.storm.seconds():5.0f} s: {done(trial, 'kill', workers(trial)):,} workers and "
            f"{done(trial, 'kill', FRONTS):,} fronts killed, {trial.answers.count:,} requests "
            f"answered, {trial.answers.retries.total():,} retries")


def rows_of_faults(trial):
    servers = trial.pool.servers
    yield "workers killed (kill -9)", done(trial, "kill", workers(trial))
    yield "  started workers that had joined", (
        f"{sum(servers[name].joined for name in workers(trial)):,} of "
        f"{sum(servers[name].started for name in workers(trial)):,}")
    yield "fronts killed", done(trial, "kill", FRONTS)
    yield "middle servers killed", done(trial, "kill", [MIDDLE])
    for what, text in WHAT:
        yield text, done(trial, what)
    yield "faults of helpers (SIGKILL, SIGSEGV, SIGSTOP)", sum(done(trial, what) for what in HELPER_FAULTS)
    yield "  that met a helper", sum(server.helpers_harmed for server in servers.values())
    yield "duration", f"{trial.storm_s:.1f} s"


def rows_of_requests(trial):
    answers = trial.answers
    yield "answered", answers.count
    yield "  of a summand", answers.of_summands
    yield "samples and terms summed for them", f"{answers.samples:.3g}"
    yield "retried", answers.retries.total()
    for why, count in answers.retries.most_common():
        yield f"  {why}", count
    yield "longest time without an answer to any client", f"{answers.gap_s:.2f} s"
    yield "longest time from request to answer", f"{answers.longest_s:.2f} s"


def rows_of_the_pool(trial):
    watch = trial.watch
    yield "spans summed, at least", watch.sum("spans")
    yield "spans requeued", watch.sum("requeued")
    yield "late spans assigned twice", watch.sum("given_twice")
    yield "duplicates dropped", watch.sum("duplicates")
    yield "workers lost", watch.sum("workers_lost")


def rows_of_the_end(trial):
    yield "time until all workers had joined again", f"{trial.whole_s:.2f} s"
    for name, count in trial.last_workers.items():
        yield f"workers that computed {name}'s last request", count
    yield "servers that ended on SIGTERM with exit code 0", (
        f"{trial.ended} of {len(trial.pool.servers)}")
    yield "failures (see above)", len(trial.wrongs)


def table(trial):
    parts = (("Faults", rows_of_faults), ("Requests", rows_of_requests),
             ("Pool", rows_of_the_pool), ("End", rows_of_the_end))
    lines = []
    for title, rows in parts:
        lines.append(f"\n{title}")
        lines += [f"  {text:50} {count:>12,}" if isinstance(count, int) else
                  f"  {text:50} {count:>12}" for text, count in rows(trial)]
    verdict = f"{len(trial.wrongs)} WRONG." if trial.wrongs else "Every sum was correct."
    return "\n".join(lines) + f"\n\n{verdict} To repeat the faults: {trial.options.replay}"
