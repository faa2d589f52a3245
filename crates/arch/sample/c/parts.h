/* What the parts of the C sample offer to main.c. */
#ifndef PARTS_H
#define PARTS_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32 (IEEE 802.3) of the bytes. */
uint32_t crc32_of(const void *bytes, size_t count);

/* How many primes there are below the limit; -1 when memory runs out. */
long primes_below(unsigned limit);

/* The n-th Fibonacci number modulo m, by powers of a matrix. */
uint64_t fibonacci_modulo(uint64_t n, uint32_t m);

/* How many different words the text has; case does not count. -1 when memory runs out. */
long different_words(const char *text);

/* Sorts numbers, keeping equal ones in order; 0, or -1 when memory runs out. */
int merge_sort(int *numbers, size_t count);

#endif
