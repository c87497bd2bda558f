/* Writes raw bits of a stream for other test programs. */
#include "tests/quality/raw.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "tests/quality/samples.h"

/* Makes the bytes of a block, at most 8 for each sample. Returns the number of bytes. */
typedef size_t make_block(const struct stream *stream, uint64_t block, void *bytes);

static size_t make_bits(const struct stream *stream, uint64_t block, void *bytes)
{
    samples_outputs(stream, block, bytes);
    return BLOCK_SAMPLES * sizeof(uint64_t);
}

static uint32_t uniform_word(int64_t k)
{
    return (uint32_t)(k >> 21);
}

/* Returns the probability of a number below x, in units of 2^-32. */
static uint32_t gaussian_word(int64_t q)
{
    double x = (double)q * 0x1p-49;
    double p = erfc(-x * M_SQRT1_2) * 0x1p31;
    return p < 0x1p32 ? (uint32_t)p : UINT32_MAX;
}

static size_t make_words(const struct stream *stream, uint64_t block, void *bytes)
{
    int64_t samples[BLOCK_SAMPLES];
    uint32_t *words = bytes;
    integer_samples_fill(stream, block, samples);
    for (unsigned j = 0; j < BLOCK_SAMPLES; j++)
        words[j] =
            stream->kind == STREAM_GAUSSIAN ? gaussian_word(samples[j]) : uniform_word(samples[j]);
    return BLOCK_SAMPLES * sizeof *words;
}

static const struct raw_stream {
    const char *name;
    enum stream_kind kind;
    make_block *make;
} raw_streams[] = {
    {"bits", STREAM_UNIFORM, make_bits},
    {"gaussian-bits", STREAM_GAUSSIAN, make_bits},
    {"uniform", STREAM_UNIFORM, make_words},
    {"gaussian", STREAM_GAUSSIAN, make_words},
};

static const struct raw_stream *find(const char *name)
{
    for (size_t i = 0; i < sizeof raw_streams / sizeof *raw_streams; i++)
        if (strcmp(raw_streams[i].name, name) == 0)
            return &raw_streams[i];
    return NULL;
}

bool raw_known(const char *name)
{
    return find(name) != NULL;
}

bool raw_write(const char *name, uint64_t seed, uint64_t bytes, FILE *file)
{
    uint64_t block_bytes[BLOCK_SAMPLES];
    const struct raw_stream *raw = find(name);
    struct stream stream;
    assert(raw);
    stream_init(&stream, seed, raw->kind);
    for (uint64_t block = 0, done = 0; bytes == 0 || done < bytes; block++) {
        size_t size = raw->make(&stream, block, block_bytes);
        if (fwrite(block_bytes, 1, size, file) != size)
            return false;
        done += size;
    }
    return fflush(file) == 0;
}
