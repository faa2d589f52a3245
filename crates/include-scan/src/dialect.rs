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
