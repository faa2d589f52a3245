//! What `distcc-arch check` says of real hosts with one thing wrong, and that its remedy mends it. Knows nothing of the
//! checks of this machine's own configuration.

mod daemon;
mod faults;
mod here;
mod networks;
mod said;
mod ssh;
mod tells;
