//! Contents page of the test hosts: daemons, clients, networks and build trees that are real. Knows nothing of what any test proves.

pub mod client;
pub mod distccd;
pub mod evil;
pub mod foreground;
pub mod machine_box;
pub mod need;
pub mod netns;
pub mod nspawn;
pub mod objects;
pub mod process;
pub mod project;
pub mod relay;
pub mod settings;
pub mod ssh_host;
pub mod sshd;
pub mod strace;
pub mod stub;
pub mod wait;
pub mod workdir;

/// The two programs of one make: ours, or the C ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Programs {
    /// The client.
    pub distcc: &'static str,
    /// The daemon.
    pub distccd: &'static str,
}

/// Where distributions install the C programs.
pub const C_DISTCC: Programs = Programs { distcc: "/usr/bin/distcc", distccd: "/usr/bin/distccd" };
