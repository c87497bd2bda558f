/* A folder of keys: see key_folder.h. */
#include "keys/key_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/errno_saved.h"
#include "sums/fnv.h"

/* File systems keep times in steps of up to two seconds (FAT). */
#define RECENT_S 3

bool key_folder_path(const char *folder, const char *part, const char *name, const char *suffix,
                     char path[PATH_MAX], struct key_problem *problem)
{
    int size =
        snprintf(path, PATH_MAX, "%s%s%s/%s%s", folder, *part ? "/" : "", part, name, suffix);

    if (size > 0 && size < PATH_MAX)
        return true;
    snprintf(problem->text, sizeof problem->text, "the path of the key %s is too long", name);
    return false;
}

/* ---- the files of allowed/ --------------------------------------------------------------- */

/* Editors and copying programs leave files with other names, such as .alice.swp, for a moment. */
static int is_key_name(const struct dirent *entry)
{
    return key_name_valid(entry->d_name);
}

/* Returns the count of names, or -1. */
static int list_names(const char *folder, struct dirent ***names)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/" KEY_FOLDER_ALLOWED, folder);
    int count = scandir(path, names, is_key_name, alphasort);
    if (count == -1 && errno == ENOENT) {
        *names = NULL;
        return 0;
    }
    return count;
}

static void free_names(struct dirent **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* ---- loading ----------------------------------------------------------------------------- */

static int compare_keys(const void *left, const void *right)
{
    const struct allowed_key *a = left, *b = right;

    return memcmp(a->public_key, b->public_key, KEY_BYTES);
}

static void warn_about(void (*warn)(const char *), const char *path, const char *why)
{
    char sentence[KEY_PROBLEM_BYTES + PATH_MAX + 64];

    snprintf(sentence, sizeof sentence, "the key in %s is not allowed: %s", path, why);
    warn(sentence);
}

/* Whoever can write the file could allow another key. */
static bool others_can_write(const char *path)
{
    struct stat file;

    return stat(path, &file) == 0 && (file.st_mode & S_IWOTH);
}

static const char *fault_of(const char *path, const struct certificate *certificate)
{
    if (certificate->role == KEY_ROLE_NONE)
        return "it has no role; allow it with \"meantime keys allow\"";
    return others_can_write(path) ? "others can write this file" : NULL;
}

/* False: the file is left out, after a warning. */
static bool load_key(const char *path, const char *name, struct allowed_key *key,
                     void (*warn)(const char *))
{
    struct certificate certificate;
    struct key_problem problem;

    if (!key_file_read_public(path, &certificate, &problem)) {
        warn_about(warn, path, problem.text);
        return false;
    }
    const char *fault = fault_of(path, &certificate);
    if (fault) {
        warn_about(warn, path, fault);
        return false;
    }
    *key = (struct allowed_key){.role = certificate.role};
    memcpy(key->public_key, certificate.public_key, KEY_BYTES);
    strcpy(key->name, name); /* its length is valid */
    return true;
}

static void load_keys(const char *folder, struct dirent **names, int count,
                      struct allowed_keys *allowed, void (*warn)(const char *))
{
    struct key_problem problem;
    char path[PATH_MAX];

    for (int i = 0; i < count && allowed->count < ALLOWED_KEYS_MAX; i++)
        if (!key_folder_path(folder, KEY_FOLDER_ALLOWED, names[i]->d_name, "", path, &problem))
            warn(problem.text);
        else if (load_key(path, names[i]->d_name, &allowed->keys[allowed->count], warn))
            allowed->count++;
    if (count > ALLOWED_KEYS_MAX)
        warn("there are too many keys: the others are not allowed");
}

/* If one key stands in several files, revoking one of them would leave it allowed. */
static void drop_duplicates(struct allowed_keys *allowed, void (*warn)(const char *))
{
    size_t kept = 0;

    qsort(allowed->keys, allowed->count, sizeof *allowed->keys, compare_keys);
    for (size_t i = 0; i < allowed->count; i++) {
        size_t end = i + 1;
        while (end < allowed->count && compare_keys(&allowed->keys[i], &allowed->keys[end]) == 0)
            end++;
        if (end == i + 1)
            allowed->keys[kept++] = allowed->keys[i];
        else
            warn_about(warn, allowed->keys[i].name, "the same key stands in another file as well");
        i = end - 1;
    }
    allowed->count = kept;
}

/* Whoever can write the folder could allow any key. */
static bool folder_is_safe(const char *folder, struct key_problem *problem)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/" KEY_FOLDER_ALLOWED, folder);
    if (!others_can_write(folder) && !others_can_write(path))
        return true;
    snprintf(problem->text, sizeof problem->text,
             "others can write the folder of keys %s; run: chmod -R o-w on it", folder);
    return false;
}

struct allowed_keys *allowed_keys_load(const char *folder, void (*warn)(const char *sentence),
                                       struct key_problem *problem)
{
    struct dirent **names;

    if (!folder_is_safe(folder, problem))
        return NULL;
    int count = list_names(folder, &names);
    struct allowed_keys *allowed =
        count == -1 ? NULL : calloc(1, sizeof *allowed + (size_t)count * sizeof allowed->keys[0]);
    if (allowed) {
        load_keys(folder, names, count, allowed, warn);
        drop_duplicates(allowed, warn);
    } else
        snprintf(problem->text, sizeof problem->text,
                 "cannot read the keys in %s/" KEY_FOLDER_ALLOWED ": %s", folder, strerror(errno));
    if (count != -1)
        free_names(names, count);
    return allowed;
}

const struct allowed_key *allowed_keys_find(const struct allowed_keys *allowed,
                                            const uint8_t key[KEY_BYTES])
{
    struct allowed_key wanted;

    memcpy(wanted.public_key, key, KEY_BYTES);
    return bsearch(&wanted, allowed->keys, allowed->count, sizeof *allowed->keys, compare_keys);
}

/* ---- changes ----------------------------------------------------------------------------- */

/* A file that was just removed counts as changed. */
static void add_file(uint64_t *fingerprint, bool *recent, const char *path)
{
    struct stat file = {.st_size = -1};

    if (stat(path, &file) == -1)
        file = (struct stat){.st_size = -1};
    const int64_t parts[] = {(int64_t)file.st_ino, (int64_t)file.st_size, (int64_t)file.st_mode,
                             file.st_mtim.tv_sec,  file.st_mtim.tv_nsec,  file.st_ctim.tv_sec,
                             file.st_ctim.tv_nsec};
    *fingerprint = fnv_add_bytes(*fingerprint, parts, sizeof parts);
    *recent |= time(NULL) - file.st_ctim.tv_sec < RECENT_S;
}

bool allowed_keys_fingerprint(const char *folder, uint64_t *fingerprint, bool *recent)
{
    char path[PATH_MAX];
    struct dirent **names;
    int count = list_names(folder, &names);

    *fingerprint = FNV_OFFSET;
    *recent = false;
    if (count == -1)
        return false;
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/" KEY_FOLDER_ALLOWED "/%s", folder, names[i]->d_name);
        *fingerprint = fnv_add_bytes(*fingerprint, names[i]->d_name, strlen(names[i]->d_name) + 1);
        add_file(fingerprint, recent, path);
    }
    free_names(names, count);
    return true;
}

void key_folder_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1)
        return;
    ERRNO_SAVED(fsync(fd));
    ERRNO_SAVED(close(fd));
}
