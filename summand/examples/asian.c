/* An Asian call option, with its geometric twin as a control variate, which makes the
 * error smaller. The twin's mean is known: the first output is the payoff minus that of the twin
 * plus this mean. The output `plain` is the payoff alone. */
#include <meantime_math.h>
#include <meantime_summand.h>

struct asian {
    double strike, volatility, rate, years, dates; /* parameters; the spot price is 1 */
    double drift, step, discount, twin_mean;       /* derived */
};

#define FIELD(name, standard, low, high)                                                           \
    {                                                                                              \
#name, offsetof(struct asian, name), standard, low, high                                   \
    }
static const struct meantime_parameter table[] = {
    FIELD(strike, 1, 0.01, 100), FIELD(volatility, 0.2, 0.001, 5), FIELD(rate, 0.05, -1, 1),
    FIELD(years, 1, 0.001, 100), FIELD(dates, 12, 1, 1000),        {NULL, 0, 0, 0, 0},
};
static const char *const names[] = {"controlled", "plain"};

/* The geometric mean of the prices is lognormal (A. Kemna and A. Vorst, 1990). */
static double twin_mean(const struct asian *a)
{
    double n = a->dates, dt = a->years / n;
    double mean = a->drift * (n + 1) / 2;
    double deviation = a->volatility * meantime_sqrt(dt * (n + 1) * (2 * n + 1) / (6 * n));
    double d = (mean - meantime_log(a->strike)) / deviation;
    double forward = meantime_exp(mean + 0.5 * deviation * deviation);
    return a->discount *
           (forward * meantime_normal_cdf(d + deviation) - a->strike * meantime_normal_cdf(d));
}

static const char *begin(const char *parameters, struct meantime_shape *shape, void **state)
{
    struct asian *a = (struct asian *)calloc(1, sizeof *a);
    const char *error = a ? meantime_parameters(parameters, table, a) : "Out of memory.";
    if (!error && a->dates != (uint32_t)a->dates)
        error = "The parameter \"dates\" must be an integer.";
    if (error) {
        free(a);
        return error;
    }
    a->drift = (a->rate - 0.5 * a->volatility * a->volatility) * (a->years / a->dates);
    a->step = a->volatility * meantime_sqrt(a->years / a->dates);
    a->discount = meantime_exp(-a->rate * a->years);
    a->twin_mean = twin_mean(a);
    shape->gaussians = (uint32_t)a->dates;
    shape->outputs = 2;
    shape->names = names;
    *state = a;
    return NULL;
}

/* `a` and `payoff` are local, so that compilers know that no output overwrites them, and turn the
 * loops into vectors. */
static void value(const void *state, const struct meantime_terms *terms, double *const *out)
{
    const struct asian a = *(const struct asian *)state;
    const uint32_t count = terms->count, dates = (uint32_t)a.dates;
    double price[MEANTIME_TERMS_MAX], sum[MEANTIME_TERMS_MAX], logs[MEANTIME_TERMS_MAX];
    for (uint32_t i = 0; i < count; i++)
        price[i] = 1, sum[i] = logs[i] = 0;
    for (uint32_t d = 0; d < dates; d++) {
        const double *gaussian = terms->gaussian[d];
        for (uint32_t i = 0; i < count; i++) {
            double change = a.drift + a.step * gaussian[i];
            logs[i] += (dates - d) * change;
            price[i] *= meantime_exp(change);
            sum[i] += price[i];
        }
    }
    double *controlled = out[0], *plain = out[1];
    for (uint32_t i = 0; i < count; i++) {
        double over = sum[i] / a.dates - a.strike;
        double twin = meantime_exp(logs[i] / a.dates) - a.strike;
        double payoff = over > 0 ? a.discount * over : 0;
        controlled[i] = payoff - (twin > 0 ? a.discount * twin : 0) + a.twin_mean;
        plain[i] = payoff;
    }
}

const struct meantime_summand meantime_summand = {
    MEANTIME_SUMMAND_ABI,
    0,
    "asian",
    "strike=1 volatility=0.2 rate=0.05 years=1 dates=12",
    begin,
    value,
    free};
