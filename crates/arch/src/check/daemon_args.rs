//! What distccd's service is told in `/etc/conf.d/distccd`: port, clients, search path. Knows nothing of whether it runs.

use crate::firewall::network;
use crate::setup::environment_file;
use crate::setup::server_args::{ALLOW, PORT, ServerArgs};
use ipnet::IpNet;
use std::path::PathBuf;

const DEFAULT_PORT: u16 = 3632;

/// The search path that systemd gives a service.
const SERVICE_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/bin";

/// What a package installs, and what is no wish of anybody's.
const UNTOUCHED: [&str; 2] = ["", "--allow-private"];

/// The service's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DaemonArgs {
    pub(crate) port: u16,
    /// `--allow`.
    pub(crate) ranges: Vec<IpNet>,
    /// `--allow-private`.
    pub(crate) private: bool,
    /// Where it looks for compilers.
    pub(crate) path: Vec<PathBuf>,
    /// Somebody has written other options than the package's.
    pub(crate) is_edited: bool,
}

impl DaemonArgs {
    /// Reads the file's text; nothing said is the default.
    ///
    /// # Errors
    /// The line, and why it is not understood.
    pub(crate) fn parse(text: &str) -> Result<DaemonArgs, String> {
        let args = environment_file::value(text, "DISTCC_ARGS")?.unwrap_or_default();
        let path = environment_file::value(text, "PATH")?.unwrap_or_else(|| SERVICE_PATH.to_owned());
        let words = ServerArgs::parse(&args);
        let port = words.values(PORT).last().and_then(|port| port.parse().ok());
        Ok(DaemonArgs {
            port: port.unwrap_or(DEFAULT_PORT),
            ranges: words.values(ALLOW).into_iter().filter_map(network).collect(),
            private: words.serves_private(),
            path: std::env::split_paths(&path).filter(|directory| directory.is_absolute()).collect(),
            is_edited: !UNTOUCHED.contains(&args.trim()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, port: u16, ranges: &str, private: bool, is_edited: bool) {
        let args = DaemonArgs::parse(text).unwrap();
        let shown: Vec<_> = args.ranges.iter().map(ToString::to_string).collect();
        assert_eq!(
            (args.port, shown.join(" ").as_str(), args.private, args.is_edited),
            (port, ranges, private, is_edited)
        );
    }

    #[test]
    fn files() {
        check("", 3632, "", false, false);
        check("# x\nDISTCC_ARGS=\"--allow-private\"\n", 3632, "", true, false);
        check(
            "DISTCC_ARGS='--allow 10.0.0.0/8 -a192.168.0.7 --port=3700'",
            3700,
            "10.0.0.0/8 192.168.0.7/32",
            false,
            true,
        );
        check("DISTCC_ARGS=--port 1\nDISTCC_ARGS=\"-p 3635 --nice 3\"\n", 3635, "", false, true);
        check("DISTCC_ARGS=--allow=192.168.0.5/24\n", 3632, "192.168.0.5/24", false, true);
        assert!(
            DaemonArgs::parse("DISTCC_ARGS=\"-p 3635 \\\n --nice 3\"\n").unwrap_err().starts_with("line 1: ")
        );
        check("#DISTCC_ARGS=--port 1\n", 3632, "", false, false);
    }

    #[test]
    fn compilers_are_looked_for_on_the_path_of_the_service() {
        let path = |text| DaemonArgs::parse(text).unwrap().path;
        assert_eq!(path("PATH=/opt/x/bin:.:/usr/bin\n"), ["/opt/x/bin", "/usr/bin"].map(PathBuf::from));
        assert_eq!(path("").len(), 3);
    }
}
