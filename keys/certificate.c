/* A certificate as text in czmq's format: see certificate.h. */
#include "keys/certificate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The format indents each level by this many spaces. */
#define INDENT 4

#define SECRET_SUFFIX "_secret"

/* A part of the text, without a NUL. */
struct slice {
    const char *start;
    size_t size;
};

struct reader {
    struct certificate *certificate;
    struct slice section; /* the last name without indentation */
    unsigned read;        /* a bit for each row of `fields` that was read */
    const char *fault;    /* NULL: none */
};

/* ---- names and roles --------------------------------------------------------------------- */

static bool ends_like_a_secret_file(const char *name)
{
    size_t size = strlen(name), suffix = strlen(SECRET_SUFFIX);

    return size >= suffix && strcmp(name + size - suffix, SECRET_SUFFIX) == 0;
}

bool key_name_valid(const char *name)
{
    static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789._-";
    size_t size = strlen(name);

    return size >= 1 && size <= KEY_NAME_BYTES_MAX && strspn(name, accepted) == size &&
           name[0] != '.' && name[0] != '-' && !ends_like_a_secret_file(name);
}

static const char *const role_names[KEY_ROLES] = {
    [KEY_ROLE_NONE] = "none",
    [KEY_ROLE_CLIENT] = "client",
    [KEY_ROLE_WORKER] = "worker",
    [KEY_ROLE_ADMIN] = "admin",
};

const char *key_role_name(enum key_role role)
{
    return role_names[role];
}

bool key_role_parse(const char *name, enum key_role *role)
{
    for (enum key_role each = KEY_ROLE_CLIENT; each < KEY_ROLES; each++)
        if (strcmp(role_names[each], name) == 0) {
            *role = each;
            return true;
        }
    return false;
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool is(struct slice slice, const char *text)
{
    return slice.size == strlen(text) && memcmp(slice.start, text, slice.size) == 0;
}

/* Copies a value that fits into KEY_NAME_BYTES_MAX bytes. */
static bool copy(struct slice value, char text[KEY_NAME_BYTES_MAX + 1])
{
    if (value.size > KEY_NAME_BYTES_MAX)
        return false;
    memcpy(text, value.start, value.size);
    text[value.size] = '\0';
    return true;
}

static const char *read_name(struct certificate *certificate, struct slice value)
{
    bool valid = copy(value, certificate->name) && key_name_valid(certificate->name);

    return valid ? NULL : "its name is not valid";
}

static const char *read_role(struct certificate *certificate, struct slice value)
{
    char role[KEY_NAME_BYTES_MAX + 1];

    return copy(value, role) && key_role_parse(role, &certificate->role)
               ? NULL
               : "its role is not client, worker or admin";
}

static const char *read_public_key(struct certificate *certificate, struct slice value)
{
    return z85_read(value.start, value.size, certificate->public_key)
               ? NULL
               : "its public-key is not a key of 40 characters";
}

static const char *read_secret_key(struct certificate *certificate, struct slice value)
{
    certificate->has_secret_key = z85_read(value.start, value.size, certificate->secret_key);
    return certificate->has_secret_key ? NULL : "its secret-key is not a key of 40 characters";
}

static const struct {
    const char *section, *name;
    const char *(*read)(struct certificate *certificate, struct slice value);
} fields[] = {
    {"metadata", "name", read_name},
    {"metadata", "role", read_role},
    {"curve", "public-key", read_public_key},
    {"curve", "secret-key", read_secret_key},
};

#define PUBLIC_KEY_BIT (1U << 2)

static void read_field(struct reader *reader, struct slice name, struct slice value)
{
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!is(reader->section, fields[i].section) || !is(name, fields[i].name))
            continue;
        reader->fault = reader->read & 1U << i ? "a field is given twice"
                                               : fields[i].read(reader->certificate, value);
        reader->read |= 1U << i;
        return;
    }
}

static struct slice without_spaces(struct slice slice)
{
    while (slice.size > 0 && slice.start[0] == ' ')
        slice = (struct slice){slice.start + 1, slice.size - 1};
    while (slice.size > 0 && slice.start[slice.size - 1] == ' ')
        slice.size--;
    return slice;
}

/* A value with or without quotes. */
static struct slice without_quotes(struct slice value)
{
    if (value.size >= 2 && value.start[0] == '"' && value.start[value.size - 1] == '"')
        return (struct slice){value.start + 1, value.size - 2};
    return value;
}

/* line: not empty, without spaces at its ends. A line without = is a section. */
static void read_words(struct reader *reader, size_t level, struct slice line)
{
    const char *equals = memchr(line.start, '=', line.size);
    size_t name_size = equals ? (size_t)(equals - line.start) : line.size;
    struct slice name = without_spaces((struct slice){line.start, name_size});

    if (level == 0)
        reader->section = name;
    else if (level == 1 && equals)
        read_field(
            reader, name,
            without_quotes(without_spaces((struct slice){equals + 1, line.size - name_size - 1})));
}

static void read_line(struct reader *reader, struct slice line)
{
    struct slice words = without_spaces(line);
    size_t indent = (size_t)(words.start - line.start);

    if (words.size == 0 || words.start[0] == '#')
        return;
    if (indent % INDENT != 0)
        reader->fault = "a line is not indented by a multiple of 4 spaces";
    else
        read_words(reader, indent / INDENT, words);
}

static bool is_plain_text(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.start[i] != '\n' && (text.start[i] < ' ' || text.start[i] > '~'))
            return false;
    return true;
}

static void read_lines(struct reader *reader, struct slice text)
{
    while (text.size > 0 && !reader->fault) {
        const char *end = memchr(text.start, '\n', text.size);
        size_t size = end ? (size_t)(end - text.start) : text.size;
        read_line(reader, (struct slice){text.start, size});
        size += end != NULL;
        text = (struct slice){text.start + size, text.size - size};
    }
}

bool certificate_read(const char *text, size_t size, struct certificate *certificate,
                      const char **fault)
{
    struct reader reader = {.certificate = certificate, .section = {"", 0}};
    struct slice all = {text, size};

    *certificate = (struct certificate){.role = KEY_ROLE_NONE};
    if (!is_plain_text(all))
        reader.fault = "it is not a text of printable ASCII";
    else
        read_lines(&reader, all);
    if (!reader.fault && !(reader.read & PUBLIC_KEY_BIT))
        reader.fault = "it has no public-key in a section curve";
    *fault = reader.fault;
    if (reader.fault)
        certificate_wipe(certificate);
    return !reader.fault;
}

/* ---- writing ----------------------------------------------------------------------------- */

static const char public_head[] = "#   Public certificate of meantime (CURVE of ZeroMQ)\n"
                                  "#   Other people may read this file, but check that it is the "
                                  "right one.\n\n";
static const char secret_head[] = "#   SECRET certificate of meantime (CURVE of ZeroMQ)\n"
                                  "#   Whoever can read this file can act as its owner.\n\n";

struct writer {
    char *text; /* CERTIFICATE_BYTES_MAX bytes */
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void add(struct writer *writer, const char *format,
                                                      ...)
{
    va_list arguments;

    va_start(arguments, format);
    writer->size += (size_t)vsnprintf(writer->text + writer->size,
                                      CERTIFICATE_BYTES_MAX - writer->size, format, arguments);
    va_end(arguments);
}

static void add_key(struct writer *writer, const char *name, const uint8_t key[KEY_BYTES])
{
    char text[KEY_TEXT_BYTES];

    z85_write(key, text);
    add(writer, "    %s = \"%s\"\n", name, text);
    explicit_bzero(text, sizeof text);
}

size_t certificate_write(const struct certificate *certificate, bool secret,
                         char text[CERTIFICATE_BYTES_MAX])
{
    struct writer writer = {.text = text};

    add(&writer, "%smetadata\n", secret ? secret_head : public_head);
    if (certificate->name[0])
        add(&writer, "    name = \"%s\"\n", certificate->name);
    if (certificate->role != KEY_ROLE_NONE)
        add(&writer, "    role = \"%s\"\n", key_role_name(certificate->role));
    add(&writer, "curve\n");
    add_key(&writer, "public-key", certificate->public_key);
    if (secret)
        add_key(&writer, "secret-key", certificate->secret_key);
    return writer.size;
}

void certificate_wipe(struct certificate *certificate)
{
    explicit_bzero(certificate, sizeof *certificate);
}
