/* The environment variables of the options. */
#include "cli/environment.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *variable_name(const char *option, char variable[VARIABLE_BYTES_MAX])
{
    char *end = stpcpy(variable, VARIABLE_PREFIX);

    assert(strlen(option) < VARIABLE_BYTES_MAX - strlen(VARIABLE_PREFIX));
    for (; *option; option++)
        *end++ = *option == '-' ? '_' : (char)toupper((unsigned char)*option);
    *end = '\0';
    return variable;
}

char *variable_text(const char *option)
{
    char variable[VARIABLE_BYTES_MAX];
    char *text = getenv(variable_name(option, variable));

    return text && *text ? text : NULL;
}

bool variable_switch(const char *text, bool *on)
{
    static const char *const words[][2] = {
        {"0", "1"},
        {"false", "true"},
        {"no", "yes"},
        {"off", "on"},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int value = 0; value < 2; value++)
            if (strcasecmp(text, words[i][value]) == 0) {
                *on = value;
                return true;
            }
    return false;
}
