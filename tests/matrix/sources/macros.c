/* Messages about what macros expand to. */
#define LARGER(a, b) ((a) > (b) ? (a) : (b))
#define SPARE int spare
#define NOTHING(x)

int larger(unsigned a, int b)
{
	SPARE;
	NOTHING(a);
	return LARGER(a,
		      b);
}
