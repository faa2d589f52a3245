#include <string.h>

unsigned long first(const char *text) {
    return text[0] && text[0] != ' ' && strlen(text) > 0;
}
