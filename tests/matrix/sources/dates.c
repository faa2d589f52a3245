const char *dates[] = { __DATE__, __TIME__ };
