/* Merge sort from the bottom up, between two arrays that take turns. */
#include <stdlib.h>
#include <string.h>

#include "parts.h"

static void merge(const int *from, int *to, size_t left, size_t middle, size_t right)
{
    size_t a = left, b = middle;

    for (size_t place = left; place < right; place++) {
        if (a < middle && (b >= right || from[a] <= from[b]))
            to[place] = from[a++];
        else
            to[place] = from[b++];
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

int merge_sort(int *numbers, size_t count)
{
    int *other = malloc(count * sizeof *other);
    int *from = numbers, *to = other;

    if (other == NULL)
        return -1;
    for (size_t width = 1; width < count; width *= 2) {
        int *swapped = from;
        for (size_t left = 0; left < count; left += 2 * width)
            merge(from, to, left, smaller(left + width, count), smaller(left + 2 * width, count));
        from = to;
        to = swapped;
    }
    if (from != numbers)
        memcpy(numbers, from, count * sizeof *numbers);
    free(other);
    return 0;
}
