//! What the words of `INCLUDE_SERVER_ARGS` come to here, which were options of distcc 3.4's include server. Knows no
//! server of ours.

use std::ffi::OsStr;

/// What is to be done about the options.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Understood {
    /// `-v` and `--verify`: each scan is compared with the compiler's own list.
    pub(crate) verify: bool,
    /// The line to say about those without effect.
    pub(crate) note: Option<String>,
}

/// Understands the words, quoted as for a shell.
pub(crate) fn understand(args: &OsStr) -> Understood {
    let Some(words) = args.to_str().and_then(|text| shell_words::split(text).ok()) else {
        let note = format!(
            "INCLUDE_SERVER_ARGS: quotes do not match, so nothing of it is heeded: {}",
            args.display()
        );
        return Understood { verify: false, note: Some(note) };
    };
    let (verify, idle): (Vec<_>, Vec<_>) =
        words.into_iter().partition(|word| ["-v", "--verify"].contains(&word.as_str()));
    let note = (!idle.is_empty()).then(|| {
        format!(
            "INCLUDE_SERVER_ARGS: not needed or not known by this include server, and ignored: {}",
            idle.join(" ")
        )
    });
    Understood { verify: !verify.is_empty(), note }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let check = |args: &str, verify: bool, ignored: Option<&str>| {
            let got = understand(OsStr::new(args));
            assert_eq!(got.verify, verify, "{args}");
            let told = got.note.as_deref().and_then(|note| note.rsplit_once(": ")).map(|(_, words)| words);
            assert_eq!(told, ignored, "{args}");
        };
        check("", false, None);
        check("-v", true, None);
        check("--stat_reset_triggers='*.h' -t", false, Some("--stat_reset_triggers=*.h -t"));
        check("--verify -d1", true, Some("-d1"));
        check("'-t", false, Some("'-t"));
    }
}
