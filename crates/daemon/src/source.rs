//! A client's source or sources, and the memory that they may take from their first bytes until a compiler has them.
//! Knows nothing of where the bytes come from.

use std::time::Duration;

use protocol::{ArrivedFiles, ArrivedText};
use tokio::time::timeout;

use crate::budget::Share;
use crate::job::unhurried;
use crate::summary::Outcome;

/// From so many bytes on, unpacking takes long enough to keep other jobs waiting.
const LONG: usize = 64 * 1024;

/// What is to be compiled; dropping it gives its memory back.
pub(crate) struct Source<'a> {
    pub(crate) content: Content,
    pub(crate) share: Share<'a>,
}

/// What came.
pub(crate) enum Content {
    /// Preprocessed text, unpacked.
    Text(Vec<u8>),
    /// Sources and headers, as they were transmitted.
    Files(ArrivedFiles),
}

/// Waits until a request or an answer may hold so many bytes.
///
/// # Errors
/// A job that ends, when that takes longer than `patience`.
pub(crate) async fn allow(share: &mut Share<'_>, bytes: usize, patience: Duration) -> Result<(), Outcome> {
    timeout(patience, share.grow_to(bytes)).await.map_err(|_| {
        let seconds = patience.as_secs();
        Outcome::Failed(format!("other jobs held all memory that they may take for {seconds} s"))
    })
}

/// Takes preprocessed text that has come whole; it is unpacked when it may take the memory for that.
///
/// # Errors
/// A job that ends: it is damaged, or has to wait longer than `patience`.
pub(crate) async fn text<'a>(
    text: ArrivedText,
    mut share: Share<'a>,
    patience: Duration,
) -> Result<Source<'a>, Outcome> {
    allow(&mut share, text.will_hold(), patience).await?;
    let request = unhurried(text.will_hold() >= LONG, || text.unpack()).map_err(Outcome::BadRequest)?;
    share.settle(request.source.len());
    Ok(Source { content: Content::Text(request.source), share })
}

/// Takes sources that have come whole.
pub(crate) fn files(files: ArrivedFiles, mut share: Share<'_>) -> Source<'_> {
    share.settle(files.holds());
    Source { content: Content::Files(files), share }
}
