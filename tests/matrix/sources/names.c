const char *names[] = { __FILE__, __BASE_FILE__ };
int counts[] = { __COUNTER__, __LINE__, __COUNTER__, __INCLUDE_LEVEL__ };
#line 7 "elsewhere.c"
const char *elsewhere = __FILE__;
int line = __LINE__;
