//! How much a peer may make us hold. Knows only the numbers and where they come from.

const KIB: u32 = 1024;
const MIB: u32 = 1024 * KIB;

/// Every limit on what a peer claims. A claim is checked before anything is allocated for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// How many `ARGV`: 16 384. Real commands have a few hundred words, and the ones that make them thousands
    /// (`-I`, `-D`) are not sent.
    pub args: u32,
    /// One `ARGV`: 2 MiB, what Linux lets one word of a command have on its largest pages (32 × 64 KiB).
    pub arg_bytes: u32,
    /// All `ARGV` together: 6 MiB, what Linux lets a command have with any stack limit (3/4 of 8 MiB).
    pub args_bytes: u32,
    /// How many names of files and links: 100 000. The largest C++ units known need a few thousand.
    pub names: u32,
    /// One name, directory or target of a link: 4095 bytes, what Linux lets a path have.
    pub name_bytes: u32,
    /// All names and targets together: 16 MiB.
    pub names_bytes: u32,
    /// One bulk body on the wire, and all files of one job together: 1 GiB, several times the largest objects known (unity builds with `-g3`).
    pub bulk_bytes: u32,
    /// One bulk body after LZO: 1 GiB, so that compression gives no way around `bulk_bytes`.
    pub unpacked_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            args: 16 * KIB,
            arg_bytes: 2 * MIB,
            args_bytes: 6 * MIB,
            names: 100_000,
            name_bytes: 4095,
            names_bytes: 16 * MIB,
            bulk_bytes: 1024 * MIB,
            unpacked_bytes: 1024 * MIB as usize,
        }
    }
}

impl Limits {
    /// The default limits, with bodies of up to so many MiB on the wire and unpacked; no length on the wire reaches
    /// 4096 MiB, so that more makes no difference.
    #[must_use]
    pub fn with_bodies_of(mib: u32) -> Self {
        let bytes = u64::from(mib) * u64::from(MIB);
        Limits {
            bulk_bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            unpacked_bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
            ..Limits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_may_be_larger_or_smaller() {
        let check = |mib, wire, unpacked| {
            let limits = Limits::with_bodies_of(mib);
            assert_eq!((limits.bulk_bytes, limits.unpacked_bytes), (wire, unpacked), "{mib}");
        };
        check(1, 1 << 20, 1 << 20);
        check(1024, 1 << 30, 1 << 30);
        check(4096, u32::MAX, 1 << 32);
        check(u32::MAX, u32::MAX, (u32::MAX as usize) << 20);
        assert_eq!(Limits::with_bodies_of(1024), Limits::default());
    }
}
