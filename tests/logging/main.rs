//! What the programs write to the journal, to syslog and to files, and what becomes of it when nobody reads. Knows nothing
//! of what jobs are made of.

mod booted;
mod client;
mod reader;
mod record;
mod rooms;
mod server;
