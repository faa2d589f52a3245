//! The pragmas that have a say in which files are read. Knows no macro's value.

use crate::dialect::Dialect;
use crate::lexer::Lexer;
use crate::symbol::{Symbol, Symbols};
use crate::token::Kind;

/// What a `#pragma` line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Pragma {
    Once,
    Push(Symbol),
    Pop(Symbol),
    /// These are no macros any more.
    Poison(Box<[Symbol]>),
    /// It reads files, compares their times, or changes what `#include` means.
    Unknown(&'static str),
}

const PUSHES_UNNAMED: Pragma = Pragma::Unknown("#pragma push_macro or pop_macro without a name");

/// What follows `#pragma`; nothing for the many that read no file.
pub(crate) fn pragma(line: &[u8], symbols: &Symbols, dialect: Dialect) -> Option<Pragma> {
    let mut lexer = Lexer::new(line, symbols, dialect);
    let mut word = || symbols.spelling(lexer.next().symbol);
    let first = word();
    let second = if matches!(first, b"GCC" | b"clang") { word() } else { first };
    match second {
        b"once" if second == first => Some(Pragma::Once),
        // clang expands what stands there; gcc says an error.
        b"push_macro" => Some(quoted(&mut lexer, symbols).map_or(PUSHES_UNNAMED, Pragma::Push)),
        b"pop_macro" => Some(quoted(&mut lexer, symbols).map_or(PUSHES_UNNAMED, Pragma::Pop)),
        b"poison" => Some(Pragma::Poison(names(&mut lexer))),
        b"dependency" => Some(Pragma::Unknown("#pragma dependency")),
        b"pch_preprocess" => Some(Pragma::Unknown("#pragma GCC pch_preprocess")),
        b"include_alias" => Some(Pragma::Unknown("#pragma include_alias")),
        b"module" if first == b"clang" => Some(Pragma::Unknown("#pragma clang module")),
        b"hdrstop" => Some(Pragma::Unknown("#pragma hdrstop")),
        _ => None,
    }
}

/// The name in `("NAME")`.
fn quoted(lexer: &mut Lexer<'_>, symbols: &Symbols) -> Option<Symbol> {
    let open = lexer.next();
    let text = lexer.next();
    let name = symbols.spelling(text.symbol).strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    (open.kind == Kind::Open && text.kind == Kind::Text).then(|| symbols.intern(name.trim_ascii()))
}

fn names(lexer: &mut Lexer<'_>) -> Box<[Symbol]> {
    let names = std::iter::repeat_with(|| lexer.next()).take_while(|token| token.kind == Kind::Name);
    names.map(|token| token.symbol).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pragmas() {
        let symbols = Symbols::new();
        let x = symbols.intern(b"X");
        let y = symbols.intern(b"Y");
        let check = |line: &str, expected| {
            assert_eq!(pragma(line.as_bytes(), &symbols, Dialect::default()), expected, "{line}");
        };
        check(" once", Some(Pragma::Once));
        check(" GCC once", None);
        check(" push_macro(\"X\")", Some(Pragma::Push(x)));
        check(" pop_macro ( \" X\" )", Some(Pragma::Pop(x)));
        check(" push_macro(X)", Some(PUSHES_UNNAMED));
        check(" GCC poison X Y", Some(Pragma::Poison([x, y].into())));
        check(" GCC dependency \"x.h\"", Some(Pragma::Unknown("#pragma dependency")));
        check(" GCC system_header", None);
        check(" omp parallel", None);
        check("", None);
    }
}
