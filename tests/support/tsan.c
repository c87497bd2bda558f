/* What ThreadSanitizer is not to report. The distribution's libzmq is not instrumented, and its
 * pipes are lock-free: ThreadSanitizer sees the memory that they hand over, but not how. So what
 * libraries do with memory is not looked at, and this hides as well what our threads read of what
 * libzmq's I/O threads have written. Races of our threads with each other stay. libczmq must not
 * stand here: it is at the bottom of every actor's stack. Linked into builds with ThreadSanitizer
 * alone. */
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
