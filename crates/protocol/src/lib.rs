//! The wire, versions 1 to 3 and our extension of them: requests and responses as bytes, and how clients speak to
//! the include server. Knows no socket, no file and no clock, so that the client can stay on blocking calls and the daemon on tokio.

mod compression;
mod decode;
mod error;
mod extension;
pub mod include_server;
pub mod inquiry;
mod limits;
mod proof;
mod request;
mod response;
mod sources;
mod status;
mod token;
mod words;

#[cfg(test)]
mod tests;

pub use compression::{pack, pack_file, unpack};
pub use decode::Progress;
pub use error::ProtocolError;
pub use extension::EXTENSION;
pub use limits::Limits;
pub use proof::{Proof, proof, refusal};
pub use request::{Arrived, ArrivedText, Request, RequestDecoder, bulk_header, encode_request, request_head};
pub use response::{Response, ResponseDecoder};
pub use sources::{ArrivedFiles, Content, FileEntry, MARKER, file_head, files_header, link, sources_head};
pub use status::WaitStatus;
pub use token::{Token, Version};
