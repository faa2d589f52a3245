//! Why a job runs on this machine: for what its command says, or for what happened on its way. Decides nothing.

use cc_args::WhyLocal;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// [`WhyHere::code`] never changes: statistics and scripts match on it (distcc(1), "REASONS TO COMPILE HERE").
#[derive(Debug)]
pub(crate) enum WhyHere {
    /// The command cannot be sent.
    Command(WhyLocal),
    /// This machine is in the host list and its turn has come.
    Localhost,
    /// DEPENDENCIES_OUTPUT or the like wants a rule, and there is no preprocessor to write it.
    Rule,
    /// The preprocessor finds fault with the source, or nobody can read it.
    BadSource,
    /// No host could do it, or there is none.
    NoHosts,
    /// No host has the compiler that is here.
    NoCompiler,
    /// Another client is still finding out whether a host has it.
    Undecided,
    /// The hosts that have it do not do this job with it.
    Unwilling,
    /// The compiler here was replaced while the job was away.
    Replaced,
    /// Something is wrong with this machine.
    Trouble,
    /// The compiler elsewhere found fault with the source.
    Rejected,
    /// The compiler elsewhere said something, and that is to be said by the one here.
    Messages,
    /// What the compiler elsewhere said may not be what the one here would say, and why.
    Words(&'static str),
    /// This host sent an object without content.
    EmptyObject(String),
    /// This host sent no rule of dependencies, and one is wanted.
    NoRule(String),
    /// The object cannot be put in its place.
    NotWritten(PathBuf, io::Error),
}

impl WhyHere {
    /// A short word such as `march-native` or `no-hosts`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            WhyHere::Command(why) => why.code(),
            WhyHere::Localhost => "localhost",
            WhyHere::Rule => "rule",
            WhyHere::BadSource => "bad-source",
            WhyHere::NoHosts => "no-hosts",
            WhyHere::NoCompiler => "compiler",
            WhyHere::Undecided => "undecided",
            WhyHere::Unwilling => "unwilling",
            WhyHere::Replaced => "replaced",
            WhyHere::Trouble => "trouble",
            WhyHere::Rejected => "rejected",
            WhyHere::Messages => "messages",
            WhyHere::Words(_) => "words",
            WhyHere::EmptyObject(_) => "empty-object",
            WhyHere::NoRule(_) => "no-rule",
            WhyHere::NotWritten(..) => "not-written",
        }
    }
}

impl fmt::Display for WhyHere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhyHere::Command(why) => return write!(f, "{why}"),
            WhyHere::EmptyObject(host) => return write!(f, "{host} sent an empty object"),
            WhyHere::NoRule(host) => return write!(f, "{host} sent no rule of dependencies"),
            WhyHere::NotWritten(path, error) => return write!(f, "cannot write {}: {error}", path.display()),
            WhyHere::Localhost => "localhost is in the host list and free",
            WhyHere::Rule => "a rule of dependencies is wanted of text that is preprocessed already",
            WhyHere::BadSource => "the source cannot be preprocessed",
            WhyHere::NoHosts => "no host took it",
            WhyHere::NoCompiler => "no host has the compiler of here",
            WhyHere::Undecided => "nobody knows yet whether a host has the compiler of here",
            WhyHere::Unwilling => "no host that has the compiler of here does this with it",
            WhyHere::Replaced => "the compiler here was replaced meanwhile",
            WhyHere::Trouble => "it cannot be sent from here",
            WhyHere::Rejected => "the compiler elsewhere found fault with it",
            WhyHere::Messages => "the compiler has something to say, and DISTCC_EXACT_DIAGNOSTICS=1",
            WhyHere::Words(why) => why,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_a_word_of_its_own_and_every_reason_a_fragment() {
        let (host, missing) = ("red".to_owned(), io::Error::from(io::ErrorKind::NotFound));
        let reasons = [
            WhyHere::Command(WhyLocal::Link),
            WhyHere::Localhost,
            WhyHere::Rule,
            WhyHere::BadSource,
            WhyHere::NoHosts,
            WhyHere::NoCompiler,
            WhyHere::Undecided,
            WhyHere::Unwilling,
            WhyHere::Replaced,
            WhyHere::Trouble,
            WhyHere::Rejected,
            WhyHere::Messages,
            WhyHere::Words("its quotes are others than here"),
            WhyHere::EmptyObject(host.clone()),
            WhyHere::NoRule(host),
            WhyHere::NotWritten("a.o".into(), missing),
        ];
        let codes: BTreeSet<_> = reasons.iter().map(WhyHere::code).collect();
        assert_eq!(codes.len(), reasons.len());
        assert!(codes.iter().all(|code| code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')));
        for reason in reasons {
            let text = reason.to_string();
            assert!(text.split(' ').count() > 3 && !text.ends_with('.'), "{text}");
        }
    }
}
