/* Measures other libraries that make random samples on one core, for tests/bench/sums.py. Each peer
 * gets the best settings that we know: -O3, -march=native, and one loop that only adds its samples.
 */
#include <cmath>
#include <cstdint>
#include <random>

#include <boost/random/mersenne_twister.hpp>
#include <boost/random/normal_distribution.hpp>
#include <boost/random/uniform_01.hpp>
#include <boost/version.hpp>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_version.h>

#include "tests/bench/contest.h"
#include "tests/bench/vector_peers.h"

static const uint64_t SEED = 1;

/* std:: and boost:: have the same interface: a distribution that draws from an engine. */
template <class Engine, class Distribution> static double sum_of(void *, uint64_t samples)
{
    static Engine engine(SEED);
    static Distribution distribution;
    double sum = 0;
    for (uint64_t n = 0; n < samples; n++)
        sum += distribution(engine);
    return sum;
}

static double gsl_gaussian_sum(void *state, uint64_t samples)
{
    gsl_rng *rng = static_cast<gsl_rng *>(state);
    double sum = 0;
    for (uint64_t n = 0; n < samples; n++)
        sum += gsl_ran_gaussian_ziggurat(rng, 1.0);
    return sum;
}

static double gsl_uniform_sum(void *state, uint64_t samples)
{
    gsl_rng *rng = static_cast<gsl_rng *>(state);
    double sum = 0;
    for (uint64_t n = 0; n < samples; n++)
        sum += gsl_rng_uniform(rng);
    return sum;
}

static gsl_rng *gsl_rng_new(const gsl_rng_type *type)
{
    gsl_rng *rng = gsl_rng_alloc(type);
    gsl_rng_set(rng, SEED);
    return rng;
}

int main()
{
    const char *gcc = CONTEST_COMPILER;
    const char *boost = "Boost " BOOST_LIB_VERSION ", " CONTEST_COMPILER;
    const char *gsl = "GSL " GSL_VERSION;
    using std_normal = std::normal_distribution<double>;
    using std_uniform = std::uniform_real_distribution<double>;
    using boost_normal = boost::random::normal_distribution<double>;
    using boost_uniform = boost::random::uniform_01<double>;
    using boost_mt = boost::random::mt19937_64;
    gsl_rng *mt = gsl_rng_new(gsl_rng_mt19937);
    gsl_rng *taus = gsl_rng_new(gsl_rng_taus);
    static struct vector_rng normal_rng, uniform_rngs[2];
    vector_rng_init(&normal_rng, SEED);
    vector_rng_init(&uniform_rngs[0], SEED);
    vector_rng_init(&uniform_rngs[1], SEED + 1);

    const struct contestant contestants[] = {
#ifdef VECTOR_LANES
        {"gaussian", "SLEEF Box-Muller", BOX_MULLER_MADE_WITH, box_muller_sum, &normal_rng},
#endif
        {"gaussian", "Boost ziggurat", boost, sum_of<boost_mt, boost_normal>, nullptr},
        {"gaussian", "GSL ziggurat, taus", gsl, gsl_gaussian_sum, taus},
        {"gaussian", "GSL ziggurat, mt19937", gsl, gsl_gaussian_sum, mt},
        {"gaussian", "std::normal_distribution", gcc, sum_of<std::mt19937_64, std_normal>, nullptr},
#ifdef VECTOR_LANES
        {"uniform", "xoshiro256+, vectors", VECTOR_MADE_WITH, vector_uniform_sum, uniform_rngs},
#endif
        {"uniform", "Boost mt19937_64", boost, sum_of<boost_mt, boost_uniform>, nullptr},
        {"uniform", "GSL taus", gsl, gsl_uniform_sum, taus},
        {"uniform", "GSL mt19937", gsl, gsl_uniform_sum, mt},
        {"uniform", "std::mt19937_64", gcc, sum_of<std::mt19937_64, std_uniform>, nullptr},
    };
    return contest_serve(contestants, sizeof contestants / sizeof contestants[0]);
}
