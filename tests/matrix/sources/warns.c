/* Fit for all four languages; no line with a message has a macro. */
static int unused_one;

int compare(unsigned a, int b)
{
	int idle;
	return a > b; /* of different signs */
}

const char *pick(int which)
{
	switch (which) {
	case 0:
		return "zero";
	}
	if (which = 1)
		return "one";
	return 0;
}
