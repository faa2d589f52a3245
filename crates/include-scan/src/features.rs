//! What a compiler answers to `__has_attribute` and its kin, many in one run; knows no directive.

use crate::compiler::Key;
use crate::usual_questions::USUAL;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

/// The macros that only the compiler itself can answer.
const ASKED: [&str; 10] = [
    "__has_attribute",
    "__has_builtin",
    "__has_c_attribute",
    "__has_cpp_attribute",
    "__has_declspec_attribute",
    "__has_extension",
    "__has_feature",
    "__has_warning",
    "__is_identifier",
    "__has_constexpr_builtin",
];
/// Defined or not like these, and answered without the compiler.
const ONLY_KNOWN: [&str; 4] = ["__has_include", "__has_include_next", "__has_embed", "__building_module"];
/// A question is a name, or a few.
const LONGEST: usize = 256;
/// More different questions than all headers of a distribution ask.
const MOST: usize = 20_000;

/// All questions that any compiler was ever asked: what one header asks of one set of words, it will ask of the next.
static HEARD: Mutex<BTreeSet<Question>> = Mutex::new(BTreeSet::new());

/// The answers of one compiler for one set of words.
pub(crate) struct Features {
    key: Key,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    names: HashSet<&'static str>,
    answers: HashMap<Question, Option<i64>>,
}

/// A macro and its argument.
type Question = (&'static str, Vec<u8>);

/// Many questions, for one run.
#[derive(Default)]
pub(crate) struct Questions(Vec<Question>);

impl Features {
    /// What the compiler has printed when it was asked these.
    pub(crate) fn of(key: Key, questions: Questions, printed: &[u8]) -> Features {
        let mut known = Known::default();
        known.learn(questions, printed);
        Features { key, known: Mutex::new(known) }
    }

    /// True when this compiler has the macro at all: `defined(__has_feature)`.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).names.contains(name)
    }

    /// What `NAME(ARGUMENT)` stands for. None where the compiler does not say.
    pub(crate) fn value(&self, name: &str, argument: &[u8]) -> Option<i64> {
        let name = ASKED.iter().find(|known| **known == name)?;
        if !is_well_formed(name, argument) {
            return None;
        }
        let question = (*name, argument.to_vec());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = known.answers.get(&question) {
            return *answer;
        }
        remember([question.clone()]);
        let mut questions = Questions::ever_asked();
        questions.0.retain(|asked| !known.answers.contains_key(asked));
        let printed = self.key.run(&["-E", "-P", "-w", "-"], questions.text());
        known.learn(questions, &printed.map(|printed| printed.stdout).unwrap_or_default());
        known.answers.get(&question).copied().flatten()
    }
}

impl Known {
    fn learn(&mut self, questions: Questions, printed: &[u8]) {
        let questions = questions.0;
        let answers: HashMap<usize, i64> = printed.split(|b| *b == b'\n').filter_map(numbered).collect();
        let is_known = |at: usize| answers.contains_key(&(questions.len() + at));
        let names = ASKED.iter().chain(&ONLY_KNOWN).enumerate();
        self.names.extend(names.filter(|(at, _)| is_known(*at)).map(|(_, name)| *name));
        let answered =
            questions.into_iter().enumerate().map(|(at, asked)| (asked, answers.get(&at).copied()));
        self.answers.extend(answered);
    }
}

impl Questions {
    /// What any header is known to ask, and all that was ever heard.
    pub(crate) fn ever_asked() -> Questions {
        let mut questions = BTreeSet::new();
        for (name, arguments) in USUAL {
            questions.extend(arguments.split(' ').map(|argument| (*name, argument.as_bytes().to_vec())));
        }
        questions.extend(HEARD.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        Questions(questions.into_iter().collect())
    }

    /// A line for each, and one for each name that is known.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (at, (name, argument)) in self.0.iter().enumerate() {
            text.extend_from_slice(format!("#ifdef {name}\n@{at} {name}(").as_bytes());
            text.extend_from_slice(argument);
            text.extend_from_slice(b")\n#endif\n");
        }
        for (at, name) in ASKED.iter().chain(&ONLY_KNOWN).enumerate() {
            text.extend_from_slice(format!("#ifdef {name}\n@{} 1\n#endif\n", self.0.len() + at).as_bytes());
        }
        text
    }
}

/// Notes what a file will ask, so that its questions are asked together.
pub(crate) fn hear(text: &[u8]) {
    let mut questions = Vec::new();
    for at in memchr::memmem::find_iter(text, b"__has_") {
        let rest = &text[at..];
        let end = rest.iter().position(|b| !is_word(*b)).unwrap_or(rest.len());
        let Some(name) = ASKED.iter().find(|known| known.as_bytes() == &rest[..end]) else { continue };
        let rest = rest[end..].trim_ascii_start();
        let Some(rest) = rest.strip_prefix(b"(") else { continue };
        let argument = rest.split(|b| *b == b')' || *b == b'\n').next().unwrap_or_default().trim_ascii();
        if is_well_formed(name, argument) {
            questions.push((*name, argument.to_vec()));
        }
    }
    if !questions.is_empty() {
        remember(questions);
    }
}

fn remember(questions: impl IntoIterator<Item = Question>) {
    let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    if heard.len() >= MOST {
        heard.clear();
    }
    heard.extend(questions);
}

/// clang gives up after twenty errors, and then all other questions would have no answer.
fn is_well_formed(name: &str, argument: &[u8]) -> bool {
    if argument.len() > LONGEST {
        return false;
    }
    if name == "__has_warning" {
        let warning = argument.strip_prefix(b"\"-W").and_then(|rest| rest.strip_suffix(b"\""));
        return warning.is_some_and(|rest| rest.iter().all(|b| is_word(*b) || b"-+=#".contains(b)));
    }
    let is_name = |part: &[u8]| {
        part.first().is_some_and(|b| is_word(*b) && !b.is_ascii_digit()) && part.iter().all(|b| is_word(*b))
    };
    match memchr::memmem::find(argument, b"::") {
        Some(colons) if name.ends_with("_attribute") && name != "__has_declspec_attribute" => {
            is_name(&argument[..colons]) && is_name(&argument[colons + 2..])
        }
        _ => is_name(argument),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// `@NUMBER VALUE`; a value may have a suffix, as 201907L.
fn numbered(line: &[u8]) -> Option<(usize, i64)> {
    let line = std::str::from_utf8(line).ok()?.strip_prefix('@')?;
    let (number, value) = line.split_once(' ')?;
    Some((number.parse().ok()?, value.trim().trim_end_matches(['l', 'L', 'u', 'U']).parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        hear(text.as_bytes());
        let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
        let of_test = heard.iter().filter(|(_, argument)| argument.windows(4).any(|part| part == b"test"));
        let of_test: Vec<_> =
            of_test.map(|(name, argument)| (*name, str::from_utf8(argument).unwrap())).collect();
        assert_eq!(of_test, expected);
    }

    #[test]
    fn questions_are_heard_in_text() {
        check(
            "#if __has_builtin(__test_a) || __has_cpp_attribute( test::b )\n# if __has_include(<test>)\n\
             __has_feature(test(1)\n__has_attribute(test+1)\n__has_warning(test)\n__has_builtinx(test)",
            &[("__has_builtin", "__test_a"), ("__has_cpp_attribute", "test::b")],
        );
    }

    #[test]
    fn lines_with_numbers_are_answers() {
        assert_eq!(numbered(b"@12 201907L"), Some((12, 201_907)));
        assert_eq!(numbered(b"@1 __has_feature(x)"), None);
        assert_eq!(numbered(b"12 1"), None);
    }
}
