/* Prints and reads the text of a checkpoint. */
#include "client/sum/checkpoint_text.h"

#include <czmq.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADING         "meantime checkpoint 1\n"
#define SUMMAND_HEADING "meantime checkpoint 2\n"
#define HEADING_BYTES   (sizeof HEADING - 1)

/* [kind] */
static const char *const kinds[] = {
    [MEANTIME_GAUSSIAN] = "gaussian",
    [MEANTIME_UNIFORM] = "uniform",
};

/* ---- printing ---------------------------------------------------------------------------- */

static void print_digest(FILE *out, const char *text, size_t size)
{
    zdigest_t *digest = zdigest_new();

    zdigest_update(digest, (const byte *)text, size);
    fprintf(out, "sha1 %s\n", zdigest_string(digest));
    zdigest_destroy(&digest);
}

/* units: the sum in units of the stream, as 128 bits in two's complement. */
static void print_samples(FILE *out, const struct checkpoint *checkpoint)
{
    unsigned __int128 units = (unsigned __int128)checkpoint->tally.units;

    fprintf(out,
            HEADING "seed %" PRIu64 "\nkind %s\nfirst %" PRIu64 "\ncount %" PRIu64
                    "\nunits 0x%016" PRIx64 "%016" PRIx64 "\n",
            checkpoint->seed, kinds[checkpoint->kind], checkpoint->first, checkpoint->tally.count,
            (uint64_t)(units >> 64), (uint64_t)units);
}

static void print_total(FILE *out, const struct meantime_total *total)
{
    fprintf(out, " %" PRId32 " ", total->unit_log2);
    for (uint32_t i = 0; i < total->length; i++)
        fprintf(out, "%02x", total->units[i]);
    if (total->length == 0)
        fputc('-', out);
}

static void print_output(FILE *out, const struct meantime_output *output)
{
    fprintf(out, "output %s", output->name);
    print_total(out, &output->sum);
    if (output->has_squares)
        print_total(out, &output->squares);
    fputc('\n', out);
}

static void print_terms(FILE *out, const struct checkpoint *checkpoint)
{
    const struct tally *tally = &checkpoint->tally;

    fprintf(out,
            SUMMAND_HEADING "seed %" PRIu64 "\nsummand %s\nparameters %s\nbuild 0x%016" PRIx64
                            "\nfirst %" PRIu64 "\ncount %" PRIu64 "\n",
            checkpoint->seed, checkpoint->summand, checkpoint->parameters, checkpoint->build,
            checkpoint->first, tally->count);
    for (uint64_t i = 0; i < tally->output_count; i++)
        print_output(out, &tally->outputs[i]);
}

/* Memory may run out, but a checkpoint is small. */
char *checkpoint_print(const struct checkpoint *checkpoint)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        abort();
    if (checkpoint->summand[0])
        print_terms(out, checkpoint);
    else
        print_samples(out, checkpoint);
    fflush(out); /* updates `text` and `size` */
    print_digest(out, text, size);
    if (fclose(out) != 0)
        abort();
    return text;
}

/* ---- reading ----------------------------------------------------------------------------- */

bool checkpoint_begins(const char *text, size_t size)
{
    size_t bytes = size < HEADING_BYTES ? size : HEADING_BYTES;

    return strncmp(text, HEADING, bytes) == 0 || strncmp(text, SUMMAND_HEADING, bytes) == 0;
}

/* Returns the value of the next line, if the line has this name, and goes on to the line after.
 * Otherwise returns "" and stays. */
static char *value_of(char **text, const char *name)
{
    size_t length = strlen(name);

    if (strncmp(*text, name, length) != 0 || (*text)[length] != ' ')
        return strchr(*text, '\0');
    char *line = *text;
    *text = strchr(line, '\n') ? strchr(line, '\n') + 1 : strchr(line, '\0');
    line[strcspn(line, "\n")] = '\0';
    return line + length + 1;
}

static uint64_t number_of(char **text, const char *name)
{
    return strtoull(value_of(text, name), NULL, 0);
}

static uint64_t hexadecimal(const char *digits, size_t count)
{
    char text[17] = "";

    return strtoull(strncpy(text, digits, count), NULL, 16);
}

static void parse_samples(char *text, struct checkpoint *checkpoint)
{
    checkpoint->seed = number_of(&text, "seed");
    bool uniform = strcmp(value_of(&text, "kind"), kinds[MEANTIME_UNIFORM]) == 0;
    checkpoint->kind = uniform ? MEANTIME_UNIFORM : MEANTIME_GAUSSIAN;
    checkpoint->first = number_of(&text, "first");
    checkpoint->tally.count = number_of(&text, "count");
    const char *units = value_of(&text, "units");
    if (strlen(units) == 34)
        checkpoint->tally.units = (__int128)((unsigned __int128)hexadecimal(units + 2, 16) << 64 |
                                             hexadecimal(units + 18, 16));
}

/* Reads unit_log2 and units, if both are left in the line. */
static bool parse_total(char **line, struct meantime_total *total)
{
    const char *unit = strsep(line, " "), *units = strsep(line, " ");

    if (!unit || !units || strlen(units) > 2 * sizeof total->units)
        return false;
    *total = (struct meantime_total){.unit_log2 = (int32_t)strtol(unit, NULL, 10)};
    for (; units[0] && units[1]; units += 2)
        total->units[total->length++] = (uint8_t)hexadecimal(units, 2);
    return true;
}

static void parse_output(char *line, struct meantime_output *output)
{
    const char *name = strsep(&line, " ");

    *output = (struct meantime_output){.has_squares = 0};
    snprintf(output->name, sizeof output->name, "%s", name);
    if (parse_total(&line, &output->sum))
        output->has_squares = parse_total(&line, &output->squares);
}

static void parse_outputs(char *text, struct tally *tally)
{
    struct meantime_output *outputs = calloc(OUTPUTS_MAX, sizeof *outputs);
    char *line;

    if (!outputs)
        abort();
    while (tally->output_count < OUTPUTS_MAX && *(line = value_of(&text, "output")))
        parse_output(line, &outputs[tally->output_count++]);
    if (tally->output_count > 0)
        tally->outputs = outputs;
    else
        free(outputs);
}

static void parse_terms(char *text, struct checkpoint *checkpoint)
{
    checkpoint->seed = number_of(&text, "seed");
    snprintf(checkpoint->summand, sizeof checkpoint->summand, "%s", value_of(&text, "summand"));
    snprintf(checkpoint->parameters, sizeof checkpoint->parameters, "%s",
             value_of(&text, "parameters"));
    checkpoint->build = number_of(&text, "build");
    checkpoint->first = number_of(&text, "first");
    checkpoint->tally.count = number_of(&text, "count");
    parse_outputs(text, &checkpoint->tally);
}

/* A text is valid if printing what was read gives the same bytes. */
static bool is_printed_again(const char *text, const struct checkpoint *checkpoint)
{
    char *again = checkpoint_print(checkpoint);
    bool same = strcmp(text, again) == 0;

    free(again);
    return same;
}

bool checkpoint_parse(const char *text, struct checkpoint *checkpoint)
{
    char *copy = strdup(text);

    if (!copy)
        abort();
    *checkpoint = (struct checkpoint){.kind = MEANTIME_GAUSSIAN};
    if (strncmp(copy, SUMMAND_HEADING, HEADING_BYTES) == 0) {
        checkpoint->kind = (enum meantime_kind)0;
        parse_terms(copy + HEADING_BYTES, checkpoint);
    } else if (strncmp(copy, HEADING, HEADING_BYTES) == 0)
        parse_samples(copy + HEADING_BYTES, checkpoint);
    free(copy);
    bool valid = is_printed_again(text, checkpoint);
    if (!valid)
        tally_clear(&checkpoint->tally);
    return valid;
}
