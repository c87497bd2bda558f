/* Sentences for the user. */
#include "summand/sentence.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/printable.h"

void sentence_write(char sentence[SENTENCE_BYTES], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, SENTENCE_BYTES, format, arguments);
    va_end(arguments);
    make_printable(sentence);
}
