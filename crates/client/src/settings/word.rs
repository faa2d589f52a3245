//! A variable that takes one word out of a few. Knows no variable.

use std::ffi::{OsStr, OsString};

/// What `value`, that of the variable called `name`, asks for: what stands beside it in `words`. The first is meant where
/// nothing is said, and where the word is none of them; then the second item says what is wrong.
pub(super) fn one_of<T: Copy>(
    name: &str,
    value: Option<OsString>,
    words: &[(&str, T)],
) -> (T, Option<String>) {
    let given = value.as_deref().map(OsStr::as_encoded_bytes).filter(|given| !given.is_empty());
    let Some(given) = given else { return (words[0].1, None) };
    if let Some((_, meant)) = words.iter().find(|(word, _)| word.as_bytes() == given) {
        return (*meant, None);
    }
    let mut choice: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let last = choice.pop().unwrap_or_default();
    let (given, choice) = (String::from_utf8_lossy(given), choice.join(", "));
    (words[0].1, Some(format!("Bad {name} value: {given}: give {choice} or {last}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_or_what_is_wrong() {
        let check = |value: Option<&str>, expected: i32, problem: Option<&str>| {
            let of = one_of("X", value.map(OsString::from), &[("one", 1), ("two", 2), ("three", 3)]);
            assert_eq!(of, (expected, problem.map(str::to_owned)), "{value:?}");
        };
        check(None, 1, None);
        check(Some(""), 1, None);
        check(Some("one"), 1, None);
        check(Some("three"), 3, None);
        check(Some("Two"), 1, Some("Bad X value: Two: give one, two or three"));
        check(Some("two "), 1, Some("Bad X value: two : give one, two or three"));
    }
}
