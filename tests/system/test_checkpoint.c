/* The file of a checkpoint, other files in its folder, and files without a name. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/sum/checkpoint.h"
#include "tests/support/folder.h"
#include "tests/support/story.h"

#define STRACE "/usr/bin/strace"

/* LeakSanitizer does not work under strace. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static char new_name[64];

static void begin(void)
{
    folder_begin();
    snprintf(new_name, sizeof new_name, "%s.new", folder_file);
}

TestSuite(checkpoint, .init = begin, .fini = folder_end);

static struct checkpoint state(uint64_t count)
{
    return (struct checkpoint){
        .seed = 5, .kind = MEANTIME_UNIFORM, .tally = {.units = -3, .count = count}};
}

static struct checkpoint_file open_new(const char *path)
{
    struct checkpoint_file file;
    struct checkpoint found;

    cr_assert_eq(checkpoint_open(&file, path, &found), CHECKPOINT_NONE);
    return file;
}

/* Opens the checkpoint, saves a state with `count` samples, and closes the checkpoint. */
static void save(const char *path, uint64_t count)
{
    struct checkpoint_file file;
    struct checkpoint found, next = state(count);

    cr_assert(checkpoint_open(&file, path, &found) != CHECKPOINT_FAILED, "%s", file.error_text);
    cr_assert(checkpoint_save(&file, &next), "%s", file.error_text);
    checkpoint_close(&file);
}

static void expect_count(const char *path, uint64_t count)
{
    struct checkpoint_file file;
    struct checkpoint found;

    cr_assert(checkpoint_open(&file, path, &found) == CHECKPOINT_FOUND, "%s", file.error_text);
    cr_assert_eq(found.tally.count, count);
    cr_assert(found.seed == 5 && found.kind == MEANTIME_UNIFORM && found.tally.units == -3);
    checkpoint_close(&file);
}

static void write_new(const char *text)
{
    FILE *out = fopen(new_name, "w");

    cr_assert(out && fputs(text, out) >= 0 && fclose(out) == 0);
}

Test(checkpoint, if_two_processes_find_no_file_only_one_can_write_it)
{
    struct checkpoint_file one = open_new(folder_file), other = open_new(folder_file);
    struct checkpoint first = state(1), second = state(2);

    cr_assert(checkpoint_save(&one, &first), "%s", one.error_text);
    cr_assert_not(checkpoint_save(&other, &second));
    cr_assert(strstr(other.error_text, "another meantime uses "), "%s", other.error_text);
    cr_assert_eq(access(new_name, F_OK), -1, "FILE.new still exists");
    checkpoint_close(&other);
    checkpoint_close(&one);
    expect_count(folder_file, 1);
}

/* Root may write every file. If root runs the test, it reads the file as the user "nobody". */
Test(checkpoint, a_read_only_file_is_read)
{
    save(folder_file, 1);
    cr_assert(chmod(folder, 0755) == 0 && chmod(folder_file, 0444) == 0);
    if (geteuid() == 0)
        cr_assert_eq(seteuid(65534), 0);
    expect_count(folder_file, 1);
    cr_assert_eq(seteuid(getuid()), 0);
}

Test(checkpoint, a_link_stays_and_its_target_is_replaced)
{
    char link[64];
    struct stat found;

    snprintf(link, sizeof link, "%s/link", folder);
    save(folder_file, 1);
    cr_assert_eq(symlink("sum", link), 0);
    save(link, 2);
    cr_assert(lstat(link, &found) == 0 && S_ISLNK(found.st_mode), "the link was replaced");
    expect_count(folder_file, 2);
}

Test(checkpoint, a_link_may_lead_to_a_file_that_does_not_exist_yet)
{
    char link[64], farther[64];
    struct stat found;

    snprintf(link, sizeof link, "%s/link", folder);
    snprintf(farther, sizeof farther, "%s/farther", folder);
    cr_assert(symlink("farther", link) == 0 && symlink(folder_file, farther) == 0);
    save(link, 1);
    cr_assert(lstat(farther, &found) == 0 && S_ISLNK(found.st_mode), "a link was replaced");
    expect_count(folder_file, 1);
    save(link, 2);
    expect_count(folder_file, 2);
}

Test(checkpoint, links_in_a_cycle_are_reported)
{
    struct checkpoint_file file;
    struct checkpoint found;

    cr_assert_eq(symlink("sum", folder_file), 0);
    cr_assert_eq(checkpoint_open(&file, folder_file, &found), CHECKPOINT_FAILED);
    cr_assert(strstr(file.error_text, "Too many levels of symbolic links"), "%s", file.error_text);
}

/* On NFS, an exclusive lock needs a descriptor for writing. */
Test(checkpoint, an_existing_file_is_open_for_writing)
{
    struct checkpoint_file file;
    struct checkpoint found;

    save(folder_file, 1);
    cr_assert_eq(checkpoint_open(&file, folder_file, &found), CHECKPOINT_FOUND);
    cr_assert_eq(fcntl(file.fd, F_GETFL) & O_ACCMODE, O_RDWR);
    checkpoint_close(&file);
}

/* Later saves of the same process and of the next process keep the permissions. */
Test(checkpoint, the_permissions_of_the_file_are_kept)
{
    struct checkpoint_file file = open_new(folder_file);
    struct checkpoint next = state(1);
    struct stat found;

    cr_assert(checkpoint_save(&file, &next) && chmod(folder_file, 0600) == 0);
    cr_assert(checkpoint_save(&file, &next) && checkpoint_save(&file, &next), "%s",
              file.error_text);
    checkpoint_close(&file);
    save(folder_file, 2);
    cr_assert(stat(folder_file, &found) == 0 && (found.st_mode & 07777) == 0600, "%o",
              found.st_mode);
}

Test(checkpoint, an_empty_file_and_a_truncated_heading_are_truncated_not_foreign)
{
    static const struct {
        const char *text, *sentence;
    } rows[] = {
        {"", " is empty: "},
        {"meantime check", " is truncated or corrupt: "},
        {"meantime checkpoint 1\nse", " is truncated or corrupt: "},
        {"years of work\n", " is not a checkpoint of meantime: "},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct checkpoint_file file;
        struct checkpoint found;
        write_new(rows[i].text);
        cr_assert_eq(rename(new_name, folder_file), 0);
        cr_assert_eq(checkpoint_open(&file, folder_file, &found), CHECKPOINT_FAILED);
        cr_assert(strstr(file.error_text, rows[i].sentence), "%s", file.error_text);
    }
}

Test(checkpoint, a_foreign_file_of_the_new_name_is_not_changed)
{
    struct checkpoint_file file = open_new(folder_file);
    struct checkpoint next = state(1);
    char text[32] = "";

    write_new("years of work\n");
    cr_assert_not(checkpoint_save(&file, &next));
    cr_assert(strstr(file.error_text, "/sum.new is in the way: "), "%s", file.error_text);
    FILE *in = fopen(new_name, "r");
    cr_assert(in && fgets(text, sizeof text, in));
    cr_assert_str_eq(text, "years of work\n");
    fclose(in);
    checkpoint_close(&file);
}

Test(checkpoint, a_part_that_a_killed_process_left_is_overwritten)
{
    static const char *const left[] = {"", "mean", "meantime checkpoint 1\nseed 5\nki"};

    for (uint64_t i = 0; i < sizeof left / sizeof *left; i++) {
        write_new(left[i]);
        save(folder_file, i + 1);
        expect_count(folder_file, i + 1);
    }
}

Test(checkpoint, a_save_that_cannot_be_renamed_leaves_no_file)
{
    struct checkpoint_file file = open_new(folder_file);
    struct checkpoint next = state(1);

    snprintf(file.replacement.place, sizeof file.replacement.place, "%s/nowhere/sum", folder);
    cr_assert_not(checkpoint_save(&file, &next));
    cr_assert(strstr(file.error_text, "cannot replace "), "%s", file.error_text);
    cr_assert_eq(access(new_name, F_OK), -1, "FILE.new still exists");
}

/* Sends the signal in the middle of a save, or between two saves. The action is the default one. */
static void kill_while_saving(useconds_t after_us)
{
    pid_t pid = fork();

    if (pid == 0)
        for (uint64_t i = 1;; i++)
            save(folder_file, i);
    usleep(after_us);
    cr_assert(kill(pid, SIGTERM) == 0 && waitpid(pid, NULL, 0) == pid);
    cr_assert_eq(access(new_name, F_OK), -1, "FILE.new still exists");
}

Test(checkpoint, a_signal_at_any_moment_leaves_no_part)
{
    for (useconds_t i = 0; i < 100; i++)
        kill_while_saving(97 * i);
}

/* ---- file systems that lack something ---------------------------------------------------- */

static void skip_without_strace(void)
{
    if (SANITIZED || access(STRACE, X_OK) == -1)
        cr_skip_test("no strace, or a sanitizer");
    if (process_wait(process_start(WORDS(STRACE, "-qq", "-o", "/dev/null", "-e",
                                         "inject=flock:error=ENOLCK", "/bin/true"))) != 0)
        cr_skip_test("strace cannot inject errors here");
}

/* System calls that name or use a file of the checkpoint fail. */
struct fault {
    const char *where;   /* the suffix of a name in the folder; "/": the folder itself */
    const char *inject;  /* for strace */
    const char *message; /* on stderr; NULL: none */
};

/* Starts a sum with a checkpoint that already exists with an unusual mode. */
static struct process *start_with(const struct fault *fault, const struct test_server *server)
{
    bool is_folder = strcmp(fault->where, "/") == 0;
    char path[64], inject[64];

    snprintf(path, sizeof path, "%s%s", is_folder ? folder : folder_file,
             is_folder ? "" : fault->where);
    snprintf(inject, sizeof inject, "inject=%s", fault->inject);
    const char *also = is_folder ? folder : folder_file;
    return process_start(WORDS(STRACE, "-f", "-qq", "-o", "/dev/null", "-P", path, "-P", also, "-e",
                               inject, MEANTIME, "sum", "1M", "--seed", "5", "--kind", "uniform",
                               "--connect", server->endpoint, "--checkpoint", folder_file));
}

static void expect_messages(struct process *client, const char *message)
{
    const char *text = process_text(client, PROCESS_ERR);

    cr_assert(message ? lines_include(text, WORDS(message)) : !strstr(text, "warning"), "%s", text);
    cr_assert_eq(access(new_name, F_OK), -1, "FILE.new still exists");
}

Test(checkpoint, a_file_system_that_lacks_something_has_a_checkpoint_and_one_warning)
{
    static const struct fault rows[] = {
        {".new", "flock:error=ENOLCK", NULL},
        {".new", "flock:error=ENOSYS", NULL},
        {".new", "flock,fcntl:error=ENOLCK", "meantime: warning: cannot lock */sum: No locks *"},
        {".new", "flock,fcntl:error=EOPNOTSUPP", "meantime: warning: cannot lock */sum: *"},
        {"/", "fsync:error=EINVAL",
         "meantime: warning: cannot sync the folder of */sum: Invalid *"},
        {"/", "fsync:error=EIO", "meantime: warning: cannot sync the folder of */sum: *"},
        {"/", "openat:error=EACCES", "meantime: warning: cannot sync the folder of */sum: *"},
        {".new", "fsync:error=ENOSYS", "meantime: warning: cannot sync */sum: *"},
        {".new", "fchmod:error=EPERM", "meantime: warning: cannot keep the mode of */sum: *"},
    };

    skip_without_strace();
    struct test_server server = server_start(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        save(folder_file, 10);
        cr_assert(chmod(folder_file, 0640) == 0);
        struct process *client = start_with(&rows[i], &server);
        cr_assert(process_wait(client) == EXIT_SUCCESS, "%s: %s", rows[i].inject,
                  process_text(client, PROCESS_ERR));
        expect_messages(client, rows[i].message);
        cr_assert(unlink(folder_file) == 0);
    }
    server_drain(&server);
}

Test(checkpoint, a_save_that_fails_leaves_the_old_file_and_no_part)
{
    static const struct fault rows[] = {
        {".new", "write:error=ENOSPC", "meantime: cannot write */sum.new: No space left *"},
        {".new", "fsync:error=EIO", "meantime: cannot write */sum.new: Input/output error*"},
        {".new", "ftruncate:error=EIO", "meantime: cannot write */sum.new: Input/output error*"},
        {".new", "rename:error=EIO", "meantime: cannot replace */sum: Input/output error*"},
    };

    skip_without_strace();
    struct test_server server = server_start(NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        save(folder_file, 10);
        struct process *client = start_with(&rows[i], &server);
        cr_assert(process_wait(client) == EXIT_FAILURE);
        expect_messages(client, rows[i].message);
        expect_count(folder_file, 10);
    }
    server_drain(&server);
}

/* ---- files without a name ---------------------------------------------------------------- */

/* Files in the folder of the test, except "." and "..". */
static int files(void)
{
    DIR *open_folder = opendir(folder);
    int count = -2;

    cr_assert(open_folder);
    while (readdir(open_folder))
        count++;
    closedir(open_folder);
    return count;
}

static int write_unnamed(struct atomic_file *file)
{
    atomic_file_init(file, folder_file, ".part");
    int fd = atomic_file_open_unnamed(file);

    cr_assert(fd != -1 && write(fd, "picture", 7) == 7);
    return fd;
}

static void skip_without_unnamed_files(void)
{
    int fd = open("/tmp", O_RDWR | O_TMPFILE, 0600);

    if (fd == -1)
        cr_skip_test("/tmp cannot hold files without a name");
    close(fd);
}

/* A picture is written in this way. */
Test(checkpoint, a_killed_writer_leaves_nothing_of_a_file_without_a_name)
{
    struct atomic_file file;
    int status;

    skip_without_unnamed_files();
    pid_t writer = fork();
    if (writer == 0) {
        write_unnamed(&file);
        _exit(files() == 0 ? kill(getpid(), SIGKILL) : EXIT_FAILURE);
    }
    cr_assert(waitpid(writer, &status, 0) == writer);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    cr_assert_eq(files(), 0);
}

Test(checkpoint, a_file_without_a_name_replaces_an_old_one)
{
    struct atomic_file file;
    char text[16] = "";

    skip_without_unnamed_files();
    for (int i = 0; i < 2; i++) {
        int fd = write_unnamed(&file);
        cr_assert(atomic_file_link(&file, fd) && atomic_file_replace(&file));
        close(fd);
    }
    cr_assert_eq(files(), 1);
    int fd = open(folder_file, O_RDONLY);
    cr_assert(read(fd, text, sizeof text) == 7);
    cr_assert_str_eq(text, "picture");
}
