//! For which machines ELF files are, by the names that targets have for them. Knows nothing of what is in the files.

use std::fmt;

use object::elf;

/// A kind of machine: what a program must be made for to run there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Machine {
    pub(crate) name: String,
    /// 32 or 64; 0 where the name is unknown, too.
    pub(crate) bits: u8,
}

/// Those for which Linux distributions are made.
const NAMES: &[(elf::Machine, &str)] = &[
    (elf::EM_386, "i386"),
    (elf::EM_AARCH64, "aarch64"),
    (elf::EM_ARM, "arm"),
    (elf::EM_LOONGARCH, "loongarch"),
    (elf::EM_MIPS, "mips"),
    (elf::EM_PPC, "powerpc"),
    (elf::EM_PPC64, "powerpc64"),
    (elf::EM_RISCV, "riscv"),
    (elf::EM_S390, "s390"),
    (elf::EM_SPARCV9, "sparc64"),
    (elf::EM_X86_64, "x86_64"),
];

impl Machine {
    pub(crate) fn new(number: elf::Machine, bits: u8) -> Machine {
        let name = match NAMES.iter().find(|(machine, _)| *machine == number) {
            Some((_, name)) => (*name).to_owned(),
            None => format!("machine {}", number.0),
        };
        Machine { name, bits }
    }

    /// Of a script, which tells nothing.
    pub(crate) fn unknown() -> Machine {
        Machine { name: "unknown".to_owned(), bits: 0 }
    }
}

/// `x86_64`, `i386`, `aarch64`, `machine 4711`; `unknown`.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
