/* Counts different words with a hash table of chains. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

#define CHAINS 64

struct word {
    struct word *next;
    size_t length;
    char letters[];
};

static size_t letters_at(const char *text)
{
    size_t length = 0;
    while (isalpha((unsigned char)text[length]))
        length++;
    return length;
}

/* 1 when the word is new, 0 when it is known, -1 when memory runs out. */
static int enter(struct word *chains[CHAINS], const char *text, size_t length)
{
    unsigned hash = 5381;
    struct word *word = malloc(sizeof *word + length);

    if (word == NULL)
        return -1;
    word->length = length;
    for (size_t i = 0; i < length; i++) {
        word->letters[i] = (char)tolower((unsigned char)text[i]);
        hash = hash * 33 + (unsigned char)word->letters[i];
    }
    for (struct word *known = chains[hash % CHAINS]; known != NULL; known = known->next) {
        if (known->length == length && memcmp(known->letters, word->letters, length) == 0) {
            free(word);
            return 0;
        }
    }
    word->next = chains[hash % CHAINS];
    chains[hash % CHAINS] = word;
    return 1;
}

static void release(struct word *chains[CHAINS])
{
    for (size_t i = 0; i < CHAINS; i++) {
        while (chains[i] != NULL) {
            struct word *next = chains[i]->next;
            free(chains[i]);
            chains[i] = next;
        }
    }
}

long different_words(const char *text)
{
    struct word *chains[CHAINS] = { NULL };
    long found = 0;

    while (*text != '\0' && found >= 0) {
        size_t length = letters_at(text);
        if (length > 0) {
            int new = enter(chains, text, length);
            found = new < 0 ? -1 : found + new;
        }
        text += length > 0 ? length : 1;
    }
    release(chains);
    return found;
}
