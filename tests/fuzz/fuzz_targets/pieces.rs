//! What both decoders' targets do with verdicts. Knows neither requests nor responses.

use protocol::ProtocolError;

/// How much of a stranger's bytes had come when they were refused depends on the pieces.
pub fn but_for_pieces<T>(verdict: &Result<T, ProtocolError>) -> Result<&T, ProtocolError> {
    match verdict {
        Err(ProtocolError::Derailed { expected, .. }) => {
            Err(ProtocolError::Derailed { expected, seen: String::new() })
        }
        other => other.as_ref().map_err(Clone::clone),
    }
}
