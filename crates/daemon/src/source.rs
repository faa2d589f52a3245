//! A client's source, and the memory that it may take from its first bytes until a compiler has it. Knows nothing of
//! where the bytes come from.

use std::time::Duration;

use protocol::{ArrivedText, Request};
use tokio::time::timeout;

use crate::budget::Share;
use crate::job::unhurried;
use crate::summary::Outcome;

/// From so many bytes on, unpacking takes long enough to keep other jobs waiting.
const LONG: usize = 64 * 1024;

/// What is to be compiled; dropping it gives its memory back.
pub(crate) struct Source<'a> {
    pub(crate) text: Vec<u8>,
    pub(crate) _share: Share<'a>,
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

/// Unpacks a source that has come whole, when it may take the memory for that.
///
/// # Errors
/// A job that ends: it is damaged, or has to wait longer than `patience`.
pub(crate) async fn unpack<'a>(
    arrived: ArrivedText,
    mut share: Share<'a>,
    patience: Duration,
) -> Result<(Request, Share<'a>), Outcome> {
    allow(&mut share, arrived.will_hold(), patience).await?;
    let request = unhurried(arrived.will_hold() >= LONG, || arrived.unpack()).map_err(Outcome::BadRequest)?;
    share.settle(request.source.len());
    Ok((request, share))
}
