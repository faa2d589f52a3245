#define TWICE(x) ((x) + (x))
#ifndef STEP
#define STEP 1
#endif
struct pair { int first, second; };
