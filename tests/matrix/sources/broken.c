#include "dir/inc.h"

int broken(struct pair *p)
{
	int twice = TWICE(p->third);
	return twice + missing(
}
