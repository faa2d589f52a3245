//! Why a text is left as it is. Knows the line and the reason, and nothing of the text.

use std::error::Error;
use std::fmt;

/// An edit that cannot be made with certainty. The text is unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Counted from 1.
    pub line: usize,
    /// What stands there; a lowercase fragment that reads after "line 12: ".
    pub reason: String,
    /// What to do about it, where that is not just to write the value there by hand.
    pub remedy: Option<&'static str>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.reason)?;
        self.remedy.map_or(Ok(()), |remedy| write!(out, "; {remedy}"))
    }
}

impl Error for Refusal {}
