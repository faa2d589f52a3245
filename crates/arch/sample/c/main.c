/* Prints what the parts compute; the answers are known beforehand. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "parts.h"

#define NUMBERS 1000

/* Numbers that look random and are the same everywhere. */
static void scatter(int *numbers, size_t count)
{
    uint32_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1103515245u + 12345u;
        numbers[i] = (int)(state >> 16 & 0x7fff);
    }
}

static int is_sorted(const int *numbers, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (numbers[i - 1] > numbers[i])
            return 0;
    return 1;
}

int main(void)
{
    static const char verse[] = "Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily, "
                                "life is but a dream.";
    int numbers[NUMBERS];

    scatter(numbers, NUMBERS);
    if (merge_sort(numbers, NUMBERS) != 0) {
        fputs("out of memory\n", stderr);
        return EXIT_FAILURE;
    }
    printf("checksum of \"123456789\"  %08" PRIx32 "\n", crc32_of("123456789", 9));
    printf("primes below a million   %ld\n", primes_below(1000000));
    printf("fibonacci 10^18 mod 2^31 %" PRIu64 "\n", fibonacci_modulo(UINT64_C(1000000000000000000), 1u << 31));
    printf("different words          %ld\n", different_words(verse));
    printf("sorted                   %s\n", is_sorted(numbers, NUMBERS) ? "yes" : "no");
    return EXIT_SUCCESS;
}
