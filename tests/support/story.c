/* The end of every system test. */
#include "tests/support/story.h"

#include "tests/support/impostor.h"

void story_end(void)
{
    peers_end();
    impostors_end();
    processes_end();
}
