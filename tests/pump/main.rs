//! Pump mode from the outside: the command around a build, whole builds in every pairing, and builds whose headers or whose
//! include server change on the way. Knows nothing of how an include server finds what a source needs.

mod changing;
mod command;
mod farm;
mod pairings;
mod trouble;

use test_hosts::Programs;

const OURS: Programs =
    Programs { distcc: env!("CARGO_BIN_EXE_distcc"), distccd: env!("CARGO_BIN_EXE_distccd") };
const PUMP: &str = env!("CARGO_BIN_EXE_pump");
