#include "dir/inc.h"

static int calls;

int hello(struct pair *p)
{
	calls += STEP; /* counted */
	p->first = TWICE(p->second);
	return calls;
}
