//! Spellings as small numbers: each identifier, number or string of a directive is kept once. Knows no grammar.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// A spelling, as a dense number within its [`Symbols`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Symbol(pub(crate) u32);

/// All spellings met so far; shared by threads, only ever grows. Reading takes no lock.
pub struct Symbols {
    numbers: Mutex<HashTable<u32>>,
    chunks: [OnceLock<Chunk>; CHUNKS],
    bytes: AtomicUsize,
}

type Chunk = Box<[OnceLock<Box<[u8]>>]>;

/// Chunk n holds 2^(10 + n) spellings, so that 2^32 of them fit.
const CHUNKS: usize = 23;
const FIRST_BITS: u32 = 10;
/// What one spelling costs beside its bytes: its slot, its number and the allocator's share.
const OVERHEAD: usize = 24 + 8 + 16;

/// The spellings that mean something to the preprocessor itself; their place is their number.
macro_rules! known {
    ($($name:ident $spelling:literal),* $(,)?) => {
        const KNOWN: &[&str] = &[$($spelling),*];
        #[allow(dead_code, non_camel_case_types, clippy::upper_case_acronyms, reason = "only their numbers count")]
        #[repr(u32)]
        enum Number { $($name),* }
        $(#[allow(dead_code, reason = "some are only the members of a range")]
        pub(crate) const $name: Symbol = Symbol(Number::$name as u32);)*
    };
}

known! {
    EMPTY "",
    DEFINED "defined",
    VA_ARGS "__VA_ARGS__",
    VA_OPT "__VA_OPT__",
    AND "and",
    OR "or",
    NOT "not",
    BITAND "bitand",
    BITOR "bitor",
    XOR "xor",
    COMPL "compl",
    NOT_EQ "not_eq",
    TRUE "true",
    FALSE "false",
    HAS_INCLUDE "__has_include",
    HAS_INCLUDE_NEXT "__has_include_next",
    HAS_EMBED "__has_embed",
    HAS_ATTRIBUTE "__has_attribute",
    HAS_CPP_ATTRIBUTE "__has_cpp_attribute",
    HAS_C_ATTRIBUTE "__has_c_attribute",
    HAS_DECLSPEC_ATTRIBUTE "__has_declspec_attribute",
    HAS_BUILTIN "__has_builtin",
    HAS_FEATURE "__has_feature",
    HAS_EXTENSION "__has_extension",
    HAS_WARNING "__has_warning",
    IS_IDENTIFIER "__is_identifier",
    IS_TARGET_ARCH "__is_target_arch",
    IS_TARGET_VENDOR "__is_target_vendor",
    IS_TARGET_OS "__is_target_os",
    IS_TARGET_ENVIRONMENT "__is_target_environment",
    BUILDING_MODULE "__building_module",
    FILE "__FILE__",
    FILE_NAME "__FILE_NAME__",
    BASE_FILE "__BASE_FILE__",
    LINE "__LINE__",
    INCLUDE_LEVEL "__INCLUDE_LEVEL__",
    COUNTER "__COUNTER__",
    DATE "__DATE__",
    TIME "__TIME__",
    TIMESTAMP "__TIMESTAMP__",
    PRAGMA "_Pragma",
    MS_PRAGMA "__pragma",
}

/// The first and the last of the names whose answers only the compiler knows.
pub(crate) const FIRST_QUESTION: Symbol = HAS_ATTRIBUTE;
pub(crate) const LAST_QUESTION: Symbol = BUILDING_MODULE;
/// The first and the last of all names that are macros without a definition.
pub(crate) const FIRST_BUILTIN: Symbol = HAS_INCLUDE;
pub(crate) const LAST_BUILTIN: Symbol = MS_PRAGMA;

impl Default for Symbols {
    fn default() -> Symbols {
        Symbols::new()
    }
}

impl Symbols {
    /// A set that holds the preprocessor's own names only.
    pub fn new() -> Symbols {
        let symbols = Symbols {
            numbers: Mutex::new(HashTable::new()),
            chunks: std::array::from_fn(|_| OnceLock::new()),
            bytes: AtomicUsize::new(0),
        };
        for name in KNOWN {
            symbols.intern(name.as_bytes());
        }
        symbols
    }

    /// The number of a spelling, new or old.
    pub fn intern(&self, spelling: &[u8]) -> Symbol {
        let hash = FxBuildHasher.hash_one(spelling);
        let mut numbers = self.numbers.lock().expect("nothing panics while it holds the names");
        if let Some(number) = numbers.find(hash, |number| self.spelling(Symbol(*number)) == spelling) {
            return Symbol(*number);
        }
        let number = u32::try_from(numbers.len()).expect("fewer than 2^32 spellings fit into memory");
        let (chunk, place) = place_of(number);
        let slots = self.chunks[chunk].get_or_init(|| {
            let size = 1_usize << (chunk + FIRST_BITS as usize);
            (0..size).map(|_| OnceLock::new()).collect()
        });
        slots[place].set(spelling.into()).expect("each number is given once");
        numbers.insert_unique(hash, number, |number| FxBuildHasher.hash_one(self.spelling(Symbol(*number))));
        self.bytes.fetch_add(spelling.len() + OVERHEAD, Ordering::Relaxed);
        Symbol(number)
    }

    /// The bytes behind a number that this set gave.
    pub fn spelling(&self, symbol: Symbol) -> &[u8] {
        let (chunk, place) = place_of(symbol.0);
        self.chunks[chunk].get().and_then(|slots| slots[place].get()).map_or(b"", |bytes| bytes)
    }

    /// About how many bytes of memory the spellings take.
    pub fn memory(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

fn place_of(number: u32) -> (usize, usize) {
    let shifted = u64::from(number) + (1 << FIRST_BITS);
    let top = 63 - shifted.leading_zeros();
    ((top - FIRST_BITS) as usize, (shifted - (1 << top)) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spelling_keeps_its_number() {
        let symbols = Symbols::new();
        let names: Vec<String> = (0..5000).map(|n| format!("name_{n}")).collect();
        let first: Vec<Symbol> = names.iter().map(|name| symbols.intern(name.as_bytes())).collect();
        for (name, symbol) in names.iter().zip(first) {
            assert_eq!(symbols.intern(name.as_bytes()), symbol);
            assert_eq!(symbols.spelling(symbol), name.as_bytes());
        }
    }

    #[test]
    fn known_names_stand_at_their_numbers() {
        let symbols = Symbols::new();
        assert_eq!(symbols.intern(b"defined"), DEFINED);
        assert_eq!(symbols.intern(b"__COUNTER__"), COUNTER);
        for (number, name) in (0..).zip(KNOWN) {
            assert_eq!(symbols.spelling(Symbol(number)), name.as_bytes());
        }
    }
}
