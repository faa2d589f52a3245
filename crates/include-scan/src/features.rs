//! What a compiler answers to `__has_attribute` and its kin, one by one and many in one run; knows no directive.

use crate::compiler::Key;
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
/// What the headers of libc, libstdc++ and boost ask: worth one run at once.
const USUAL: [(&str, &[&str]); 4] = [
    (
        "__has_attribute",
        &[
            "__access__",
            "__alloc_align__",
            "__alloc_size__",
            "__copy__",
            "__deprecated__",
            "__fd_arg__",
            "__malloc__",
            "__nonnull__",
            "__nonstring__",
            "__noreturn__",
            "__nothrow__",
            "__warn_unused_result__",
            "abi_tag",
            "always_inline",
            "deprecated",
            "fallthrough",
            "gnu_inline",
            "init_priority",
            "no_sanitize",
            "noinline",
            "nonnull",
            "noreturn",
            "nothrow",
            "unused",
            "visibility",
            "warn_unused_result",
        ],
    ),
    (
        "__has_builtin",
        &[
            "__builtin_assume_aligned",
            "__builtin_bit_cast",
            "__builtin_expect",
            "__builtin_is_constant_evaluated",
            "__builtin_launder",
            "__builtin_LINE",
            "__builtin_source_location",
            "__builtin_unreachable",
            "__has_unique_object_representations",
            "__is_aggregate",
            "__is_array",
            "__is_same",
        ],
    ),
    (
        "__has_cpp_attribute",
        &[
            "assert",
            "assume",
            "carries_dependency",
            "deprecated",
            "fallthrough",
            "likely",
            "maybe_unused",
            "no_unique_address",
            "nodiscard",
            "noreturn",
            "unlikely",
            "clang::lifetimebound",
            "gnu::const",
        ],
    ),
    (
        "__has_feature",
        &[
            "address_sanitizer",
            "cxx_exceptions",
            "cxx_rtti",
            "memory_sanitizer",
            "modules",
            "thread_sanitizer",
        ],
    ),
];
/// A question is a name, or a few.
const LONGEST: usize = 256;
/// More different questions than all headers of a distribution ask.
const MOST: usize = 20_000;

/// All questions that any compiler was ever asked: what one header asks of one set of words, it will ask of the next.
static HEARD: Mutex<BTreeSet<(&'static str, Vec<u8>)>> = Mutex::new(BTreeSet::new());

/// The answers of one compiler for one set of words.
pub(crate) struct Features {
    key: Key,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Empty until the first run.
    names: HashSet<&'static str>,
    answers: HashMap<(&'static str, Vec<u8>), Option<i64>>,
}

impl Features {
    pub(crate) fn of(key: Key) -> Features {
        Features { key, known: Mutex::default() }
    }

    /// True when this compiler has the macro at all: `defined(__has_feature)`.
    pub(crate) fn knows(&self, name: &str) -> bool {
        let Some(name) = ASKED.iter().chain(&ONLY_KNOWN).find(|known| **known == name) else {
            return false;
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.names.is_empty() {
            self.ask_all(&mut known);
        }
        known.names.contains(name)
    }

    /// What `NAME(ARGUMENT)` stands for. None where the compiler does not say.
    pub(crate) fn value(&self, name: &str, argument: &[u8]) -> Option<i64> {
        let name = ASKED.iter().find(|known| **known == name)?;
        if argument.len() > LONGEST || argument.contains(&b'\n') {
            return None;
        }
        let question = (*name, argument.to_vec());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = known.answers.get(&question) {
            return *answer;
        }
        let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() >= MOST {
            heard.clear();
        }
        heard.insert(question.clone());
        drop(heard);
        self.ask_all(&mut known);
        known.answers.get(&question).copied().flatten()
    }

    /// Asks all that was ever heard and is not known here.
    fn ask_all(&self, known: &mut Known) {
        let mut questions = BTreeSet::new();
        for (name, arguments) in &USUAL {
            questions.extend(arguments.iter().map(|argument| (*name, argument.as_bytes().to_vec())));
        }
        questions.extend(HEARD.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        let new: Vec<_> = questions.into_iter().filter(|asked| !known.answers.contains_key(asked)).collect();
        let printed = self.key.run(&["-E", "-P", "-w", "-"], text_of(&new)).map(|printed| printed.stdout);
        let printed = printed.unwrap_or_default();
        let answers: HashMap<usize, i64> = printed.split(|b| *b == b'\n').filter_map(numbered).collect();
        let is_known = |at: usize| answers.contains_key(&(new.len() + at));
        let names = ASKED.iter().chain(&ONLY_KNOWN).enumerate();
        known.names.extend(names.filter(|(at, _)| is_known(*at)).map(|(_, name)| *name));
        let answered = new.into_iter().enumerate().map(|(at, asked)| (asked, answers.get(&at).copied()));
        known.answers.extend(answered);
    }
}

/// A line for each question, and one for each name that is known.
fn text_of(questions: &[(&'static str, Vec<u8>)]) -> Vec<u8> {
    let mut text = Vec::new();
    for (at, (name, argument)) in questions.iter().enumerate() {
        text.extend_from_slice(format!("#ifdef {name}\n@{at} {name}(").as_bytes());
        text.extend_from_slice(argument);
        text.extend_from_slice(b")\n#endif\n");
    }
    for (at, name) in ASKED.iter().chain(&ONLY_KNOWN).enumerate() {
        text.extend_from_slice(format!("#ifdef {name}\n@{} 1\n#endif\n", questions.len() + at).as_bytes());
    }
    text
}

/// `@NUMBER VALUE`; a value may have a suffix, as 201907L.
fn numbered(line: &[u8]) -> Option<(usize, i64)> {
    let line = std::str::from_utf8(line).ok()?.strip_prefix('@')?;
    let (number, value) = line.split_once(' ')?;
    Some((number.parse().ok()?, value.trim().trim_end_matches(['l', 'L', 'u', 'U']).parse().ok()?))
}
