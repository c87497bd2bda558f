/* What ThreadSanitizer is not to report. The distribution's libzmq is not instrumented, and its pipes
 * are lock-free: ThreadSanitizer sees the memory that they hand over, but not how. This hides races
 * with libzmq on the stack of an access, and those with its I/O threads, which run nothing else.
 * Those of our threads with each other stay. libczmq must not stand here: it is at the bottom of
 * every actor's stack. Linked into builds with ThreadSanitizer alone. */
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
    return "race:libzmq.so\n";
}
