/* CRC-32, a bit at a time to make the table and a byte at a time to use it. */
#include "parts.h"

#define POLYNOMIAL 0xedb88320u

static void fill(uint32_t table[256])
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t rest = byte;
        for (int bit = 0; bit < 8; bit++)
            rest = rest & 1 ? rest >> 1 ^ POLYNOMIAL : rest >> 1;
        table[byte] = rest;
    }
}

uint32_t crc32_of(const void *bytes, size_t count)
{
    uint32_t table[256];
    uint32_t crc = UINT32_MAX;
    const unsigned char *next = bytes;

    fill(table);
    while (count-- > 0)
        crc = crc >> 8 ^ table[(crc ^ *next++) & 0xff];
    return ~crc;
}
