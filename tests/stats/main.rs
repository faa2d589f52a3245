//! What a daemon tells of itself over HTTP, as curl, Prometheus and a browser see it. Knows nothing of the code that counts.

mod against_c;
mod asking;
mod browser;
mod daemon;
mod metrics;
mod starting;
