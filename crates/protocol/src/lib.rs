//! The wire, versions 1 and 2: requests and responses as bytes. Knows no socket, no file and no clock, so that the
//! client can stay on blocking calls and the daemon on tokio.

mod compression;
mod decode;
mod error;
mod limits;
mod request;
mod response;
mod status;
mod token;

#[cfg(test)]
mod tests;

pub use compression::{pack, unpack};
pub use decode::Progress;
pub use error::ProtocolError;
pub use limits::Limits;
pub use request::{Arrived, Request, RequestDecoder, bulk_header, encode_request, request_head};
pub use response::{Response, ResponseDecoder};
pub use status::WaitStatus;
pub use token::{Token, Version};
