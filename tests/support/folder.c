/* The folder of a test. */
#include "tests/support/folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/story.h"

static char name[] = "/tmp/meantime-test-XXXXXX";
static char file_name[sizeof name + 16];

const char *const folder = name;
const char *const folder_file = file_name;

void folder_begin(void)
{
    cr_assert_not_null(mkdtemp(name));
    snprintf(file_name, sizeof file_name, "%s/sum", name);
}

void folder_end(void)
{
    char command[sizeof name + 16];

    snprintf(command, sizeof command, "rm -r %s", name);
    story_end();
    cr_assert(system(command) == 0);
}
