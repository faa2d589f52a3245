/* What a host is asked to compile: a loop, a call, a table and text. */
#include <stdio.h>

static const int weights[] = {1, 3, 7, 9};

int weigh(const char *text)
{
    int sum = 0;
    for (int at = 0; text[at] != '\0'; at++)
        sum += text[at] * weights[at % 4];
    return sum;
}

void tell(const char *text)
{
    printf("%s weighs %d\n", text, weigh(text));
}
