//! makepkg as an unprivileged user runs it, on machines of a test's own. Knows the programs only from outside.

mod building;
mod farm;
mod faults;
mod remedy;
mod report;
