/* An Asian option and pi by darts, as one would write them by hand. */
#include "tests/bench/hand.h"

#include <math.h>

#define DATES 12

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

/* xoshiro256++ (D. Blackman and S. Vigna, 2019) */
static uint64_t random_bits(void)
{
    static uint64_t s[4] = {1, 2, 3, 4};
    uint64_t result = rotate(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

static double uniform(void)
{
    return (double)(random_bits() >> 11) * 0x1p-53;
}

/* The ziggurat of G. Marsaglia and W. W. Tsang (2000), with 256 layers. */
#define LAYERS       256
#define LAYER_RIGHT  3.6541528853610088
#define LAYER_VOLUME 0.00492867323399

static double layer_x[LAYERS + 1], layer_y[LAYERS + 1];

static void ziggurat_init(void)
{
    layer_x[0] = LAYER_VOLUME / exp(-0.5 * LAYER_RIGHT * LAYER_RIGHT);
    layer_x[1] = LAYER_RIGHT;
    for (int i = 2; i < LAYERS; i++) {
        double x = layer_x[i - 1];
        layer_x[i] = sqrt(-2 * log(LAYER_VOLUME / x + exp(-0.5 * x * x)));
    }
    for (int i = 0; i <= LAYERS; i++)
        layer_y[i] = exp(-0.5 * layer_x[i] * layer_x[i]);
}

static double beyond_last_layer(void)
{
    double a, b;
    do {
        a = -log(1 - uniform()) / LAYER_RIGHT;
        b = -log(1 - uniform());
    } while (b + b < a * a);
    return LAYER_RIGHT + a;
}

static double gaussian(void)
{
    for (;;) {
        uint64_t bits = random_bits();
        int i = bits & (LAYERS - 1);
        double u = 2 * ((double)(bits >> 11) * 0x1p-53) - 1, x = u * layer_x[i];
        if (fabs(x) < layer_x[i + 1])
            return x;
        if (i == 0)
            return copysign(beyond_last_layer(), u);
        if (layer_y[i] + uniform() * (layer_y[i + 1] - layer_y[i]) < exp(-0.5 * x * x))
            return x;
    }
}

static struct hand_result result_of(double sum, double squares, double n)
{
    double mean = sum / n;
    return (struct hand_result){mean, (squares / n - mean * mean) / n};
}

static double normal_probability(double x)
{
    return 0.5 * erfc(-x * sqrt(0.5));
}

/* The mean of the geometric twin's payoff. */
static double twin_mean(double drift, double discount)
{
    double n = DATES, mean = drift * (n + 1) / 2;
    double deviation = 0.2 * sqrt((n + 1) * (2 * n + 1) / (6 * n) / n), d = mean / deviation;
    return discount * (exp(mean + 0.5 * deviation * deviation) * normal_probability(d + deviation) -
                       normal_probability(d));
}

struct hand_result hand_asian(uint64_t terms)
{
    const double drift = (0.05 - 0.5 * 0.2 * 0.2) / DATES, step = 0.2 * sqrt(1.0 / DATES);
    const double discount = exp(-0.05), twin = twin_mean(drift, discount);
    double sum = 0, squares = 0, plain_sum = 0, plain_squares = 0;
    if (layer_x[0] == 0)
        ziggurat_init();
    for (uint64_t i = 0; i < terms; i++) {
        double price = 1, prices = 0, log_price = 0, logs = 0;
        for (int d = 0; d < DATES; d++) {
            double change = drift + step * gaussian();
            log_price += change;
            logs += log_price;
            price *= exp(change);
            prices += price;
        }
        double plain = discount * fmax(prices / DATES - 1, 0);
        double controlled = plain - discount * fmax(exp(logs / DATES) - 1, 0) + twin;
        sum += controlled;
        squares += controlled * controlled;
        plain_sum += plain;
        plain_squares += plain * plain;
    }
    __asm__ volatile("" : : "m"(plain_sum), "m"(plain_squares));
    return result_of(sum, squares, (double)terms);
}

struct hand_result hand_darts(uint64_t terms)
{
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < terms; i++) {
        double x = uniform(), y = uniform(), value = x * x + y * y < 1 ? 4 : 0;
        sum += value;
        squares += value * value;
    }
    return result_of(sum, squares, (double)terms);
}
