//! One translation unit as the walk takes it: what the command and its compiler say. Knows no command-line words.

use std::sync::Arc;

use crate::dialect::Dialect;
use crate::directive::Directives;
use crate::sight::DirId;

/// What is compiled, and what is in force before its first line.
pub struct Task {
    /// The source as the command spells it.
    pub source: Vec<u8>,
    /// `-D` and `-U` in the command's order.
    pub macros: Vec<MacroWord>,
    /// Operands of `-imacros`, in order: they are read before all of `include`.
    pub imacros: Vec<Vec<u8>>,
    /// Operands of `-include`, in order.
    pub include: Vec<Vec<u8>>,
    /// The compiler's own macros: its answer to `-dM -E`, parsed.
    pub predefined: Arc<Directives>,
    /// How the files are cut into directives.
    pub dialect: Dialect,
    /// Where `"..."` and `<...>` are looked for.
    pub search: SearchPath,
    /// Whether the command says of a directory that it is one of the system (`-isystem` and its kin).
    pub adds_to_the_system: bool,
}

/// A macro of the command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MacroWord {
    /// `-D`: `NAME`, `NAME=BODY` or `NAME(PARAMETERS)=BODY`.
    Define(Vec<u8>),
    /// `-U`: `NAME`.
    Undefine(Vec<u8>),
}

/// The directories of the compiler's list, in its order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SearchPath {
    /// For `"..."` only (`-iquote`), before those of `angle`.
    pub quote: Vec<SearchDir>,
    /// For `<...>` and, after `quote`, for `"..."`.
    pub angle: Vec<SearchDir>,
}

impl SearchPath {
    /// The spelling of a directory of the chain: `quote`, then `angle`.
    pub(crate) fn spelling(&self, place: u32) -> &[u8] {
        self.quote.iter().chain(&self.angle).nth(place as usize).map_or(b"", |directory| &directory.spelling)
    }
}

/// One directory of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SearchDir {
    /// Its handle in this job's [`Sight`](crate::sight::Sight).
    pub directory: DirId,
    /// As the compiler spells it: the beginning of `__FILE__` of what is found there.
    pub spelling: Arc<[u8]>,
}
