//! Asks a host which compilers it has. Knows nothing of what follows from the answer.

use crate::interrupts::Broken;
use crate::reach::Reach;
use crate::remote::{Failure, broken, is_refusal};
use hosts::Host;
use protocol::inquiry::{Inquiry, Telling, TellingDecoder};
use protocol::{Progress, ProtocolError};
use std::ffi::OsStr;

/// What the daemon on `host` tells of its compiler of this name.
///
/// # Errors
/// [`Failure`]: `NotTold` by daemons that know nothing of such questions.
pub(crate) fn ask(reach: &Reach, host: &Host, compiler: &OsStr) -> Result<Telling, Failure> {
    let inquiry = Inquiry { compilers: vec![compiler.to_owned()] };
    reach.converse(host, &mut |_| {}, |connection, _| {
        connection.send(&[&inquiry.encode()]).map_err(|error| failure("asking for compilers", error))?;
        let mut decoder = TellingDecoder::new();
        loop {
            let count = connection
                .receive(decoder.space())
                .map_err(|error| failure("waiting for word of compilers", error))?;
            match decoder.advance(count) {
                Ok(Progress::More) => {}
                Ok(Progress::Done(telling)) => return Ok(telling),
                Err(ProtocolError::NoAnswer) => return Err(Failure::NotTold),
                Err(error) => return Err(Failure::Protocol(error)),
            }
        }
    })
}

/// Who closes before all has come may do so with a reset.
fn failure(doing: &'static str, error: Broken) -> Failure {
    if is_refusal(&error) { Failure::NotTold } else { broken(doing, error) }
}
