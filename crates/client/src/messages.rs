//! Whether what a compiler elsewhere said of preprocessed text is what the one here would have said of the source. Changes
//! no word of it.

use crate::settings::Speech;
use crate::{macro_lines, server_root};
use cc_args::Family;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A warning that a comment such as `/* fall through */` prevents; preprocessed text has none.
const HEEDS_COMMENTS: &[u8] = b"-Wimplicit-fallthrough";

/// All that was said of one source that was compiled elsewhere with success.
pub(crate) struct Messages<'a> {
    pub(crate) family: Family,
    /// By the preprocessor here.
    pub(crate) preprocessor: &'a [u8],
    /// By the compiler elsewhere, on stderr.
    pub(crate) compiler: &'a [u8],
    /// What the compiler elsewhere is called, if not as the one here: drivers put it before messages of their own.
    pub(crate) strange_name: Option<&'a OsStr>,
    /// How a gcc that runs here speaks.
    pub(crate) speech: Speech,
    /// Colours of the user's own, or none, are in force.
    pub(crate) own_colours: bool,
}

impl<'a> Messages<'a> {
    /// Why only a compile here gives the right words, if so; `text` is what was compiled, None for what was not
    /// preprocessed here.
    pub(crate) fn doubt_of_text(&self, text: impl FnOnce() -> Option<Cow<'a, [u8]>>) -> Option<&'static str> {
        if self.compiler.is_empty() {
            return None;
        }
        if says(self.compiler, HEEDS_COMMENTS) {
            return Some("a warning heeds comments, and those were not sent");
        }
        if !self.preprocessor.is_empty() {
            return Some(
                "preprocessor and compiler both have something to say, and only one run knows the order",
            );
        }
        if let Some(doubt) = self.doubt_of_sources() {
            return Some(doubt);
        }
        let read = |file: &Path| file.is_file().then(|| std::fs::read(file).ok())?;
        text()
            .is_some_and(|text| macro_lines::are_meant(self.compiler, &text, read))
            .then_some("a message is about a line with a macro, which was not sent")
    }

    /// Likewise for what was compiled in one run elsewhere, as it would be here.
    pub(crate) fn doubt_of_sources(&self) -> Option<&'static str> {
        if self.family != Family::Clang && self.is_other_speech() {
            return Some("the compiler there does not speak as the one here does");
        }
        if self.own_colours && self.compiler.contains(&0x1b) {
            return Some("GCC_COLORS was not sent");
        }
        if self.strange_name.is_some_and(|name| begins_a_line(self.compiler, name.as_bytes())) {
            return Some("the compiler there has another name, and says it");
        }
        server_root::is_named_in(self.compiler, Path::new("/"))
            .then_some("a message names a directory of the server's")
    }

    /// gcc has other quotes in UTF-8, and other words in other languages.
    fn is_other_speech(&self) -> bool {
        match self.speech {
            _ if self.compiler.is_empty() => false,
            Speech::Ascii => says(self.compiler, "\u{2018}".as_bytes()),
            Speech::Unicode => self.compiler.contains(&b'\''),
            Speech::Foreign => true,
        }
    }
}

/// Whether a line is a message of whoever has this name.
fn begins_a_line(messages: &[u8], name: &[u8]) -> bool {
    let mut lines = messages.split(|byte| *byte == b'\n');
    lines.any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(b": ")))
}

pub(crate) fn says(messages: &[u8], what: &[u8]) -> bool {
    messages.windows(what.len()).any(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubts(family: Family, preprocessor: &str, compiler: &str, speech: Speech) -> bool {
        let (preprocessor, compiler) = (preprocessor.as_bytes(), compiler.as_bytes());
        let strange_name = Some(OsStr::new("arm-linux-gcc"));
        Messages { family, preprocessor, compiler, strange_name, speech, own_colours: true }
            .doubt_of_text(|| None)
            .is_some()
    }

    #[test]
    fn whoever_speaks_otherwise_is_not_repeated() {
        let check = |compiler: &str, speech: Speech, expected: bool| {
            assert_eq!(doubts(Family::Gcc, "", compiler, speech), expected, "{compiler} {speech:?}");
            assert!(!doubts(Family::Clang, "", compiler, speech), "clang has only one way to speak");
        };
        check("x.c: In function 'f':", Speech::Ascii, false);
        check("x.c: In function 'f':", Speech::Unicode, true);
        check("x.c: In function \u{2018}f\u{2019}:", Speech::Unicode, false);
        check("x.c: In function \u{2018}f\u{2019}:", Speech::Ascii, true);
        check("x.c: warning: odd", Speech::Foreign, true);
        check("", Speech::Foreign, false);
    }

    #[test]
    fn what_two_runs_or_no_comment_can_give_is_not_repeated() {
        assert!(!doubts(Family::Clang, "x.c:1:2: warning: odd", "", Speech::Ascii));
        assert!(doubts(Family::Clang, "x.c:1:2: warning: odd", "x.c:3:4: warning: too", Speech::Ascii));
        assert!(doubts(Family::Gcc, "", "warning: falls [-Wimplicit-fallthrough=]", Speech::Ascii));
        assert!(doubts(Family::Gcc, "", "\x1b[31mred", Speech::Ascii));
        assert!(doubts(Family::Gcc, "", "x.c: odd\narm-linux-gcc: warning: odd\n", Speech::Ascii));
        assert!(!doubts(Family::Gcc, "", "x.c: arm-linux-gcc: odd\ngcc: odd\n", Speech::Ascii));
    }
}
