/* The sieve of Eratosthenes over odd numbers. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

long primes_below(unsigned limit)
{
    unsigned char *composite;
    size_t half = limit / 2;
    long found = 1;

    if (limit < 3)
        return 0;
    composite = malloc(half);
    if (composite == NULL)
        return -1;
    memset(composite, 0, half);
    /* Place i stands for the number 2 * i + 1. */
    for (size_t i = 1; i < half; i++) {
        if (composite[i])
            continue;
        found++;
        for (size_t multiple = 2 * i * (i + 1); multiple < half; multiple += 2 * i + 1)
            composite[multiple] = 1;
    }
    free(composite);
    return found;
}
