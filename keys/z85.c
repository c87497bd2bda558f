/* Keys as text: see z85.h. */
#include "keys/z85.h"

#include <string.h>

/* Five characters hold four bytes, as a number with the base 85. */
#define BASE        85
#define GROUP_CHARS 5
#define GROUP_BYTES 4
#define GROUPS      (KEY_BYTES / GROUP_BYTES)

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             ".-:+=^!/*?&<>()[]{}@%$#";

static void group_write(const uint8_t bytes[GROUP_BYTES], char text[GROUP_CHARS])
{
    uint32_t number =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];

    for (int i = GROUP_CHARS - 1; i >= 0; i--) {
        text[i] = digits[number % BASE];
        number /= BASE;
    }
}

/* False if a character is no digit, or if the number has more than 32 bits. */
static bool group_read(const char text[GROUP_CHARS], uint8_t bytes[GROUP_BYTES])
{
    uint64_t number = 0;

    for (int i = 0; i < GROUP_CHARS; i++) {
        const char *digit = text[i] ? strchr(digits, text[i]) : NULL;
        if (!digit)
            return false;
        number = number * BASE + (uint64_t)(digit - digits);
    }
    for (int i = 0; i < GROUP_BYTES; i++)
        bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    return number <= UINT32_MAX;
}

void z85_write(const uint8_t key[KEY_BYTES], char text[KEY_TEXT_BYTES])
{
    for (int i = 0; i < GROUPS; i++)
        group_write(key + i * GROUP_BYTES, text + i * GROUP_CHARS);
    text[KEY_TEXT_BYTES - 1] = '\0';
}

bool z85_read(const char *text, size_t size, uint8_t key[KEY_BYTES])
{
    bool valid = size == KEY_TEXT_BYTES - 1;

    for (int i = 0; i < GROUPS && valid; i++)
        valid = group_read(text + i * GROUP_CHARS, key + i * GROUP_BYTES);
    return valid;
}
