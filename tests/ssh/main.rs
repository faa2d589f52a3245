//! Hosts that are reached through ssh: that they compile, what is said when they cannot, and that nothing of it stays.
//! Knows nothing of how the client does it.

mod compiling;
mod ending;
mod failing;

use std::time::Duration;

use test_hosts::Programs;

const OURS: Programs =
    Programs { distcc: env!("CARGO_BIN_EXE_distcc"), distccd: env!("CARGO_BIN_EXE_distccd") };
const SOON: Duration = Duration::from_secs(20);
