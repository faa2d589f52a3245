#include "dir/inc.h"

namespace {
template <typename T> struct Counter {
	T calls = T();
	T next() { return calls += STEP; } // counted
};
}

int hello(pair &p)
{
	static Counter<int> counter;
	p.first = TWICE(p.second);
	return counter.next();
}
