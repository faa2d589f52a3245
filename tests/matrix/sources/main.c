#include <stdio.h>

int main(void)
{
	puts("hello from " __FILE__);
	return 0;
}
