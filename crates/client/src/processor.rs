//! Which processor this is, as compilers see it who are asked for code for it: two that are told apart here may get other
//! code. Knows nothing of what the answers mean.

use std::hash::{Hash, Hasher};

/// Tells `hasher` all that `-march=native` depends on. It does not depend on which core we happen to run.
pub(crate) fn hash(hasher: &mut impl Hasher) {
    marks().hash(hasher);
}

/// What the cpuid instruction says: /proc/cpuinfo is long to make, and says nothing of parameters of caches.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn marks() -> Vec<[u32; 4]> {
    const EXTENDED: u32 = 0x8000_0000;
    const ASKED: [(u32, u32); 21] = [
        (0x1, 0),
        (0x2, 0),
        (0x4, 0),
        (0x4, 1),
        (0x4, 2),
        (0x4, 3),
        (0x7, 0),
        (0x7, 1),
        (0x7, 2),
        // What of its state the system saves is among them: it may leave out AVX.
        (0xd, 0),
        (0xd, 1),
        (0x14, 0),
        (0x19, 0),
        (0x1e, 1),
        (0x24, 0),
        (0x8000_0001, 0),
        (0x8000_0005, 0),
        (0x8000_0006, 0),
        (0x8000_0007, 0),
        (0x8000_0008, 0),
        (0x8000_0021, 0),
    ];
    let (first, extended) = (cpuid(0, 0), cpuid(EXTENDED, 0));
    // A question that is too high is answered as another one, and then perhaps with the number of the core.
    let is_known = |leaf: u32| leaf <= if leaf < EXTENDED { first[0] } else { extended[0] };
    let known = ASKED.into_iter().filter(|(leaf, _)| is_known(*leaf));
    let mut marks: Vec<_> = known.map(|(leaf, part)| without_the_core(leaf, cpuid(leaf, part))).collect();
    marks.push(first);
    marks
}

/// The second word of the first answer has the number of the core.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn without_the_core(leaf: u32, [a, b, c, d]: [u32; 4]) -> [u32; 4] {
    [a, if leaf == 1 { 0 } else { b }, c, d]
}

#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
#[allow(unsafe_code, unused_unsafe, reason = "asking the processor was called unsafe before Rust 1.94")]
fn cpuid(leaf: u32, part: u32) -> [u32; 4] {
    #[cfg(target_arch = "x86")]
    use std::arch::x86::__cpuid_count;
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::__cpuid_count;
    // SAFETY: every processor that this program is built for has the instruction, and it changes nothing.
    let said = unsafe { __cpuid_count(leaf, part) };
    [said.eax, said.ebx, said.ecx, said.edx]
}

/// What compilers read elsewhere.
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
fn marks() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let changes = |line: &&str| line.starts_with("BogoMIPS") || line.contains("MHz");
    Some(text.lines().filter(|line| !changes(line)).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_is_the_same_on_all_its_cores() {
        let here = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).unwrap();
        let cores = (0..nix::sched::CpuSet::count()).filter(|core| here.is_set(*core).unwrap());
        let seen = cores.map(|core| {
            let mut one = nix::sched::CpuSet::new();
            one.set(core).unwrap();
            nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &one).unwrap();
            marks()
        });
        let mut seen: Vec<_> = seen.collect();
        seen.dedup();
        assert_eq!(seen.len(), 1);
    }
}
