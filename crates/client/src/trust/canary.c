# 1 "canary.c"
typedef __typeof__(sizeof 0) size;
struct pair { double weight; int count; unsigned flag : 3, rest : 29; };
static const char *const names[] = { "red", "green", "blue" };
extern void take(const char *, ...);
extern int (*hook)(int);
int shared = 42;
static long calls;
__attribute__((noinline)) static int wrap(int x) { calls++; return x * 7 / 3 % 11; }
int sum(const int *values, int count)
{
    int total = 0, i;
    for (i = 0; i < count; i++)
        total += values[i] * values[i];
    return total;
}
void scale(float *__restrict to, const float *__restrict from, size count, float by)
{
    size i;
    for (i = 0; i < count; i++)
        to[i] = from[i] * by + 0.5f;
}
int kind(int what)
{
    switch (what) {
    case 0: return 17;
    case 1: return wrap(what);
    case 2: take(names[1], what); return 3;
    case 3: return 99 - shared;
    case 4: return hook(what);
    case 5: return -1;
    default: return what > 100 ? what / 10 : what << 2;
    }
}
struct pair merge(struct pair a, struct pair b)
{
    struct pair result = { a.weight / b.weight, a.count % (b.count | 1), a.flag ^ b.flag, a.rest + b.rest };
    return result;
}
unsigned long long mix(unsigned long long value, unsigned by)
{
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdULL;
    return (value << (by & 63) | value >> (-by & 63)) / 1000003;
}
int copy(const char *from)
{
    char buffer[64];
    size length = __builtin_strlen(from);
    if (length >= sizeof buffer)
        return -1;
    __builtin_memcpy(buffer, from, length + 1);
    take("%s %d", buffer, (int) length);
    return buffer[0] == 'x' ? __builtin_popcountl(length) : (int) (length * 1.25);
}
double ratio(double x) { return x != x ? 0.0 : x / 3.0 - x * (1 / 3.0) + -x * 0; }
int more(int n) { return n + 1 > n; }
int deep(int n) { return n < 2 ? n : deep(n - 1) + deep(n - 2) + (int) calls; }
