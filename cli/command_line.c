/* Reads the command line and the environment of both programs. */
#include "cli/command_line.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/environment.h"
#include "cli/help.h"
#include "cli/suggestion.h"

#define EXIT_BAD_COMMAND_LINE 2

/* What getopt_long() returns. */
#define GETOPT_END      (-1)
#define GETOPT_ARGUMENT 1
#define GETOPT_WRONG    '?'
#define GETOPT_NO_VALUE ':'

/* Enough for "-:" and for a letter and a colon of each option. */
#define LETTERS_BYTES (2 * OPTIONS_MAX + 3)

#define LIST_BYTES 256

/* One option or argument, as it stands on the command line. */
struct word {
    const struct argp_option *option; /* NULL: an argument */
    char *text;                       /* the argument, or the value of the option, or NULL */
};

struct words {
    struct word *list;
    size_t count;
};

/* ---- errors ------------------------------------------------------------------------------ */

static void fail(const struct command_line *line, const char *before, const char *format,
                 va_list arguments) __attribute__((format(printf, 3, 0), noreturn));

static void fail(const struct command_line *line, const char *before, const char *format,
                 va_list arguments)
{
    const char *name = program_invocation_short_name;

    fprintf(stderr, "%s: %s", name, before);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nTry '%s%s%s --help' for more information.\n", name, line->command ? " " : "",
            line->command ? line->command->name : "");
    exit(EXIT_BAD_COMMAND_LINE);
}

void command_line_fail(const struct command_line *line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fail(line, "", format, arguments);
}

void command_line_refuse(const struct command_line *line, const char *value, const char *format,
                         ...)
{
    char variable[VARIABLE_BYTES_MAX];
    char *before;
    va_list arguments;
    int size =
        line->from_variable
            ? asprintf(&before, "%s=%s: ", variable_name(line->option->name, variable), value)
            : asprintf(&before, "--%s%s%s: ", line->option->name, *value ? " " : "", value);

    va_start(arguments, format);
    fail(line, size < 0 ? "" : before, format, arguments);
}

/* ---- tables ------------------------------------------------------------------------------ */

static void add_options(struct command_line *line, const struct argp_option *options)
{
    struct argp_option *end = line->options;

    while (end->key)
        end++;
    for (; options->group; options++)
        if (options->key) {
            assert(end < line->options + OPTIONS_MAX - 1 && options->key <= OPTION_KEY_MAX);
            *end++ = *options;
        }
}

static const struct argp_option *option_of(const struct command_line *line, int key)
{
    for (const struct argp_option *option = line->options; option->key; option++)
        if (option->key == key)
            return option;
    return NULL;
}

static const struct command *command_of(const struct program_line *program, const char *name)
{
    for (const struct command *command = program->commands; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

/* Every command accepts the options of help. */
static bool accepts(const struct command *command, const struct argp_option *option)
{
    return !command || option->group < 0 || (command->groups & GROUP_BIT(option->group));
}

static bool has_letter(const struct argp_option *option)
{
    return option->key < 256;
}

/* The names of all commands: "serial, async or status". */
static const char *command_list(const struct program_line *program, char text[LIST_BYTES])
{
    char *end = text;

    for (const struct command *each = program->commands; each->name; each++) {
        const char *before = each == program->commands ? "" : each[1].name ? ", " : " or ";
        end += snprintf(end, (size_t)(text + LIST_BYTES - end), "%s%s", before, each->name);
        assert(end < text + LIST_BYTES);
    }
    return text;
}

/* ---- misspelt names ---------------------------------------------------------------------- */

static void fail_command(const struct command_line *line, const char *word)
{
    struct suggestion suggestion;
    char list[LIST_BYTES];

    suggestion_init(&suggestion, word);
    for (const struct command *each = line->program->commands; each->name; each++)
        suggestion_try(&suggestion, each->name);
    suggestion_try(&suggestion, "help");
    command_line_fail(line, "%s: expected %s%s%s%s", word, command_list(line->program, list),
                      suggestion.name ? "; did you mean " : "",
                      suggestion.name ? suggestion.name : "", suggestion.name ? "?" : "");
}

/* The options that --`name` may be short for: "--timeout, --timeline". */
static size_t list_abbreviated(const struct command_line *line, const char *name,
                               char text[LIST_BYTES])
{
    size_t count = 0, end = 0;

    text[0] = '\0';
    for (const struct argp_option *option = line->options; option->key; option++)
        if (option->name && strncmp(option->name, name, strlen(name)) == 0) {
            end += (size_t)snprintf(text + end, LIST_BYTES - end, "%s--%s", count ? ", " : "",
                                    option->name);
            assert(end < LIST_BYTES);
            count++;
        }
    return count;
}

/* word: with its dashes, and perhaps with =VALUE. */
static void fail_option(const struct command_line *line, const char *word)
{
    char name[LIST_BYTES], list[LIST_BYTES];
    struct suggestion suggestion;
    size_t dashes = strspn(word, "-");

    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + dashes, "="), word + dashes);
    if (dashes == 2 && *name && list_abbreviated(line, name, list) > 1)
        command_line_fail(line, "--%s is ambiguous: %s", name, list);
    suggestion_init(&suggestion, name);
    for (const struct argp_option *option = line->options; option->key; option++)
        if (option->name)
            suggestion_try(&suggestion, option->name);
    command_line_fail(line, "unknown option %.*s%s%s%s", (int)(dashes + strlen(name)), word,
                      suggestion.name ? "; did you mean --" : "",
                      suggestion.name ? suggestion.name : "", suggestion.name ? "?" : "");
}

/* ---- reading ----------------------------------------------------------------------------- */

/* What getopt_long() needs: - keeps the order of options and arguments, : reports missing values.
 */
static void list_for_getopt(const struct command_line *line, char letters[LETTERS_BYTES],
                            struct option *names)
{
    letters = stpcpy(letters, "-:");
    for (const struct argp_option *option = line->options; option->key; option++) {
        if (has_letter(option)) {
            *letters++ = (char)option->key;
            letters = stpcpy(letters, option->arg ? ":" : "");
        }
        if (option->name)
            *names++ = (struct option){option->name, option->arg ? required_argument : no_argument,
                                       NULL, option->key};
    }
    *names = (struct option){0};
}

/* Names the error that getopt_long() found in `word`. It has set optopt to the key of a known
 * option, to an unknown letter, or to 0 after an unknown name. */
static void fail_getopt(const struct command_line *line, int key, const char *word)
{
    const struct argp_option *option = option_of(line, optopt);

    if (key == GETOPT_NO_VALUE)
        command_line_fail(line, "--%s needs a value: %s", option->name, option->arg);
    if (option && word[1] == '-')
        command_line_fail(line, "--%s takes no value", option->name);
    if (word[1] != '-' && word[1] && word[2] && word[1] != optopt)
        command_line_fail(line, "unknown option -%c in %s", optopt, word);
    fail_option(line, word);
}

static struct word next_word(const struct command_line *line, int key, const char *word)
{
    if (key == GETOPT_ARGUMENT)
        return (struct word){NULL, optarg};
    if (strcmp(word, "-?") == 0) /* as in other programs; for getopt_long() this is an error */
        return (struct word){option_of(line, HELP_HELP), NULL};
    if (key == GETOPT_NO_VALUE || key == GETOPT_WRONG)
        fail_getopt(line, key, word);
    return (struct word){option_of(line, key), optarg};
}

static void read_words(const struct command_line *line, int argc, char **argv, struct words *words)
{
    char letters[LETTERS_BYTES];
    struct option names[OPTIONS_MAX];
    int key;

    list_for_getopt(line, letters, names);
    opterr = 0;
    optind = 1;
    do {
        const char *word = argv[optind];
        key = getopt_long(argc, argv, letters, names, NULL);
        if (key != GETOPT_END)
            words->list[words->count++] = next_word(line, key, word);
    } while (key != GETOPT_END);
    while (optind < argc) /* after -- */
        words->list[words->count++] = (struct word){NULL, argv[optind++]};
}

/* Removes the first argument and returns it; NULL: there is none. */
static char *take_argument(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        if (!words->list[i].option) {
            char *text = words->list[i].text;
            words->count--;
            memmove(&words->list[i], &words->list[i + 1], (words->count - i) * sizeof *words->list);
            return text;
        }
    return NULL;
}

static bool includes(const struct words *words, int key)
{
    for (size_t i = 0; i < words->count; i++)
        if (words->list[i].option && words->list[i].option->key == key)
            return true;
    return false;
}

/* ---- commands and help ------------------------------------------------------------------- */

static const struct command *parse_command(const struct command_line *line, const char *name)
{
    const struct command *command = command_of(line->program, name);

    if (!command)
        fail_command(line, name);
    return command;
}

/* `help`, or `help COMMAND` */
static void help_command(struct command_line *line, struct words *words)
{
    const char *topic = take_argument(words);
    const char *more = take_argument(words);

    if (topic && !line->program->commands)
        more = topic;
    if (more)
        command_line_fail(line, "unexpected argument: %s", more);
    if (topic && strcmp(topic, "help") != 0)
        line->command = parse_command(line, topic);
    help_print(line->program, line->command);
}

/* Finds the command, and prints what the user asks for. */
static void find_command(struct command_line *line, struct words *words)
{
    const struct program_line *program = line->program;
    bool first_is_command = program->commands || (words->count > 0 && !words->list[0].option &&
                                                  strcmp(words->list[0].text, "help") == 0);
    const char *name = first_is_command ? take_argument(words) : NULL;

    if (name && strcmp(name, "help") == 0)
        help_command(line, words);
    if (name)
        line->command = parse_command(line, name);
    if (includes(words, HELP_HELP))
        help_print(program, line->command);
    if (includes(words, HELP_USAGE))
        help_print_usage(program, line->command);
    if (includes(words, HELP_VERSION))
        help_print_version();
}

static void require_command(const struct command_line *line)
{
    char list[LIST_BYTES];

    if (line->program->commands && !line->command)
        command_line_fail(line, "name a command: %s", command_list(line->program, list));
}

/* ---- values ------------------------------------------------------------------------------ */

static bool is_repeatable(const struct command_line *line, const struct argp_option *option)
{
    return has_letter(option) && line->program->repeatable &&
           strchr(line->program->repeatable, option->key);
}

static void check_option(struct command_line *line, const struct argp_option *option)
{
    if (!accepts(line->command, option))
        command_line_fail(line, "--%s is not for %s", option->name, line->command->name);
    if (line->given[option->key] && !is_repeatable(line, option))
        command_line_fail(line, "--%s is given twice", option->name);
    line->given[option->key] = true;
}

static void set_option(struct command_line *line, const struct argp_option *option, char *text)
{
    line->set[option->key] = true;
    line->option = option;
    line->program->option(line, option->key, text);
}

static void set_from_variable(struct command_line *line, const struct argp_option *option)
{
    char *text = variable_text(option->name);
    bool on = true;

    if (!text)
        return;
    line->option = option;
    line->from_variable = true;
    if (!option->arg && !variable_switch(text, &on))
        command_line_refuse(line, text, "expected 1 or 0");
    if (on)
        set_option(line, option, option->arg ? text : NULL);
    line->from_variable = false;
}

/* Variables of options that the command does not take are ignored. */
static void set_from_environment(struct command_line *line)
{
    const struct argp_option *option;

    for (option = line->options; option->key; option++)
        if (option->group > 0 && !line->given[option->key] && accepts(line->command, option))
            set_from_variable(line, option);
}

void command_line_read(struct command_line *line, const struct program_line *program, int argc,
                       char **argv, void *input)
{
    struct words words = {calloc((size_t)argc + 1, sizeof *words.list), 0};

    if (!words.list)
        abort(); /* out of memory for a few bytes */
    *line = (struct command_line){.program = program, .input = input};
    add_options(line, program->options);
    add_options(line, help_options);
    read_words(line, argc, argv, &words);
    find_command(line, &words);
    require_command(line);
    for (size_t i = 0; i < words.count; i++)
        if (words.list[i].option)
            check_option(line, words.list[i].option);
    for (size_t i = 0; i < words.count; i++)
        if (words.list[i].option)
            set_option(line, words.list[i].option, words.list[i].text);
        else
            program->argument(line, words.list[i].text);
    free(words.list);
    set_from_environment(line);
}

const char *command_line_origin(const struct command_line *line, int key,
                                char origin[VARIABLE_BYTES_MAX])
{
    const struct argp_option *option = option_of(line, key);

    if (line->set[key] && !line->given[key])
        return variable_name(option->name, origin);
    snprintf(origin, VARIABLE_BYTES_MAX, "--%s", option->name);
    return origin;
}

bool command_line_given(const struct command_line *line, int key)
{
    return line->given[key];
}

bool command_line_has(const struct command_line *line, int key)
{
    return line->set[key];
}
