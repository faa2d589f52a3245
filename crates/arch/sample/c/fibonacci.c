/* Fibonacci numbers in logarithmic time, from a two by two matrix. */
#include "parts.h"

struct matrix {
    uint64_t a, b, c, d;
};

static struct matrix product(struct matrix x, struct matrix y, uint32_t m)
{
    struct matrix result = {
        .a = (x.a * y.a + x.b * y.c) % m,
        .b = (x.a * y.b + x.b * y.d) % m,
        .c = (x.c * y.a + x.d * y.c) % m,
        .d = (x.c * y.b + x.d * y.d) % m,
    };
    return result;
}

uint64_t fibonacci_modulo(uint64_t n, uint32_t m)
{
    struct matrix power = { 1, 1, 1, 0 };
    struct matrix result = { 1, 0, 0, 1 };

    for (; n > 0; n >>= 1) {
        if (n & 1)
            result = product(result, power, m);
        power = product(power, power, m);
    }
    return result.b % m;
}
