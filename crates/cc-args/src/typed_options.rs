//! A compilation's options one by one, for those who must sort them in their own way; gives no meaning to any.

use crate::arguments::Kind;
use crate::compilation::Compilation;
use std::ffi::{OsStr, OsString};

/// One option as it was typed.
#[derive(Clone, Copy, Debug)]
pub struct TypedOption<'a> {
    /// The option table's name for it: `-I`, `-std=`, `-f` (for all of the family that have no row of their own).
    pub name: &'static str,
    /// What follows the name in its word, or the next word; empty where the option has none.
    pub value: &'a OsStr,
    /// One word, or two with a value in a word of its own.
    pub words: &'a [OsString],
}

impl Compilation {
    /// All options in the order in which they count: those said through `-Wp,` and `-Xpreprocessor` come last, each as an
    /// option of its own.
    pub fn typed_options(&self) -> impl Iterator<Item = TypedOption<'_>> {
        self.arguments.iter().filter_map(|argument| match argument.kind {
            Kind::Option(row) => Some(TypedOption {
                name: row.name,
                value: self.arguments.value(argument),
                words: self.arguments.words(argument),
            }),
            Kind::Input | Kind::Unknown => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::analyze;
    use std::ffi::OsString;

    #[test]
    fn options_come_with_their_values_and_words() {
        let words: Vec<OsString> =
            "gcc -c x.c -I a -Ib -Wp,-DX,-MD,f.d -std=c99 -fPIC".split(' ').map(Into::into).collect();
        let compilation = analyze(&words, |_| None).unwrap_or_else(|why| panic!("{why:?}"));
        let shown: Vec<String> = compilation
            .typed_options()
            .map(|option| format!("{}({})/{}", option.name, option.value.display(), option.words.len()))
            .collect();
        let expected =
            ["-c()/1", "-I(a)/2", "-I(b)/1", "-std=(c99)/1", "-f(PIC)/1", "-D(X)/1", "-MD()/1", "-MF(f.d)/2"];
        assert_eq!(shown, expected);
    }
}
