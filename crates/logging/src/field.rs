//! What the journal keeps beside a message, so that one can ask for it by name. Knows nothing of messages.

/// One thing that a message is about. Only the journal shows it; lines elsewhere say it in words where it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The address of the machine that a job comes from.
    Client,
    /// The port that a job comes from.
    ClientPort,
    /// The server, as the host list names it.
    Host,
    /// The source, as the user's command names it.
    File,
    /// The compiler, as the command names it.
    Compiler,
    /// What became of a job, in the word of the daemon's summary: `COMPILE_OK`, …
    Result,
    /// Why it came to that.
    Reason,
    /// The compiler's exit status, in decimal.
    Exit,
    /// The number of the signal that ended the compiler, 0 if none did.
    Signal,
    /// How long a job took.
    Milliseconds,
}

impl Field {
    /// Every field.
    pub const ALL: [Field; 10] = [
        Field::Client,
        Field::ClientPort,
        Field::Host,
        Field::File,
        Field::Compiler,
        Field::Result,
        Field::Reason,
        Field::Exit,
        Field::Signal,
        Field::Milliseconds,
    ];

    /// Its name in the journal (systemd.journal-fields(7)).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Field::Client => "DISTCC_CLIENT",
            Field::ClientPort => "DISTCC_CLIENT_PORT",
            Field::Host => "DISTCC_HOST",
            Field::File => "DISTCC_FILE",
            Field::Compiler => "DISTCC_COMPILER",
            Field::Result => "DISTCC_RESULT",
            Field::Reason => "DISTCC_REASON",
            Field::Exit => "DISTCC_EXIT",
            Field::Signal => "DISTCC_SIGNAL",
            Field::Milliseconds => "DISTCC_MILLISECONDS",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_such_that_the_journal_takes_them() {
        let names: BTreeSet<&str> = Field::ALL.map(Field::name).into();
        assert_eq!(names.len(), Field::ALL.len());
        for name in names {
            let rest = name.strip_prefix("DISTCC_").unwrap_or_default();
            assert!(!rest.is_empty() && name.len() <= 64, "{name}");
            assert!(rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{name}");
        }
    }
}
