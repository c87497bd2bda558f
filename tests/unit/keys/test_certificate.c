/* Certificates and keys as text: what is read, what is refused, and that writing and reading are
 * inverse. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "keys/certificate.h"
#include "tests/support/chance.h"

#define PUBLIC "%6q+>]E*I:T*MR8*FJDU%dd9i3Un[AL4.!%b[.jT"
#define SECRET "Lo9O2h!wRkdIAJUyX6w]>RK[Rk{q}1%4WELbTw+y"

/* ---- keys -------------------------------------------------------------------------------- */

Test(z85, the_example_of_the_specification)
{
    static const uint8_t bytes[8] = {0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B};
    uint8_t key[KEY_BYTES] = {0};
    char text[KEY_TEXT_BYTES];

    memcpy(key, bytes, sizeof bytes);
    z85_write(key, text);
    cr_assert_str_eq(text, "HelloWorld000000000000000000000000000000");
    cr_assert(z85_read(text, strlen(text), key));
    cr_assert_arr_eq(key, bytes, sizeof bytes);
}

Test(z85, texts_that_are_no_key_are_refused)
{
    static const char *const texts[] = {
        "",
        "HelloWorld00000000000000000000000000000",   /* 39 characters */
        "HelloWorld0000000000000000000000000000000", /* 41 */
        "HelloWorld00000000000000000000000000000 ",
        "HelloWorld00000000000000000000000000000\"",
        "HelloWorld00000000000000000000000000000\x80",
        "#####World000000000000000000000000000000", /* 85^5 - 1 has 33 bits */
        "%nSc1World000000000000000000000000000000", /* 2^32 */
    };
    uint8_t key[KEY_BYTES];

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect(!z85_read(texts[i], strlen(texts[i]), key), "row %zu", i);
    cr_expect(z85_read("%nSc0World000000000000000000000000000000", 40, key), "2^32 - 1");
    cr_expect(!z85_read("HelloWorld\0000000000000000000000000000000", 40, key), "a NUL");
}

Test(z85, reading_what_was_written_gives_the_same_key)
{
    struct chance chance = chance_init();
    uint8_t key[KEY_BYTES], again[KEY_BYTES];
    char text[KEY_TEXT_BYTES];

    for (int round = 0; round < 10000; round++) {
        for (int i = 0; i < KEY_BYTES; i++)
            key[i] = (uint8_t)chance_below(&chance, 256);
        z85_write(key, text);
        cr_assert(z85_read(text, strlen(text), again));
        cr_assert_arr_eq(key, again, KEY_BYTES);
    }
}

/* ---- certificates ------------------------------------------------------------------------ */

static bool read_text(const char *text, struct certificate *certificate, const char **fault)
{
    return certificate_read(text, strlen(text), certificate, fault);
}

Test(certificate, a_file_of_czmq_is_read)
{
    static const char text[] = "#   ****  Generated on 2026-11-29 13:28:36 by CZMQ  ****\n"
                               "#   ZeroMQ CURVE **Secret** Certificate\n"
                               "#   DO NOT PROVIDE THIS FILE TO OTHER USERS.\n"
                               "\n"
                               "metadata\n"
                               "    name = \"alice\"\n"
                               "    role = \"admin\"\n"
                               "    email = \"alice@example.org\"\n"
                               "curve\n"
                               "    public-key = \"" PUBLIC "\"\n"
                               "    secret-key = \"" SECRET "\"\n";
    struct certificate certificate;
    const char *fault;
    char key[KEY_TEXT_BYTES];

    cr_assert(read_text(text, &certificate, &fault), "%s", fault);
    cr_assert_str_eq(certificate.name, "alice");
    cr_assert_eq(certificate.role, KEY_ROLE_ADMIN);
    cr_assert(certificate.has_secret_key);
    z85_write(certificate.public_key, key);
    cr_assert_str_eq(key, PUBLIC);
    z85_write(certificate.secret_key, key);
    cr_assert_str_eq(key, SECRET);
}

Test(certificate, only_the_public_key_is_needed)
{
    struct certificate certificate;
    const char *fault;

    cr_assert(read_text("curve\n    public-key = " PUBLIC, &certificate, &fault), "%s", fault);
    cr_assert_str_eq(certificate.name, "");
    cr_assert_eq(certificate.role, KEY_ROLE_NONE);
    cr_assert_not(certificate.has_secret_key);
}

Test(certificate, texts_with_faults_are_refused_and_leave_no_key)
{
    static const struct certificate empty = {.role = KEY_ROLE_NONE};
    static const struct {
        const char *text, *fault;
    } rows[] = {
        {"", "it has no public-key in a section curve"},
        {"curve\npublic-key = \"" PUBLIC "\"\n", "it has no public-key in a section curve"},
        {"metadata\n    public-key = \"" PUBLIC "\"\n", "it has no public-key in a section curve"},
        {"curve\n        public-key = \"" PUBLIC "\"\n", "it has no public-key in a section curve"},
        {"curve\n  public-key = \"" PUBLIC "\"\n",
         "a line is not indented by a multiple of 4 spaces"},
        {"curve\n    public-key = \"" PUBLIC "x\"\n",
         "its public-key is not a key of 40 characters"},
        {"curve\n    public-key = \"" PUBLIC "\n", "its public-key is not a key of 40 characters"},
        {"curve\n    public-key\n", "it has no public-key in a section curve"},
        {"curve\n    public-key =\n", "its public-key is not a key of 40 characters"},
        {"curve\n    public-key = " PUBLIC "\n    secret-key = 0\n",
         "its secret-key is not a key of 40 characters"},
        {"curve\n    public-key = " PUBLIC "\n    public-key = " PUBLIC "\n",
         "a field is given twice"},
        {"curve\n    public-key = " PUBLIC "\nmetadata\n    role = root\n",
         "its role is not client, worker or admin"},
        {"curve\n    public-key = " PUBLIC "\nmetadata\n    role = none\n",
         "its role is not client, worker or admin"},
        {"curve\n    public-key = " PUBLIC "\nmetadata\n    name = ../../etc/passwd\n",
         "its name is not valid"},
        {"curve\n    public-key = " PUBLIC
         "\nmetadata\n    name = aaaaaaaaaabbbbbbbbbbccccccccccdd\n",
         "its name is not valid"},
        {"curve\n\tpublic-key = " PUBLIC "\n", "it is not a text of printable ASCII"},
        {"curve\r\n    public-key = " PUBLIC "\r\n", "it is not a text of printable ASCII"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct certificate certificate;
        const char *fault = NULL;
        cr_expect(!read_text(rows[i].text, &certificate, &fault), "row %zu", i);
        cr_expect(fault && strcmp(fault, rows[i].fault) == 0, "row %zu: %s", i, fault);
        cr_expect(memcmp(&certificate, &empty, sizeof empty) == 0, "row %zu", i);
    }
}

Test(certificate, names_are_safe_names_of_files)
{
    static const struct {
        const char *name;
        bool valid;
    } rows[] = {
        {"alice", true},
        {"a", true},
        {"node-7.example.org", true},
        {"A_b", true},
        {"", false},
        {".", false},
        {"..", false},
        {".alice", false},
        {"-v", false},
        {"a/b", false},
        {"a b", false},
        {"alice_secret", false},
        {"_secret", false},
        {"a\n", false},
        {"\xc3\xa4", false},
        {"abcdefghijabcdefghijabcdefghij1", true},
        {"abcdefghijabcdefghijabcdefghij12", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_expect(key_name_valid(rows[i].name) == rows[i].valid, "%s", rows[i].name);
}

static void fill(struct chance *chance, struct certificate *certificate)
{
    static const char *const names[] = {"", "alice", "abcdefghijabcdefghijabcdefghij1"};

    memset(certificate, 0, sizeof *certificate);
    strcpy(certificate->name, names[chance_below(chance, 3)]);
    certificate->role = (enum key_role)chance_below(chance, KEY_ROLES);
    certificate->has_secret_key = chance_below(chance, 2);
    for (int i = 0; i < KEY_BYTES; i++) {
        certificate->public_key[i] = (uint8_t)chance_below(chance, 256);
        certificate->secret_key[i] =
            certificate->has_secret_key ? (uint8_t)chance_below(chance, 256) : 0;
    }
}

Test(certificate, reading_what_was_written_gives_the_same_certificate)
{
    struct certificate certificate, again;
    char text[CERTIFICATE_BYTES_MAX];
    struct chance chance = chance_init();
    const char *fault;

    for (int round = 0; round < 2000; round++) {
        fill(&chance, &certificate);
        size_t size = certificate_write(&certificate, certificate.has_secret_key, text);
        cr_assert(certificate_read(text, size, &again, &fault), "%s", fault);
        cr_assert(memcmp(&certificate, &again, sizeof again) == 0, "round %d", round);
    }
}

Test(certificate, a_public_text_has_no_secret)
{
    struct certificate certificate;
    char text[CERTIFICATE_BYTES_MAX], secret[KEY_TEXT_BYTES];
    struct chance chance = chance_init();

    do
        fill(&chance, &certificate);
    while (!certificate.has_secret_key);
    text[certificate_write(&certificate, false, text)] = '\0';
    z85_write(certificate.secret_key, secret);
    cr_assert_null(strstr(text, "secret"));
    cr_assert_null(strstr(text, secret));
}

/* A changed text is refused, or read as a certificate that can be written and read again. */
Test(certificate, changed_texts_never_break_the_reader)
{
    struct certificate certificate, again;
    char text[CERTIFICATE_BYTES_MAX], rewritten[CERTIFICATE_BYTES_MAX];
    struct chance chance = chance_init();
    const char *fault;
    int read = 0;

    for (int round = 0; round < 20000; round++) {
        fill(&chance, &certificate);
        size_t size = certificate_write(&certificate, certificate.has_secret_key, text);
        for (uint64_t changes = 1 + chance_below(&chance, 3); changes > 0; changes--)
            text[chance_below(&chance, size)] = (char)chance_below(&chance, 256);
        size -= chance_below(&chance, 2) ? chance_below(&chance, size) : 0;
        if (!certificate_read(text, size, &certificate, &fault))
            continue;
        read++;
        size = certificate_write(&certificate, certificate.has_secret_key, rewritten);
        cr_assert(certificate_read(rewritten, size, &again, &fault), "%s", fault);
        cr_assert(memcmp(&certificate, &again, sizeof again) == 0, "round %d", round);
    }
    cr_assert(read > 100, "only %d changed texts were read", read);
}
