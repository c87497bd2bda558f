/* Finds the functions of libm that a shared object calls. */
#include "summand/loader.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Functions of libm whose result is exact or correctly rounded, so that it never depends on the
 * processor. Each one exists with the suffixes f and l, too. */
static const char *const exact_functions[] = {
    "sqrt",       "fabs",  "floor",        "ceil",      "trunc",   "rint",      "round",
    "nearbyint",  "lrint", "llrint",       "lround",    "llround", "roundeven", "fmin",
    "fmax",       "fdim",  "fmod",         "remainder", "remquo",  "ldexp",     "scalbn",
    "scalbln",    "frexp", "modf",         "logb",      "ilogb",   "copysign",  "nextafter",
    "nexttoward", "fma",   "__fpclassify", "__signbit", "__isnan", "__isinf",   "__finite",
    "finite",     "isnan", "isinf",        NULL,
};

struct object {
    const char *bytes;
    size_t size;
};

static bool is_exact(const char *name)
{
    for (const char *const *exact = exact_functions; *exact; exact++) {
        size_t length = strlen(*exact);
        const char *suffix = name + length;
        if (strncmp(name, *exact, length) == 0 &&
            (!*suffix || ((*suffix == 'f' || *suffix == 'l') && !suffix[1])))
            return true;
    }
    return false;
}

/* True if libm has this function. libm's handle also finds the functions of libc. */
static bool is_of_libm(const char *name)
{
    Dl_info info;
    void *libm = dlopen("libm.so.6", RTLD_LAZY | RTLD_LOCAL);
    void *function = libm ? dlsym(libm, name) : NULL;
    const char *file = function && dladdr(function, &info) ? info.dli_fname : NULL;
    return file && strstr(file, "/libm.so");
}

static void list_name(const char *name, char *names, size_t bytes)
{
    size_t length = strlen(names);
    if (length + strlen(name) + 3 <= bytes)
        snprintf(names + length, bytes - length, "%s%s", length ? ", " : "", name);
}

/* The bytes at `offset`, or NULL if they are not all in the file. */
static const void *part_of(const struct object *object, uint64_t offset, uint64_t bytes)
{
    bool inside = offset <= object->size && bytes <= object->size - offset;
    return inside ? object->bytes + offset : NULL;
}

static void list_symbols(const struct object *object, const ElfW(Shdr) * symbols,
                         const ElfW(Shdr) * strings, char *names, size_t bytes)
{
    const ElfW(Sym) *symbol = part_of(object, symbols->sh_offset, symbols->sh_size);
    const char *text = part_of(object, strings->sh_offset, strings->sh_size);
    if (!symbol || !text || strings->sh_size == 0 || text[strings->sh_size - 1])
        return;
    for (uint64_t i = 0; i < symbols->sh_size / sizeof *symbol; i++) {
        const char *name = symbol[i].st_name < strings->sh_size ? text + symbol[i].st_name : "";
        if (symbol[i].st_shndx == SHN_UNDEF && *name && !is_exact(name) && is_of_libm(name))
            list_name(name, names, bytes);
    }
}

static void list_calls(const struct object *object, char *names, size_t bytes)
{
    const ElfW(Ehdr) *header = part_of(object, 0, sizeof *header);
    if (!header || header->e_shentsize != sizeof(ElfW(Shdr)))
        return;
    const ElfW(Shdr) *section =
        part_of(object, header->e_shoff, (uint64_t)header->e_shnum * sizeof *section);
    for (unsigned i = 0; section && i < header->e_shnum; i++)
        if (section[i].sh_type == SHT_DYNSYM && section[i].sh_link < header->e_shnum)
            list_symbols(object, &section[i], &section[section[i].sh_link], names, bytes);
}

void loader_libm_calls(int file, char *names, size_t bytes)
{
    struct stat stat;
    struct object object = {0};
    names[0] = '\0';
    if (fstat(file, &stat) == -1)
        return;
    object.size = (size_t)stat.st_size;
    void *map = mmap(NULL, object.size, PROT_READ, MAP_PRIVATE, file, 0);
    if (map == MAP_FAILED)
        return;
    object.bytes = map;
    list_calls(&object, names, bytes);
    munmap(map, object.size);
}
