/* The command keys: makes, lists, allows, revokes and shows keys in a folder. */
#include "client/keys/keys_command.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/common/exit_status.h"
#include "keys/identity.h"
#include "keys/key_folder.h"

/* What one call of the command works with. */
struct keys_run {
    const char *folder;
    const char *target; /* a name or a file; NULL: none */
    enum key_role role; /* KEY_ROLE_NONE: not given */
    struct key_problem problem;
};

static bool fail(struct keys_run *run, const char *attempt, const char *what)
{
    snprintf(run->problem.text, sizeof run->problem.text, "cannot %s %s: %s", attempt, what,
             strerror(errno));
    return false;
}

static bool refuse(struct keys_run *run, const char *what, const char *why)
{
    snprintf(run->problem.text, sizeof run->problem.text, "%s: %s", what, why);
    return false;
}

static bool path_of(struct keys_run *run, const char *part, const char *name, const char *suffix,
                    char path[PATH_MAX])
{
    return key_folder_path(run->folder, part, name, suffix, path, &run->problem);
}

/* ---- folders ----------------------------------------------------------------------------- */

/* Makes the folder and its parents. New folders are for their owner only. */
static bool make_folders(struct keys_run *run, const char *folder)
{
    char path[PATH_MAX];

    if ((size_t)snprintf(path, sizeof path, "%s/", folder) >= sizeof path) {
        errno = ENAMETOOLONG;
        return fail(run, "make the folder", folder);
    }
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) == -1 && errno != EEXIST)
            return fail(run, "make the folder", path);
        *slash = '/';
    }
    return true;
}

static bool allowed_folder(struct keys_run *run, char path[PATH_MAX])
{
    return path_of(run, KEY_FOLDER_ALLOWED, "", "", path);
}

static void warn(const char *sentence)
{
    fprintf(stderr, "meantime: %s\n", sentence);
}

/* ---- new --------------------------------------------------------------------------------- */

static bool write_pair(struct keys_run *run, const struct certificate *certificate)
{
    char public_file[PATH_MAX], secret_file[PATH_MAX];

    if (!path_of(run, "", certificate->name, "", public_file) ||
        !path_of(run, "", certificate->name, KEY_SECRET_SUFFIX, secret_file) ||
        !key_file_write(secret_file, certificate, true, &run->problem))
        return false;
    if (!key_file_write(public_file, certificate, false, &run->problem)) {
        unlink(secret_file);
        return false;
    }
    key_folder_sync(run->folder);
    printf("Wrote %s, the public certificate, and %s, which only its owner may read.\n",
           public_file, secret_file);
    return true;
}

static void print_next_step(const struct keys_run *run, const struct certificate *certificate)
{
    char key[KEY_TEXT_BYTES];

    z85_write(certificate->public_key, key);
    if (certificate->role == KEY_ROLE_NONE)
        printf("Start the server with --keys %s. Its peers need --server-key '%s'.\n", run->folder,
               key);
    else
        printf("The server accepts this key, as %s, after: meantime keys allow %s --keys %s\n",
               key_role_name(certificate->role), certificate->name, run->folder);
}

/* The server's own key has no role. */
static bool keys_new(struct keys_run *run)
{
    struct certificate certificate = {.role = run->role};
    bool server = strcmp(run->target, KEY_NAME_SERVER) == 0;

    if (!key_name_valid(run->target))
        return refuse(run, run->target, "expected " KEY_NAME_ACCEPTED);
    if (server && run->role != KEY_ROLE_NONE)
        return refuse(run, run->target, "this name is for the server's own key, which has no role");
    if (!server && run->role == KEY_ROLE_NONE)
        certificate.role = KEY_ROLE_CLIENT;
    snprintf(certificate.name, sizeof certificate.name, "%s", run->target);
    bool made = make_folders(run, run->folder) && key_pair_new(&certificate, &run->problem) &&
                write_pair(run, &certificate);
    if (made)
        print_next_step(run, &certificate);
    certificate_wipe(&certificate);
    return made;
}

/* ---- allow ------------------------------------------------------------------------------- */

/* The name of a certificate that has none is that of its file. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Whether the folder has a certificate of the target's name. */
static bool is_own(struct keys_run *run, char path[PATH_MAX])
{
    return key_name_valid(run->target) && path_of(run, "", run->target, "", path) &&
           access(path, F_OK) == 0;
}

/* Reads a certificate of the folder, or of any file. A file from outside says what its owner wants
 * to be. Only --role makes it more than a client. */
static bool read_target(struct keys_run *run, struct certificate *certificate)
{
    char path[PATH_MAX];
    bool own = is_own(run, path);

    if (!key_file_read_public(own ? path : run->target, certificate, &run->problem))
        return false;
    if (own || !certificate->name[0])
        snprintf(certificate->name, sizeof certificate->name, "%s", base_name(run->target));
    if (run->role != KEY_ROLE_NONE || !own)
        certificate->role = run->role == KEY_ROLE_NONE ? KEY_ROLE_CLIENT : run->role;
    return true;
}

static bool check_allowed(struct keys_run *run, const struct certificate *certificate)
{
    if (!key_name_valid(certificate->name))
        return refuse(run, run->target, "its name is not valid; expected " KEY_NAME_ACCEPTED);
    if (strcmp(certificate->name, KEY_NAME_SERVER) == 0)
        return refuse(run, run->target, "the server's own key needs no permission");
    if (certificate->role == KEY_ROLE_NONE)
        return refuse(run, run->target, "its certificate names no role; give --role");
    return true;
}

static const struct allowed_key *find_name(const struct allowed_keys *allowed, const char *name)
{
    for (size_t i = 0; i < allowed->count; i++)
        if (strcmp(allowed->keys[i].name, name) == 0)
            return &allowed->keys[i];
    return NULL;
}

/* A key has one name, so that revoking the name revokes the key. */
static bool check_conflicts(struct keys_run *run, const struct certificate *certificate)
{
    struct allowed_keys *allowed = allowed_keys_load(run->folder, warn, &run->problem);

    if (!allowed)
        return false;
    const struct allowed_key *same_key = allowed_keys_find(allowed, certificate->public_key);
    const struct allowed_key *same_name = find_name(allowed, certificate->name);
    bool good = true;
    if (same_key && strcmp(same_key->name, certificate->name) != 0)
        good = refuse(run, run->target, "this key is allowed already, under another name");
    else if (same_name && !same_key)
        good =
            refuse(run, certificate->name, "another key of this name is allowed; revoke it first");
    free(allowed);
    return good;
}

static bool write_allowed(struct keys_run *run, const struct certificate *certificate)
{
    char folder[PATH_MAX], path[PATH_MAX];

    if (!allowed_folder(run, folder) || !make_folders(run, folder) ||
        !path_of(run, KEY_FOLDER_ALLOWED, certificate->name, "", path))
        return false;
    if (unlink(path) == -1 && errno != ENOENT)
        return fail(run, "replace", path);
    if (!key_file_write(path, certificate, false, &run->problem))
        return false;
    key_folder_sync(folder);
    return true;
}

static bool keys_allow(struct keys_run *run)
{
    struct certificate certificate;

    if (!read_target(run, &certificate) || !check_allowed(run, &certificate) ||
        !check_conflicts(run, &certificate) || !write_allowed(run, &certificate))
        return false;
    printf("Allowed %s as %s.\n", certificate.name, key_role_name(certificate.role));
    return true;
}

/* ---- revoke ------------------------------------------------------------------------------ */

static bool keys_revoke(struct keys_run *run)
{
    char folder[PATH_MAX], path[PATH_MAX];

    if (!key_name_valid(run->target))
        return refuse(run, run->target, "expected " KEY_NAME_ACCEPTED);
    if (!allowed_folder(run, folder) || !path_of(run, KEY_FOLDER_ALLOWED, run->target, "", path))
        return false;
    if (unlink(path) == -1)
        return errno == ENOENT ? refuse(run, run->target, "this key is not allowed")
                               : fail(run, "revoke", run->target);
    key_folder_sync(folder);
    printf("Revoked %s. Servers with this folder close its connections within a second.\n",
           run->target);
    return true;
}

/* ---- list and show ----------------------------------------------------------------------- */

static int is_key_name(const struct dirent *entry)
{
    return key_name_valid(entry->d_name) && strcmp(entry->d_name, KEY_FOLDER_ALLOWED) != 0;
}

static void print_row(const char *name, const char *role, const char *state,
                      const uint8_t key[KEY_BYTES])
{
    char text[KEY_TEXT_BYTES];

    z85_write(key, text);
    printf("%-31s  %-6s  %-11s  %s\n", name, role, state, text);
}

static void print_allowed(const struct allowed_keys *allowed)
{
    for (size_t i = 0; i < allowed->count; i++)
        print_row(allowed->keys[i].name, key_role_name(allowed->keys[i].role), "allowed",
                  allowed->keys[i].public_key);
}

/* Prints a certificate that was made here, unless print_allowed() has printed its key. */
static void print_own(struct keys_run *run, const struct allowed_keys *allowed, const char *name)
{
    struct certificate certificate;
    char path[PATH_MAX];

    if (!path_of(run, "", name, "", path) ||
        !key_file_read_public(path, &certificate, &run->problem)) {
        warn(run->problem.text);
        return;
    }
    bool server = strcmp(name, KEY_NAME_SERVER) == 0;
    if (!allowed_keys_find(allowed, certificate.public_key))
        print_row(name, server ? "server" : key_role_name(certificate.role),
                  server ? "this server" : "not allowed", certificate.public_key);
}

static bool keys_list(struct keys_run *run)
{
    struct dirent **names;
    int count = scandir(run->folder, &names, is_key_name, alphasort);
    struct allowed_keys *allowed;

    if (count == -1)
        return fail(run, "read the folder", run->folder);
    allowed = allowed_keys_load(run->folder, warn, &run->problem);
    if (allowed) {
        printf("%-31s  %-6s  %-11s  %s\n", "name", "role", "state", "public key");
        print_allowed(allowed);
    }
    for (int i = 0; i < count; i++) {
        if (allowed)
            print_own(run, allowed, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    bool listed = allowed != NULL;
    free(allowed);
    return listed;
}

/* The certificate of a key that was made here, that is allowed here, or that is in any file. */
static const char *file_to_show(struct keys_run *run, char path[PATH_MAX])
{
    if (is_own(run, path))
        return path;
    if (key_name_valid(run->target) && path_of(run, KEY_FOLDER_ALLOWED, run->target, "", path) &&
        access(path, F_OK) == 0)
        return path;
    return run->target;
}

static bool keys_show(struct keys_run *run)
{
    struct certificate certificate;
    char path[PATH_MAX], key[KEY_TEXT_BYTES];

    if (!key_file_read_public(file_to_show(run, path), &certificate, &run->problem))
        return false;
    struct allowed_keys *allowed = allowed_keys_load(run->folder, warn, &run->problem);
    if (!allowed)
        return false;
    const struct allowed_key *entry = allowed_keys_find(allowed, certificate.public_key);
    z85_write(certificate.public_key, key);
    printf("name        %s\nrole        %s\npublic key  %s\nallowed     %s%s\n", certificate.name,
           key_role_name(certificate.role), key, entry ? "as " : "no",
           entry ? key_role_name(entry->role) : "");
    free(allowed);
    return true;
}

/* ---- the command ------------------------------------------------------------------------- */

/* Where keys lie if no folder is given. False if the environment names no home. */
static bool default_folder(char folder[PATH_MAX])
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (config && *config)
        return snprintf(folder, PATH_MAX, "%s/meantime/keys", config) < PATH_MAX;
    return home && *home && snprintf(folder, PATH_MAX, "%s/.config/meantime/keys", home) < PATH_MAX;
}

static bool run_action(struct keys_run *run, enum keys_action action)
{
    static bool (*const actions[])(struct keys_run *) = {
        [KEYS_NEW] = keys_new,       [KEYS_LIST] = keys_list, [KEYS_ALLOW] = keys_allow,
        [KEYS_REVOKE] = keys_revoke, [KEYS_SHOW] = keys_show,
    };

    return actions[action](run);
}

int keys_command(const struct client_options *options)
{
    struct keys_run run = {
        .folder = options->keys_folder, .target = options->keys_target, .role = options->keys_role};
    char folder[PATH_MAX];

    identity_forbid_dumps();
    if (!run.folder && !default_folder(folder)) {
        fprintf(stderr, "meantime: name the folder of the keys with --keys DIR\n");
        return EXIT_USAGE;
    }
    if (!run.folder)
        run.folder = folder;
    if (run_action(&run, options->keys_action))
        return EXIT_SUCCESS;
    fprintf(stderr, "meantime: %s\n", run.problem.text);
    return EXIT_FAILURE;
}
