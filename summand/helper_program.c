/* Finds the program meantime-summand-helper. */
#include "summand/helper_program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "summand/helper_wire.h"

/* Writes the folder of the program that runs, with a slash at its end. */
static bool own_folder(char folder[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (length == -1)
        return false;
    folder[length] = '\0';
    strrchr(folder, '/')[1] = '\0';
    return true;
}

int helper_program_open(char error[SENTENCE_BYTES])
{
    char folder[PATH_MAX], path[PATH_MAX + sizeof HELPER_FROM_SERVER];
    if (!own_folder(folder)) {
        sentence_write(error, "cannot read /proc/self/exe: %s; is /proc mounted?", strerror(errno));
        return -1;
    }
    snprintf(path, sizeof path, "%s" HELPER_FROM_SERVER, folder);
    int file = helper_descriptor_move(open(path, O_PATH | O_CLOEXEC));
    if (file == -1)
        sentence_write(error,
                       "cannot open %s: %s; summands need this program of the same installation",
                       path, strerror(errno));
    return file;
}
