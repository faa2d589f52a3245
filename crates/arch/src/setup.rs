//! Contents page: what `setup` and `hosts` write, part by part.

pub(crate) mod asked_slots;
pub(crate) mod chroot_client;
pub(crate) mod chroot_daemon;
pub(crate) mod chroots_here;
pub(crate) mod devtools;
pub(crate) mod distribution;
pub(crate) mod drop_in;
pub(crate) mod environment_file;
pub(crate) mod host_edit;
pub(crate) mod host_source;
pub(crate) mod host_table;
pub(crate) mod host_words;
pub(crate) mod last_word;
pub(crate) mod layers;
pub(crate) mod makepkg_text;
pub(crate) mod masquerade_links;
pub(crate) mod ranges;
pub(crate) mod server;
pub(crate) mod server_args;
pub(crate) mod ssh_sharing;
pub(crate) mod tmpfs_state;
pub(crate) mod toolchains_file;
pub(crate) mod wanted_hosts;
