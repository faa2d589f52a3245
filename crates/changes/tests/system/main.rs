//! Plans on real directories: made, cut off, refused, taken back. Knows nothing of distcc.

mod cut_off;
mod disks;
mod errors;
mod kinds;
mod plans;
mod random;
mod scene;
mod tree;
mod undoing;
