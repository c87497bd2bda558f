/* Prime counting: a summand without samples. Term n is 1 if n is a prime. */
#include <meantime_summand.h>

static uint64_t multiply(uint64_t a, uint64_t b, uint64_t modulus)
{
    return (uint64_t)((__extension__(unsigned __int128) a) * b % modulus);
}

/* Miller and Rabin; seven bases decide for all n below 2^64 (J. Sinclair, 2011). */
static int passes(uint64_t n, uint64_t base)
{
    uint64_t odd = n - 1, power = 1;
    int twos = 0;
    for (; odd % 2 == 0; odd /= 2)
        twos++;
    base %= n;
    if (base == 0)
        return 1;
    for (uint64_t e = odd; e; e /= 2, base = multiply(base, base, n))
        power = e % 2 ? multiply(power, base, n) : power;
    if (power == 1)
        return 1;
    for (; power != n - 1 && twos > 1; twos--)
        power = multiply(power, power, n);
    return power == n - 1;
}

static int is_prime(uint64_t n)
{
    static const uint64_t bases[] = {2, 325, 9375, 28178, 450775, 9780504, 1795265022};
    if (n < 4 || n % 2 == 0)
        return n == 2 || n == 3;
    for (int i = 0; i < 7; i++)
        if (!passes(n, bases[i]))
            return 0;
    return 1;
}

static const char *begin(const char *parameters, struct meantime_shape *shape, void **state)
{
    shape->outputs = 1;
    *state = NULL;
    return *parameters ? "primes has no parameters." : NULL;
}

static void value(const void *state, const struct meantime_terms *terms, double *const *out)
{
    (void)state;
    for (uint32_t i = 0; i < terms->count; i++)
        out[0][i] = is_prime(terms->first + i);
}

const struct meantime_summand meantime_summand = {
    MEANTIME_SUMMAND_ABI, 0, "primes", NULL, begin, value, NULL};
