/* Sentences for the user: printable, and cut if they are too long. */
#ifndef MEANTIME_SUMMAND_SENTENCE_H
#define MEANTIME_SUMMAND_SENTENCE_H

/* Bytes of a sentence, with the final 0. */
#define SENTENCE_BYTES 512

/* Writes as printf() does, and replaces what is not printable. */
__attribute__((format(printf, 2, 3))) void sentence_write(char sentence[SENTENCE_BYTES],
                                                          const char *format, ...);

#endif
