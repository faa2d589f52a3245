//! Why a job cannot be scanned: a code for counting and a sentence for people. Knows nothing of what happens then.

/// The scanner cannot promise which files this job reads: it is preprocessed here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotCovered {
    /// A short word for the log and for counting, such as `incbin`.
    pub code: &'static str,
    /// What was met, and where.
    pub sentence: String,
}

impl NotCovered {
    /// The reason with its sentence.
    pub fn new(code: &'static str, sentence: impl Into<String>) -> NotCovered {
        NotCovered { code, sentence: sentence.into() }
    }
}
