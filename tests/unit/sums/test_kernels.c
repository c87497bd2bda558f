/* Tests of the kernels: each gives portable's bits for whole blocks, and kernel_best() chooses the
 * fastest. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "sums/kernel.h"
#include "tests/support/chance.h"

/* This includes the template, so that the tests can count the draws of each level of a block. These
 * functions replace the library's portable kernel. */
#include "sums/kernel_portable.c"

#define RANDOM_BLOCKS        3000
#define RANDOM_BLOCKS_FILLED 300
#define BLOCKS_TRIED         10000
#define LAST_BLOCK           ((UINT64_C(1) << 47) - 1)

static const struct kernel *kernel_or_skip(const char *name)
{
    const struct kernel *kernel = kernel_named(name);
    if (!kernel)
        cr_skip_test("the %s kernel does not run on this machine", name);
    return kernel;
}

/* The sum of whole numbers of units below 2^53 each, modulo 2^64. */
static int64_t add_units(const double *samples, double units_in_one)
{
    uint64_t sum = 0;
    for (int i = 0; i < BLOCK_SAMPLES; i++)
        sum += (uint64_t)(int64_t)(samples[i] * units_in_one);
    return (int64_t)sum;
}

/* Checks that the samples of a block are portable's and add up to the block's sum. */
static void expect_portables_samples(const struct kernel *kernel, uint64_t key, uint64_t block)
{
    static double samples[BLOCK_SAMPLES], portables[BLOCK_SAMPLES];
    kernel->gaussian_fill(key, block, samples);
    portable_gaussian_fill(key, block, portables);
    cr_expect(memcmp(samples, portables, sizeof samples) == 0);
    cr_expect(add_units(samples, 0x1p49) == portable_gaussian_block(key, block));
    kernel->uniform_fill(key, block, samples);
    portable_uniform_fill(key, block, portables);
    cr_expect(memcmp(samples, portables, sizeof samples) == 0);
    cr_expect(add_units(samples, 0x1p53) - (int64_t)(BLOCK_SAMPLES * UNIFORM_CENTRE) ==
              portable_uniform_block(key, block));
}

static void expect_portables_bits(const struct kernel *kernel, uint64_t key, uint64_t block)
{
    cr_expect(kernel->gaussian_block(key, block) == portable_gaussian_block(key, block),
              "gaussian key %" PRIu64 " block %" PRIu64, key, block);
    cr_expect(kernel->uniform_block(key, block) == portable_uniform_block(key, block),
              "uniform key %" PRIu64 " block %" PRIu64, key, block);
}

/* Random and edge blocks */

static void expect_same_on_random_blocks(const char *name)
{
    const struct kernel *kernel = kernel_or_skip(name);
    struct chance chance = chance_init();
    for (int i = 0; i < RANDOM_BLOCKS; i++) {
        uint64_t key = chance_next(&chance);
        expect_portables_bits(kernel, key, chance_below(&chance, LAST_BLOCK + 1));
    }
    for (int i = 0; i < RANDOM_BLOCKS_FILLED; i++)
        expect_portables_samples(kernel, chance_next(&chance),
                                 chance_below(&chance, LAST_BLOCK + 1));
}

static void expect_same_at_the_edges(const char *name)
{
    static const uint64_t keys[] = {0, 1, UINT64_MAX, UINT64_C(1) << 63, UINT32_MAX};
    static const uint64_t blocks[] = {
        0, 1, 2, UINT32_MAX, UINT32_MAX + UINT64_C(1), LAST_BLOCK - 1, LAST_BLOCK};
    const struct kernel *kernel = kernel_or_skip(name);
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        for (size_t b = 0; b < sizeof blocks / sizeof *blocks; b++) {
            expect_portables_bits(kernel, keys[k], blocks[b]);
            expect_portables_samples(kernel, keys[k], blocks[b]);
        }
}

Test(kernels, portables_samples_add_up_to_its_sums_on_random_blocks)
{
    expect_same_on_random_blocks("portable");
}

Test(kernels, avx512_gives_portables_bits_on_random_blocks)
{
    expect_same_on_random_blocks("avx512");
}

Test(kernels, avx512_gives_portables_bits_at_the_edges)
{
    expect_same_at_the_edges("avx512");
}

Test(kernels, avx512dq_gives_portables_bits_on_random_blocks)
{
    expect_same_on_random_blocks("avx512dq");
}

Test(kernels, avx2_gives_portables_bits_on_random_blocks)
{
    expect_same_on_random_blocks("avx2");
}

Test(kernels, avx512dq_gives_portables_bits_at_the_edges)
{
    expect_same_at_the_edges("avx512dq");
}

Test(kernels, avx2_gives_portables_bits_at_the_edges)
{
    expect_same_at_the_edges("avx2");
}

Test(kernels, neon_gives_portables_bits_on_random_blocks)
{
    expect_same_on_random_blocks("neon");
}

Test(kernels, neon_gives_portables_bits_at_the_edges)
{
    expect_same_at_the_edges("neon");
}

/* Blocks with every kind of ending of their levels */

/* The number of draws that levels 2, 3 and 4 of a block make. */
struct draws {
    uint32_t level2, level3, level4;
};

static struct draws count_draws(uint64_t key, uint64_t block)
{
    struct lanes lanes[GROUPS];
    struct cut cut = {0, BLOCK_SAMPLES, BLOCK_SAMPLES};
    struct draws draws;
    block_init(lanes, key, block);
    level(level1_rows, lanes, &cut);
    draws.level2 = cut.total;
    level(level2_rows, lanes, &cut);
    level2_leave(lanes, draws.level2);
    draws.level3 = cut.total;
    level(level3_rows, lanes, &cut);
    draws.level4 = cut.total;
    return draws;
}

static bool level2_ends_with_a_whole_row(struct draws draws)
{
    return draws.level2 % LANES == 0;
}

static bool level2_makes_an_odd_number_of_whole_rows(struct draws draws)
{
    return draws.level2 % (2 * LANES) == LANES;
}

static bool level2_ends_with_one_draw(struct draws draws)
{
    return draws.level2 % LANES == 1;
}

static bool level2_lacks_one_draw(struct draws draws)
{
    return draws.level2 % LANES == LANES - 1;
}

static bool level3_ends_with_a_whole_row(struct draws draws)
{
    return draws.level3 % LANES == 0;
}

static bool level3_ends_with_one_draw(struct draws draws)
{
    return draws.level3 % LANES == 1;
}

static bool level3_lacks_one_draw(struct draws draws)
{
    return draws.level3 % LANES == LANES - 1;
}

static bool level4_is_not_reached(struct draws draws)
{
    return draws.level4 == 0;
}

static bool level4_makes_many_draws(struct draws draws)
{
    return draws.level4 >= 6;
}

static bool (*const endings[])(struct draws draws) = {
    level2_ends_with_a_whole_row, level2_makes_an_odd_number_of_whole_rows,
    level2_ends_with_one_draw,    level2_lacks_one_draw,
    level3_ends_with_a_whole_row, level3_ends_with_one_draw,
    level3_lacks_one_draw,        level4_is_not_reached,
    level4_makes_many_draws,
};

/* Returns a random block with this ending. About one block in 120 has the rarest ending. */
static uint64_t find_block(struct chance *chance, uint64_t key, bool (*ends)(struct draws draws))
{
    for (int i = 0; i < BLOCKS_TRIED; i++) {
        uint64_t block = chance_below(chance, LAST_BLOCK + 1);
        if (ends(count_draws(key, block)))
            return block;
    }
    cr_assert(false, "no block ends so");
    return 0;
}

static void expect_same_for_every_ending(const struct kernel *kernel)
{
    struct chance chance = chance_init();
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        uint64_t key = chance_next(&chance);
        uint64_t block = find_block(&chance, key, endings[i]);
        expect_portables_bits(kernel, key, block);
        expect_portables_samples(kernel, key, block);
    }
}

Test(kernels, portables_samples_add_up_to_its_sums_however_the_levels_end)
{
    expect_same_for_every_ending(kernel_or_skip("portable"));
}

Test(kernels, avx512_gives_portables_bits_however_the_levels_end)
{
    expect_same_for_every_ending(kernel_or_skip("avx512"));
}

Test(kernels, avx512dq_gives_portables_bits_however_the_levels_end)
{
    expect_same_for_every_ending(kernel_or_skip("avx512dq"));
}

Test(kernels, avx2_gives_portables_bits_however_the_levels_end)
{
    expect_same_for_every_ending(kernel_or_skip("avx2"));
}

Test(kernels, neon_gives_portables_bits_however_the_levels_end)
{
    expect_same_for_every_ending(kernel_or_skip("neon"));
}

/* sums/SAMPLER.md gives these numbers for block 1 of seed 0. */
Test(kernels, a_known_block_makes_the_known_number_of_draws)
{
    struct stream stream;
    stream_init(&stream, 0, STREAM_GAUSSIAN);
    struct draws draws = count_draws(stream.key, 1);
    cr_expect(draws.level2 == 65536 - 61474);
    cr_expect(draws.level3 == 122 + 1);
    cr_expect(draws.level4 == 1);
}

/* Choice */

struct choice {
    const char *hidden;
    const char *picked;
};

static void expect_choices(const struct choice *choices, size_t count)
{
    char names[KERNEL_NAMES_BYTES];
    for (size_t i = 0; i < count; i++) {
        const char *picked = choices[i].picked;
        setenv("MEANTIME_CPU_MASK", choices[i].hidden, 1);
        cr_expect_str_eq(kernel_best()->name, picked, "without %s", choices[i].hidden);
        cr_expect_eq(kernel_named(picked), kernel_best(), "without %s", choices[i].hidden);
        cr_expect_eq(strstr(kernel_names(names, sizeof names), picked), names);
    }
}

static const struct choice avx512_choices[] = {
    {"", "avx512"},
    {"avx2", "avx512"},
    {"avx512ifma", "avx512dq"},
    {"avx512f", "avx2"},
    {"avx512dq", "avx2"},
    {"avx512vl", "avx2"},
    {"avx512f,avx2", "portable"},
    {"avx512ifma,avx512dq", "avx2"},
    {"avx512ifma,avx2", "avx512dq"},
    {"avx2,sse2,avx512vl", "portable"},
    {"avx512ifm,avx512ifmas,vx2,avx", "avx512"}, /* names must match as a whole */
    {",,avx512ifma,", "avx512dq"},
};

Test(choice, a_machine_without_a_part_of_avx512_uses_the_next_kernel)
{
    kernel_or_skip("avx512");
    expect_choices(avx512_choices, sizeof avx512_choices / sizeof *avx512_choices);
}

static const struct choice avx512dq_choices[] = {
    {"avx512ifma", "avx512dq"},
    {"avx512ifma,avx512f", "avx2"},
    {"avx512ifma,avx512vl", "avx2"},
};

Test(choice, a_machine_with_avx512_but_without_ifma_uses_avx512dq)
{
    kernel_or_skip("avx512dq");
    expect_choices(avx512dq_choices, sizeof avx512dq_choices / sizeof *avx512dq_choices);
}

static const struct choice avx2_choices[] = {
    {"avx512f", "avx2"},
    {"avx512f,avx2", "portable"},
};

Test(choice, a_machine_without_avx2_uses_portable)
{
    kernel_or_skip("avx2");
    expect_choices(avx2_choices, sizeof avx2_choices / sizeof *avx2_choices);
}

static const struct choice neon_choices[] = {
    {"", "neon"},
    {"neon", "portable"},
};

Test(choice, an_arm64_machine_uses_neon)
{
    kernel_or_skip("neon");
    expect_choices(neon_choices, sizeof neon_choices / sizeof *neon_choices);
}

Test(choice, a_hidden_kernel_has_no_name)
{
    setenv("MEANTIME_CPU_MASK", "avx512f,avx2,neon", 1);
    cr_expect_null(kernel_named("avx512"));
    cr_expect_null(kernel_named("avx512dq"));
    cr_expect_null(kernel_named("avx2"));
    cr_expect_null(kernel_named("neon"));
    cr_expect_not_null(kernel_named("portable"));
}

Test(choice, names_are_those_of_kernels_that_run_here)
{
    char names[KERNEL_NAMES_BYTES];
    setenv("MEANTIME_CPU_MASK", "avx512f,avx2,neon", 1);
    cr_expect_str_eq(kernel_names(names, sizeof names), "portable");
    cr_expect_str_eq(kernel_names(names, 5), "port");
    cr_expect_str_eq(kernel_names(names, 1), "");
}

Test(choice, names_are_listed_fastest_first)
{
    char names[KERNEL_NAMES_BYTES];
    kernel_or_skip("avx2");
    setenv("MEANTIME_CPU_MASK", "avx512f", 1);
    cr_expect_str_eq(kernel_names(names, sizeof names), "avx2, portable");
}
