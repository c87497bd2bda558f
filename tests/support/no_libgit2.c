/* A library in place of libgit2, for the programs of the tests.
 *
 * Criterion links libgit2 to print the difference of two long strings, which no test here wants.
 * libgit2 loads 14 more libraries and reads the certificates of the system. Criterion starts a
 * process for each test, so that this took half of the time of all unit tests. */
int git_libgit2_init(void);
int git_libgit2_shutdown(void);
int git_diff_buffers(void);

int git_libgit2_init(void)
{
    return 1; /* how many times it is initialized */
}

int git_libgit2_shutdown(void)
{
    return 0;
}

/* Criterion then prints no difference. */
int git_diff_buffers(void)
{
    return -1;
}
