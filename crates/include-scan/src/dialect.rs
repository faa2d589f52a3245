//! What of a language decides how a file is cut into directives. Knows no command line.

/// How a compiler reads characters, as far as it moves the border between text and directives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Dialect {
    /// `??=` is `#` (`-trigraphs`, `-ansi`, `-std=c99` and its kin).
    pub trigraphs: bool,
    /// `R"x(...)x"` is one string (C++11 and later; GNU C99 and later with gcc, never in C with clang 14).
    pub raw_strings: bool,
    /// `1'000` is one number (C++14 and later, C23).
    pub digit_separators: bool,
    /// `//*` is a division and a comment (strict C90 only).
    pub c90_comments: bool,
    /// An assembler source: an unknown directive is a comment of the assembler, `$` starts no name.
    pub assembler: bool,
    /// `and`, `or`, `not`, `true`, `false` are no names (C++).
    pub cplusplus: bool,
    /// `import` and `module` may begin a declaration (C++20 and later).
    pub modules: bool,
}

pub(crate) const TRIGRAPHS: u8 = 1;
pub(crate) const RAW_STRINGS: u8 = 2;
pub(crate) const DIGIT_SEPARATORS: u8 = 4;
pub(crate) const C90_COMMENTS: u8 = 8;
pub(crate) const ASSEMBLER: u8 = 16;

impl Dialect {
    /// What may change the list of directives; the rest is looked at only when a unit is walked.
    pub(crate) fn cuts(self) -> u8 {
        let bit = |on: bool, bit: u8| if on { bit } else { 0 };
        bit(self.trigraphs, TRIGRAPHS)
            | bit(self.raw_strings, RAW_STRINGS)
            | bit(self.digit_separators, DIGIT_SEPARATORS)
            | bit(self.c90_comments, C90_COMMENTS)
            | bit(self.assembler, ASSEMBLER)
    }
}
