//! The daemon as a client sees it, byte by byte, and as an administrator starts it. Knows nothing of our client.

mod activation;
mod compiling;
mod daemon;
mod ending;
mod environment;
mod exit_codes;
mod hostile_sources;
mod inquiries;
mod looks;
mod project;
mod refusing;
mod roots;
mod sources;
mod starting;
mod stopping;
mod toolchains;
mod wire;
