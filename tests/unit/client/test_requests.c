/* Tests of the numbers of a session's requests. */
#include <criterion/criterion.h>
#include <errno.h>

#include "client/lib/requests.h"
#include "tests/support/chance.h"

TestSuite(requests);

Test(requests, the_first_number_is_one)
{
    struct requests requests;

    requests_init(&requests);
    struct session_request *request = requests_add(&requests);
    cr_assert_eq(request->number, 1);
    cr_assert_eq(requests_find(&requests, 1), request);
    cr_assert_null(requests_find(&requests, 0));
    cr_assert_null(requests_find(&requests, 2));
    requests_clear(&requests);
}

Test(requests, a_forgotten_number_is_not_found_even_if_its_slot_is_used_again)
{
    struct requests requests;

    requests_init(&requests);
    struct session_request *request = requests_add(&requests);
    requests_end(&requests, request);
    cr_assert_eq(requests.ended_count, 1);
    cr_assert_eq(requests_find(&requests, 1), request);
    requests_forget(&requests, request);
    cr_assert_eq(requests.ended_count, 0);
    cr_assert_null(requests_find(&requests, 1));
    cr_assert_null(requests_find(&requests, request->number), "the next number is not in use yet");
    cr_assert_eq(requests_add(&requests), request, "the memory is used again");
    cr_assert_neq(request->number, 1);
    cr_assert_eq(requests_find(&requests, request->number), request);
    requests_clear(&requests);
}

Test(requests, ended_requests_keep_the_order_in_which_they_ended)
{
    struct requests requests;

    requests_init(&requests);
    struct session_request *first = requests_add(&requests), *second = requests_add(&requests);
    requests_end(&requests, second);
    requests_end(&requests, first);
    cr_assert(TAILQ_EMPTY(&requests.in_flight));
    cr_assert_eq(TAILQ_FIRST(&requests.ended), second);
    requests_forget(&requests, second);
    cr_assert_eq(TAILQ_FIRST(&requests.ended), first);
    requests_clear(&requests);
}

Test(requests, the_number_of_requests_is_limited)
{
    struct requests requests;

    requests_init(&requests);
    for (uint64_t i = 1; i <= MEANTIME_REQUESTS_MAX; i++)
        cr_assert_eq(requests_add(&requests)->number, i);
    cr_assert_null(requests_add(&requests));
    cr_assert_eq(errno, EAGAIN);
    requests_end(&requests, requests_find(&requests, 7));
    requests_forget(&requests, requests_find(&requests, 7));
    cr_assert_eq(requests_add(&requests)->number, MEANTIME_REQUESTS_MAX + 7);
    requests_clear(&requests);
}

/* A slot has 2^24 numbers. The test begins shortly before the last one. */
#define USES_BEFORE ((UINT64_C(1) << 24) - 1000)

/* Includes the last slot, whose last number is the largest of all. */
Test(requests, numbers_are_valid_ids_after_any_number_of_uses_of_a_slot)
{
    static const uint64_t slots[] = {1, 2, MEANTIME_REQUESTS_MAX};
    struct requests requests;

    for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
        bool begun_anew = false;
        requests_init(&requests);
        struct session_request *request = requests_add(&requests);
        request->number = slots[i] + USES_BEFORE * MEANTIME_REQUESTS_MAX;
        for (int use = 0; use < 3000; use++) {
            cr_assert(request->number > 0 && request->number < ATTEMPT_STRIDE);
            cr_assert((request->number - 1) % MEANTIME_REQUESTS_MAX == slots[i] - 1);
            begun_anew = begun_anew || request->number == slots[i];
            requests_forget(&requests, request);
            requests_add(&requests);
        }
        cr_assert(begun_anew);
        requests_clear(&requests);
    }
}

/* A law: after any sequence of adding, ending and forgetting, no two requests have the same number.
 */
Test(requests, each_number_in_use_belongs_to_one_request)
{
    struct chance chance = chance_init();
    struct session_request *used[64] = {NULL};
    struct requests requests;

    requests_init(&requests);
    for (int i = 0; i < 100000; i++) {
        struct session_request **slot = &used[chance_below(&chance, 64)];
        if (!*slot) {
            *slot = requests_add(&requests);
            cr_assert_eq(requests_find(&requests, (*slot)->number), *slot);
        } else if (!(*slot)->ended && chance_below(&chance, 2))
            requests_end(&requests, *slot);
        else {
            uint64_t number = (*slot)->number;
            requests_forget(&requests, *slot);
            cr_assert_null(requests_find(&requests, number));
            *slot = NULL;
        }
    }
    requests_clear(&requests);
}
