/* The lesson in one file: hides the wait for a server's sum behind local work.
 * Build: cc hide.c -lzmq    Usage: hide ENDPOINT    wait.c differs in one step: it waits. */
#include <stdint.h>
#include <stdio.h>
#include <zmq.h>

#define NUMBERS 2000000 /* the local work: count the primes below this number */

static const char request[] = "\x08\x01\x12\x0a"          /* version = 1; sum_request: 10 bytes */
                              "\x08\x01\x18\x01"          /* id = 1; kind = KIND_GAUSSIAN */
                              "\x28\x80\x80\x80\x80\x04"; /* count = 2^30, 7 bits a byte */
static int number = 2, primes;

/* Tests the next 4,000 numbers, which takes about a millisecond. */
static void compute_slice(void)
{
    for (int end = number + 4000; number < end && number < NUMBERS; number++) {
        int divisor = 2;
        while (divisor * divisor <= number && number % divisor)
            divisor++;
        primes += divisor * divisor > number;
    }
}

/* Receives the reply and prints its sum. If the reply is not here yet, zmq_recv() waits. */
static void print_sum(void *server)
{
    uint8_t reply[64] = {0}, *at = reply + 4;   /* behind the version, and the tag and size */
    int bytes = zmq_recv(server, reply, 50, 0); /* a sum_reply is not longer */
    unsigned __int128 total = 0;

    while (at < reply + bytes && at < reply + 50) {
        uint8_t tag = *at++; /* 0x19: total_high, 0x21: total_low, 8 bytes each */
        for (int bit = 0; tag & 1 && bit < 64; bit += 8)
            total += (unsigned __int128)*at++ << (tag == 0x19 ? 64 + bit : bit);
        while (!(tag & 1) && *at++ & 0x80)
            ; /* other fields: 7 bits in each byte, not used here */
    }
    if (bytes > 0 && reply[2] == 0x1a) /* a sum_reply; its unit is 2^-49 */
        printf("sum %.17g\n", (double)(__int128)total * 0x1p-49);
    else
        printf("The server sent no sum.\n");
}

int main(int argc, char **argv)
{
    void *server = zmq_socket(zmq_ctx_new(), ZMQ_REQ);
    zmq_pollitem_t reply = {server, 0, ZMQ_POLLIN, 0};

    if (argc != 2 || zmq_connect(server, argv[1]) != 0)
        return fprintf(stderr, "usage: %s tcp://HOST:PORT\n", argv[0]), 1;
    zmq_send(server, request, sizeof request - 1, 0);
    while (number < NUMBERS && zmq_poll(&reply, 1, 0) == 0) /* 0: do not wait */
        compute_slice();
    print_sum(server);
    while (number < NUMBERS)
        compute_slice();
    printf("%d primes below %d\n", primes, NUMBERS);
}
