/* What ThreadSanitizer does not report in our programs. Linked only into builds with
 * ThreadSanitizer.
 *
 * The distribution's libzmq is not instrumented, and its pipes are lock-free. ThreadSanitizer sees
 * the memory that the pipes hand over, but not the synchronization. So it ignores memory accesses
 * in libraries. This also hides races between our threads, as readers, and libzmq's I/O threads, as
 * writers. ThreadSanitizer still reports races between our own threads. libczmq must not be in the
 * list of suppressions, because it is at the bottom of every actor's stack. */
const char *__tsan_default_options(void);
const char *__tsan_default_suppressions(void);

const char *__tsan_default_options(void)
{
    return "ignore_noninstrumented_modules=1";
}

const char *__tsan_default_suppressions(void)
{
    return "race:libzmq.so\n";
}
