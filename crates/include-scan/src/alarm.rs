//! Rare words in a file's text that no directive shows. Knows no grammar but where comments are.

use std::ops::Range;

use memchr::memmem;

use crate::dialect::Dialect;
use crate::not_covered::NotCovered;
use crate::token::in_name;

/// What a file's text holds that makes a unit that reads it one for here.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Alarms {
    /// The code and the word of the first one found.
    pub(crate) word: Option<(&'static str, &'static str)>,
    pub(crate) modules: bool,
    pub(crate) lone_return: bool,
    pub(crate) broken_raw_string: bool,
}

impl Alarms {
    /// Why a unit that reads this file in a dialect is not covered, if so.
    pub(crate) fn reason(&self, dialect: Dialect) -> Option<NotCovered> {
        if let Some((code, word)) = self.word {
            return Some(NotCovered::new(code, format!("{word} in a file that it reads")));
        }
        if self.modules && dialect.modules {
            return Some(NotCovered::new("modules", "a line that may import a module"));
        }
        if self.lone_return {
            return Some(NotCovered::new("carriage-return", "a carriage return within a line"));
        }
        self.broken_raw_string.then(|| {
            NotCovered::new("raw-string", "a raw string that goes over a directive's end, or has none")
        })
    }
}

/// Where a word must stand to count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Anywhere outside comments.
    Any,
    /// Not as a part of a longer name.
    Name,
    /// Before a blank or a quote, as a directive of the assembler.
    Statement,
    /// A name, not on a `#pragma` line: those are directives.
    OffPragma,
    /// In `_Pragma("...")`.
    Operator,
}

/// Code, word, place.
const WORDS: &[(&str, &str, Place)] = &[
    ("incbin", "incbin", Place::Any),
    ("incbin", ".INCBIN", Place::Any),
    ("assembler-include", ".include", Place::Statement),
    ("assembler-include", ".INCLUDE", Place::Statement),
    ("timestamp", "__TIMESTAMP__", Place::Name),
    ("date", "__DATE__", Place::Name),
    ("date", "__TIME__", Place::Name),
    ("pragma-operator", "push_macro", Place::OffPragma),
    ("pragma-operator", "pop_macro", Place::OffPragma),
    ("pragma-operator", "GCC dependency", Place::OffPragma),
    ("pragma-operator", "pch_preprocess", Place::OffPragma),
    ("pragma-operator", "include_alias", Place::OffPragma),
    ("pragma-operator", "\"once\"", Place::Operator),
];

/// The words of a text, those in comments included: which one, and where it begins.
pub(crate) struct Sought(Vec<(usize, usize)>);

/// Looks for all words; most files hold none.
pub(crate) fn alarms(text: &[u8]) -> Sought {
    let mut found = Vec::new();
    for (index, (_, word, place)) in WORDS.iter().enumerate() {
        let places = memmem::find_iter(text, word.as_bytes());
        found.extend(places.filter(|at| counts(text, *at, word, *place)).map(|at| (index, at)));
    }
    Sought(found)
}

impl Sought {
    pub(crate) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The first word that stands in no comment and in no pragma that is known.
    pub(crate) fn outside(&self, silent: &[Range<usize>]) -> Alarms {
        let is_silent = |at: usize| {
            let after = silent.partition_point(|range| range.start <= at);
            after > 0 && silent[after - 1].contains(&at)
        };
        let word = self
            .0
            .iter()
            .find(|(_, at)| !is_silent(*at))
            .map(|(index, _)| (WORDS[*index].0, WORDS[*index].1));
        Alarms { word, ..Alarms::default() }
    }
}

fn counts(text: &[u8], at: usize, word: &str, place: Place) -> bool {
    let before = &text[..at];
    let after = text.get(at + word.len()).copied().unwrap_or(b'\n');
    let alone = !in_name(after) && !before.last().is_some_and(|byte| in_name(*byte));
    match place {
        Place::Any => true,
        Place::Name => alone,
        Place::Statement => matches!(after, b' ' | b'\t' | b'"' | b'\\'),
        Place::OffPragma => {
            let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii();
            let directive = line.strip_prefix(b"#").map(<[u8]>::trim_ascii_start);
            alone && !directive.is_some_and(|directive| directive.starts_with(b"pragma"))
        }
        Place::Operator => before.trim_ascii_end().ends_with(b"("),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Dialect, Directives, Symbols};

    fn check(text: &str, expected: Option<&str>) {
        let directives = Directives::parse(text.as_bytes(), Dialect::default(), &Symbols::new());
        assert_eq!(directives.alarms.word.map(|(code, _)| code), expected, "{text}");
    }

    #[test]
    fn words_outside_comments() {
        check("asm(\".incbin \\\"x\\\"\");", Some("incbin"));
        check("/* asm(\".incbin\") */ // incbin\nint x;", None);
        check("asm(\".include \\\"x\\\"\"); /* */", Some("assembler-include"));
        check("x.include(y); x.included = 1;", None);
        check("char *t = __TIMESTAMP__;", Some("timestamp"));
        check("#define X __DATE__ \" \" __TIME__", Some("date"));
        check("int MY__DATE__; int __TIME__X;", None);
        check(" # pragma push_macro(\"X\")\n#pragma  pop_macro(\"X\")", None);
        check("#define P _Pragma(\"push_macro(\\\"X\\\")\")", Some("pragma-operator"));
        check("_Pragma(\"once\")\nint x;", None);
        check("int x; _Pragma(\"once\")", Some("pragma-operator"));
        check("x = \"once\";", None);
        check("void rl_push_macro_input(char *);", None);
    }
}
