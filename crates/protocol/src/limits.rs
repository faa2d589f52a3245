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
    /// One bulk body on the wire: 1 GiB, several times the largest objects known (unity builds with `-g3`).
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
            bulk_bytes: 1024 * MIB,
            unpacked_bytes: 1024 * MIB as usize,
        }
    }
}
