//! What can be wrong with a peer's bytes. Knows nothing of what the caller does about it.

use std::fmt;

/// Why a message is not one. Reads as a fragment after a colon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProtocolError {
    /// The peer closed before its first byte; a server's refusal looks like this.
    NoAnswer,
    /// The peer closed in the middle. `expected` is a bare token (`"DOTI"`) when its header has not come whole,
    /// and `"the rest of DOTI"` when its body has not.
    Truncated {
        /// The token or the rest of its body.
        expected: &'static str,
    },
    /// Something other than the only token that may stand here.
    Derailed {
        /// The token that had to come.
        expected: &'static str,
        /// The beginning of what came, made printable.
        seen: String,
    },
    /// A header's number is not eight hex digits, or has no meaning.
    BadNumber {
        /// Whose number.
        token: &'static str,
        /// What stood there, made printable.
        seen: String,
    },
    /// A count or length beyond what is taken ([`crate::Limits`]) or what 32 bits can say.
    TooLong {
        /// The token.
        what: &'static str,
        /// What the peer claims.
        claimed: u64,
        /// What would have been taken at this place.
        limit: u64,
    },
    /// A compressed body becomes longer than what is taken ([`crate::Limits::unpacked_bytes`]).
    UnpacksTooLong {
        /// In bytes.
        limit: usize,
    },
    /// The answer is spoken in another version than the question.
    VersionMismatch {
        /// The version of the request.
        asked: u32,
        /// The version of the response.
        answered: u32,
    },
    /// A request in a version that is not spoken here.
    UnsupportedVersion(u32),
    /// A request without even a compiler name.
    NoArguments,
    /// An argument with a NUL byte, which no program can be given.
    NulInArgument,
    /// A name or the target of a link with a NUL byte, which no path has.
    NulInName,
    /// A variable that is not `NAME=value`.
    NamelessVariable,
    /// A compressed body that is not one LZO1X stream, whole and alone.
    BadCompression(&'static str),
    /// A compiler that failed, and yet an object of this many bytes.
    ObjectOfFailure {
        /// As transmitted, in bytes.
        length: u32,
    },
    /// A line of the extension's texts that makes no sense.
    BadText {
        /// The token that it came under.
        token: &'static str,
        /// The line, or the beginning of the text, made printable.
        seen: String,
    },
    /// A server that does not do a job because its proof does not hold there.
    Refused {
        /// What is in the way, for programs: `compiler`.
        code: String,
        /// The same for people, without control characters.
        sentence: String,
    },
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer => write!(f, "connection closed without a word"),
            Self::Truncated { expected } => write!(f, "connection closed, expected {expected}"),
            Self::Derailed { expected, seen } => write!(f, "expected token \"{expected}\", got \"{seen}\""),
            Self::BadNumber { token, seen } => write!(f, "bad number \"{seen}\" in {token}"),
            Self::TooLong { what, claimed, limit } => {
                write!(f, "{what} of {claimed} is over the limit of {limit}")
            }
            Self::UnpacksTooLong { limit } => write!(f, "compressed body of more than {limit} bytes"),
            Self::VersionMismatch { asked, answered } => {
                write!(f, "answered in version {answered}, asked in version {asked}")
            }
            Self::UnsupportedVersion(number) => write!(f, "protocol version {number} is not spoken here"),
            Self::NoArguments => write!(f, "no arguments, not even a compiler name"),
            Self::NulInArgument => write!(f, "NUL byte in an argument"),
            Self::NulInName => write!(f, "NUL byte in a name"),
            Self::NamelessVariable => write!(f, "variable without a name"),
            Self::BadCompression(reason) => write!(f, "bad LZO data, {reason}"),
            Self::ObjectOfFailure { length } => {
                write!(f, "compiler failed and yet sent an object of {length} bytes")
            }
            Self::BadText { token, seen } => write!(f, "bad text \"{seen}\" in {token}"),
            Self::Refused { sentence, .. } => f.write_str(sentence),
        }
    }
}

impl std::error::Error for ProtocolError {}
