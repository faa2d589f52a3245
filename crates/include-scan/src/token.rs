//! Preprocessing tokens. Knows no macro.

use crate::symbol::{EMPTY, Symbol};

/// What a token is, as far as conditions and macros care.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The end of the directive, of a body or of an argument.
    End,
    Name,
    Number,
    Char,
    Text,
    /// `<...>` after `__has_include(`; its symbol is what stands between.
    HeaderName,
    /// A parameter in a body; its symbol is the parameter's place.
    Parameter,
    /// `#` and a parameter in a body.
    Stringify,
    /// `__VA_OPT__(` in a body; its symbol is the count of tokens up to its end.
    VaOpt,
    /// Nothing: what is left of an empty operand of `##`.
    Placemarker,
    Hash,
    Paste,
    Open,
    Close,
    Comma,
    Ellipsis,
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
    ShiftLeft,
    ShiftRight,
    Less,
    Greater,
    LessEqual,
    GreaterEqual,
    Equal,
    NotEqual,
    And,
    Or,
    Xor,
    Complement,
    Not,
    AndAnd,
    OrOr,
    Question,
    Colon,
    /// Any other punctuation or a stray character.
    Other,
}

/// White space stood before it.
pub(crate) const SPACE: u8 = 1;
/// A name that is never expanded again: its macro was being expanded when it was met.
pub(crate) const PAINTED: u8 = 2;
/// `##` follows in the body.
pub(crate) const PASTES: u8 = 4;

/// A token with its spelling.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    pub(crate) symbol: Symbol,
}

impl Token {
    pub(crate) const END: Token = Token { kind: Kind::End, flags: 0, symbol: EMPTY };

    pub(crate) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(crate) fn with(self, flag: u8) -> Token {
        Token { flags: self.flags | flag, ..self }
    }

    pub(crate) fn without(self, flag: u8) -> Token {
        Token { flags: self.flags & !flag, ..self }
    }
}

/// Punctuation, longest first among those that begin alike.
pub(crate) const PUNCTUATION: &[(&[u8], Kind)] = &[
    (b"%:%:", Kind::Paste),
    (b"->*", Kind::Other),
    (b"...", Kind::Ellipsis),
    (b"<<=", Kind::Other),
    (b">>=", Kind::Other),
    (b"<=>", Kind::Other),
    (b"##", Kind::Paste),
    (b"%:", Kind::Hash),
    (b"<<", Kind::ShiftLeft),
    (b">>", Kind::ShiftRight),
    (b"<=", Kind::LessEqual),
    (b">=", Kind::GreaterEqual),
    (b"==", Kind::Equal),
    (b"!=", Kind::NotEqual),
    (b"&&", Kind::AndAnd),
    (b"||", Kind::OrOr),
    (b"->", Kind::Other),
    (b"++", Kind::Other),
    (b"--", Kind::Other),
    (b"+=", Kind::Other),
    (b"-=", Kind::Other),
    (b"*=", Kind::Other),
    (b"/=", Kind::Other),
    (b"%=", Kind::Other),
    (b"&=", Kind::Other),
    (b"|=", Kind::Other),
    (b"^=", Kind::Other),
    (b"::", Kind::Other),
    (b".*", Kind::Other),
    (b"<:", Kind::Other),
    (b":>", Kind::Other),
    (b"<%", Kind::Other),
    (b"%>", Kind::Other),
    (b"(", Kind::Open),
    (b")", Kind::Close),
    (b",", Kind::Comma),
    (b"#", Kind::Hash),
    (b"+", Kind::Plus),
    (b"-", Kind::Minus),
    (b"*", Kind::Times),
    (b"/", Kind::Divide),
    (b"%", Kind::Modulo),
    (b"<", Kind::Less),
    (b">", Kind::Greater),
    (b"&", Kind::And),
    (b"|", Kind::Or),
    (b"^", Kind::Xor),
    (b"~", Kind::Complement),
    (b"!", Kind::Not),
    (b"?", Kind::Question),
    (b":", Kind::Colon),
];

/// Whether a byte may stand in a name (UTF-8 beyond ASCII may).
pub(crate) fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}
