	.globl from_assembler
from_assembler:
	.long 42
