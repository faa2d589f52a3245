//! What the name of a compiler says: the target that it compiles for, and what it is called where that is native. Knows
//! nothing of files.

use toolchain::names_a_compiler;

/// What stands before a compiler's own name without being a target.
const NO_TARGETS: &[&str] = &["c89", "c99", "llvm"];

/// A name as its target and the plain name behind that: `aarch64-linux-gnu`, `g++-12`. None if it names no target, or no
/// compiler.
pub(crate) fn split(name: &str) -> Option<(&str, &str)> {
    let mut dashes = name.match_indices('-').map(|(at, _)| (&name[..at], &name[at + 1..]));
    let (target, plain) = dashes.rfind(|(_, rest)| names_a_compiler(rest))?;
    (!target.is_empty() && !NO_TARGETS.contains(&target)).then_some((target, plain))
}

/// Whether code for `target` is for an x86 of 32 bits, so that `-m32` may make it.
pub(crate) fn is_32_bit_x86(target: &str) -> bool {
    let machine = target.split('-').next().unwrap_or_default().as_bytes();
    matches!(machine, [b'i', b'3'..=b'6', b'8', b'6'])
}

/// Whether code for `target` is for an x86 of 64 or 32 bits, of which gcc has specs for the processor.
pub(crate) fn is_x86(target: &str) -> bool {
    target.starts_with("x86_64-") || is_32_bit_x86(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |name: &str, expected: Option<(&str, &str)>| assert_eq!(split(name), expected, "{name}");
        check("aarch64-linux-gnu-gcc", Some(("aarch64-linux-gnu", "gcc")));
        check("x86_64-pc-linux-gnu-g++-14.2.1", Some(("x86_64-pc-linux-gnu", "g++-14.2.1")));
        check("i686-linux-gnu-clang++-14", Some(("i686-linux-gnu", "clang++-14")));
        check("avr-gcc", Some(("avr", "gcc")));
        for without in
            ["gcc", "gcc-12", "clang++-14", "c99-gcc", "llvm-clang-3.2", "-gcc", "nvcc", "a-objcopy", ""]
        {
            check(without, None);
        }
    }

    #[test]
    fn machines_of_32_bits() {
        let check = |target: &str, expected| assert_eq!(is_32_bit_x86(target), expected, "{target}");
        check("i686-pc-linux-gnu", true);
        check("i386-linux-gnu", true);
        check("i786-linux-gnu", false);
        check("x86_64-linux-gnu", false);
        check("", false);
    }
}
