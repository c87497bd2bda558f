/* meantime keys: makes, allows, revokes, lists and shows keys, and never shows a secret. */
#include <criterion/criterion.h>
#include <czmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/folder.h"
#include "tests/support/story.h"

/* The programs write into the folder of the test. */
static void begin(void)
{
    folder_begin();
    cr_assert_eq(chdir(folder), 0);
    setenv("MEANTIME_KEYS", "keys", 1);
}

TestSuite(keys, .init = begin, .fini = folder_end);

/* Runs `meantime keys` with these words. */
static struct process *keys(const char *const *words)
{
    const char *all[12] = {MEANTIME, "keys"};

    for (size_t i = 0; words[i]; i++)
        all[2 + i] = words[i];
    struct process *process = process_start(all);
    process_wait(process);
    return process;
}

static void expect_success(struct process *process)
{
    cr_assert(process_wait(process) == 0, "%s", process_text(process, PROCESS_ERR));
}

static void expect_failure(struct process *process, const char *sentence)
{
    cr_assert_eq(process_wait(process), EXIT_FAILURE);
    cr_assert(lines_are(process_text(process, PROCESS_ERR), WORDS(sentence)), "%s",
              process_text(process, PROCESS_ERR));
}

static unsigned mode_of(const char *path)
{
    struct stat file;

    cr_assert_eq(stat(path, &file), 0, "%s", path);
    return file.st_mode & 07777;
}

static const char *text_of(const char *path)
{
    static char text[4096];
    FILE *in = fopen(path, "r");

    cr_assert(in, "%s", path);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    return text;
}

/* ---- files ------------------------------------------------------------------------------- */

Test(keys, a_new_secret_is_for_its_owner_only_whatever_the_umask_is)
{
    umask(0);
    expect_success(keys(WORDS("new", "alice")));
    cr_assert_eq(mode_of("keys"), 0700);
    cr_assert_eq(mode_of("keys/alice_secret"), 0600);
    cr_assert_eq(mode_of("keys/alice"), 0644);
}

Test(keys, czmq_reads_the_files)
{
    expect_success(keys(WORDS("new", "alice", "--role", "worker")));
    zcert_t *certificate = zcert_load("keys/alice");
    cr_assert(certificate);
    cr_assert_str_eq(zcert_meta(certificate, "name"), "alice");
    cr_assert_str_eq(zcert_meta(certificate, "role"), "worker");
    cr_assert(strstr(text_of("keys/alice"), zcert_public_txt(certificate)));
    cr_assert(strstr(text_of("keys/alice_secret"), zcert_secret_txt(certificate)));
    zcert_destroy(&certificate);
}

Test(keys, a_file_of_czmq_can_be_allowed)
{
    zcert_t *certificate = zcert_new();
    char pattern[128];

    zcert_set_meta(certificate, "name", "%s", "carol");
    cr_assert_eq(zcert_save(certificate, "from-carol"), 0);
    expect_success(keys(WORDS("allow", "from-carol")));
    struct process *list = keys(WORDS("list"));
    expect_success(list);
    snprintf(pattern, sizeof pattern, "carol * client *allowed *");
    cr_assert(lines_include(process_text(list, PROCESS_OUT), WORDS(pattern)), "%s",
              process_text(list, PROCESS_OUT));
    cr_assert(strstr(process_text(list, PROCESS_OUT), zcert_public_txt(certificate)));
    zcert_destroy(&certificate);
}

Test(keys, a_key_is_never_replaced)
{
    expect_success(keys(WORDS("new", "alice")));
    char *before = strdup(text_of("keys/alice_secret"));
    expect_failure(
        keys(WORDS("new", "alice")),
        "meantime: cannot write keys/alice_secret: File exists; keys are never replaced*");
    cr_assert_str_eq(text_of("keys/alice_secret"), before);
    free(before);
}

Test(keys, a_secret_file_that_others_can_read_or_the_group_can_write_is_refused)
{
    static const struct {
        mode_t mode;
        bool safe;
    } rows[] = {{0600, true},  {0400, true},  {0640, true},  {0604, false},
                {0602, false}, {0620, false}, {0660, false}, {0644, false}};

    expect_success(keys(WORDS("new", "alice")));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(chmod("keys/alice_secret", rows[i].mode), 0);
        struct process *show = keys(WORDS("show", "keys/alice_secret"));
        cr_assert_eq(process_wait(show), rows[i].safe ? 0 : EXIT_FAILURE, "row %zu", i);
        cr_assert(rows[i].safe || lines_are(process_text(show, PROCESS_ERR),
                                            WORDS("meantime: the secret key in keys/alice_secret "
                                                  "is not safe: *run chmod 600 on it*")));
    }
}

/* ---- the allow-list ---------------------------------------------------------------------- */

Test(keys, allow_and_revoke_add_and_remove_one_file)
{
    expect_success(keys(WORDS("new", "alice", "--role", "admin")));
    struct process *allow = keys(WORDS("allow", "alice"));
    expect_success(allow);
    cr_assert(lines_are(process_text(allow, PROCESS_OUT), WORDS("Allowed alice as admin.")));
    cr_assert_null(strstr(text_of("keys/allowed/alice"), "secret-key"));
    struct process *show = keys(WORDS("show", "alice"));
    cr_assert(lines_include(process_text(show, PROCESS_OUT), WORDS("allowed * as admin")));
    expect_success(keys(WORDS("revoke", "alice")));
    cr_assert_eq(access("keys/allowed/alice", F_OK), -1);
    show = keys(WORDS("show", "alice"));
    cr_assert(lines_include(process_text(show, PROCESS_OUT), WORDS("allowed * no")));
    expect_failure(keys(WORDS("revoke", "alice")), "meantime: alice: this key is not allowed");
}

Test(keys, a_foreign_file_cannot_make_its_owner_more_than_a_client)
{
    expect_success(keys(WORDS("new", "mallory", "--role", "admin", "--keys", "theirs")));
    struct process *allow = keys(WORDS("allow", "theirs/mallory"));
    expect_success(allow);
    cr_assert(lines_are(process_text(allow, PROCESS_OUT), WORDS("Allowed mallory as client.")));
    allow = keys(WORDS("allow", "theirs/mallory", "--role", "worker"));
    expect_success(allow);
    cr_assert(lines_are(process_text(allow, PROCESS_OUT), WORDS("Allowed mallory as worker.")));
}

Test(keys, a_key_has_one_name_and_a_name_has_one_key)
{
    expect_success(keys(WORDS("new", "alice")));
    expect_success(keys(WORDS("allow", "alice")));
    expect_success(keys(WORDS("new", "alice", "--keys", "theirs")));
    expect_failure(keys(WORDS("allow", "theirs/alice")),
                   "meantime: alice: another key of this name is allowed; revoke it first");
    cr_assert_eq(system("sed s/alice/alicia/ keys/alice >alicia"), 0);
    expect_failure(keys(WORDS("allow", "alicia")),
                   "meantime: alicia: this key is allowed already, under another name");
    cr_assert_eq(system("cp keys/allowed/alice keys/allowed/copy"), 0);
    struct process *list = keys(WORDS("list"));
    cr_assert(lines_include(process_text(list, PROCESS_ERR),
                            WORDS("*: the key in alice is not allowed: the same key stands in "
                                  "another file as well")),
              "%s", process_text(list, PROCESS_ERR));
    cr_assert(lines_include(process_text(list, PROCESS_OUT), WORDS("alice *not allowed *")));
}

Test(keys, unsafe_files_of_the_allow_list_are_left_out)
{
    expect_success(keys(WORDS("new", "alice")));
    expect_success(keys(WORDS("allow", "alice")));
    cr_assert_eq(chmod("keys/allowed/alice", 0646), 0);
    struct process *list = keys(WORDS("list"));
    cr_assert(lines_are(process_text(list, PROCESS_ERR),
                        WORDS("*keys/allowed/alice is not allowed: others can write this file")));
    cr_assert_eq(chmod("keys/allowed", 0777), 0);
    expect_failure(keys(WORDS("list")), "meantime: others can write the folder of keys keys; *");
}

Test(keys, the_key_of_the_server_has_no_role_and_needs_no_permission)
{
    struct process *made = keys(WORDS("new", "server"));

    expect_success(made);
    cr_assert(
        lines_include(process_text(made, PROCESS_OUT), WORDS("*Its peers need --server-key *")));
    expect_failure(keys(WORDS("allow", "server")),
                   "meantime: server: the server's own key needs no permission");
    expect_failure(keys(WORDS("new", "server", "--role", "admin")),
                   "meantime: server: this name is *");
}

Test(keys, the_default_folder_is_that_of_the_user)
{
    unsetenv("MEANTIME_KEYS");
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", folder, 1);
    expect_success(keys(WORDS("new", "alice")));
    cr_assert_eq(mode_of(".config/meantime/keys/alice_secret"), 0600);
}

/* ---- secrets ----------------------------------------------------------------------------- */

Test(keys, no_command_prints_a_secret)
{
    char secret[41] = "";

    expect_success(keys(WORDS("new", "alice")));
    const char *place = strstr(text_of("keys/alice_secret"), "secret-key = \"");
    cr_assert(place && sscanf(place, "secret-key = \"%40s", secret) == 1);
    struct process *const all[] = {
        keys(WORDS("allow", "keys/alice_secret")),
        keys(WORDS("list")),
        keys(WORDS("show", "alice")),
        keys(WORDS("show", "keys/alice_secret")),
        keys(WORDS("new", "alice")),
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        cr_assert_null(strstr(process_text(all[i], PROCESS_OUT), secret), "row %zu", i);
        cr_assert_null(strstr(process_text(all[i], PROCESS_ERR), secret), "row %zu", i);
    }
    cr_assert_null(strstr(text_of("keys/allowed/alice"), secret));
}
