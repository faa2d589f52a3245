#include "dir/inc.h"

__attribute__((objc_root_class)) @interface Counter {
	int calls;
}
- (int)next;
@end

@implementation Counter
- (int)next
{
	struct pair p = { 0, 2 };
	p.first = TWICE(p.second);
	return calls += STEP; // counted
}
@end
