#include <stdio.h>

unsigned long words(const char *text);

int main(void) {
    printf("%lu words\n", words("one two three"));
    return 0;
}
