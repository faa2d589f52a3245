#define ANSWER 42
int answer(void) { return ANSWER; }
