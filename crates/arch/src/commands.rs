//! Contents page: one file per subcommand.

pub(crate) mod check;
pub(crate) mod chroot_daemon;
pub(crate) mod chroot_renew;
pub(crate) mod cidr;
pub(crate) mod demo;
pub(crate) mod discover;
pub(crate) mod docs;
pub(crate) mod hosts;
pub(crate) mod masquerade;
pub(crate) mod probe;
pub(crate) mod setup;
pub(crate) mod toolchain_list;
pub(crate) mod toolchains;
pub(crate) mod undo;
pub(crate) mod watch_zeroconf;
