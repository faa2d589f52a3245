//! A place where programs find this test's log sockets instead of the machine's. Knows nothing of what they write there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use test_hosts::process::clean;
use test_hosts::workdir::Workdir;

/// Other `/run/systemd/journal` and `/dev` than the machine's, for one program and its children.
const SCRIPT: &str = r#"
    set -e
    rooms=$1
    shift
    mount -t tmpfs -o mode=755 none /run
    mkdir -p /run/systemd/journal
    mount --bind "$rooms/journal" /run/systemd/journal
    for name in null zero full random urandom; do
        : >"$rooms/dev/$name"
        mount --bind "/dev/$name" "$rooms/dev/$name"
    done
    mkdir -p "$rooms/dev/shm"
    mount --bind /dev/shm "$rooms/dev/shm"
    mount --rbind "$rooms/dev" /dev
    exec "$@"
"#;

/// Two directories, in which sockets can come and go.
pub(crate) struct Rooms {
    work: Workdir,
}

impl Rooms {
    pub(crate) fn new() -> Rooms {
        let rooms = Rooms { work: Workdir::new() };
        for name in ["journal", "dev"] {
            fs::create_dir(rooms.work.path().join(name)).unwrap();
        }
        rooms
    }

    /// Where `/run/systemd/journal/socket` is.
    pub(crate) fn journal(&self) -> PathBuf {
        self.work.path().join("journal/socket")
    }

    /// Where `/dev/log` is.
    pub(crate) fn syslog(&self) -> PathBuf {
        self.work.path().join("dev/log")
    }

    /// A command that sees these instead of the machine's.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = clean("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", SCRIPT, "sh"]);
        command.arg(self.work.path()).arg(program.as_ref());
        command
    }
}
