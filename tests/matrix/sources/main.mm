#include <cstdio>

int main() { std::puts("hello from " __FILE__); }
