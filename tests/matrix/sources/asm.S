#define ANSWER 42
	.globl from_assembler
from_assembler:
	.long ANSWER
