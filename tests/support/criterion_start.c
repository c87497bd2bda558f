/* Makes the start of a Criterion test cheap. Linked into all tests without a sanitizer.
 *
 * Criterion starts a process for each test. In each process, Criterion maps every loaded library to
 * search it for tests, and a system test loads 40. This dl_iterate_phdr() shows only the files that
 * Criterion needs: the program, which has the tests, and Criterion itself. */
#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

typedef int visit_function(struct dl_phdr_info *info, size_t size, void *data);

struct visit {
    visit_function *function;
    void *data;
};

static int visit_needed(struct dl_phdr_info *info, size_t size, void *data)
{
    struct visit *visit = data;
    bool is_program = !info->dlpi_name[0];

    if (!is_program && !strstr(info->dlpi_name, "/libcriterion"))
        return 0;
    return visit->function(info, size, visit->data);
}

int dl_iterate_phdr(visit_function *function, void *data)
{
    typeof(dl_iterate_phdr) *all;

    *(void **)&all = dlsym(RTLD_NEXT, "dl_iterate_phdr");
    return all(visit_needed, &(struct visit){function, data});
}
