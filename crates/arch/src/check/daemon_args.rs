//! What distccd's service is told in `/etc/conf.d/distccd`: port, clients, search path. Knows nothing of whether it runs.

use ipnet::IpNet;
use std::net::IpAddr;
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
    /// Reads the file's text (systemd.exec(5), "EnvironmentFile="); nothing said is the default.
    pub(crate) fn parse(text: &str) -> DaemonArgs {
        let args = value(text, "DISTCC_ARGS").unwrap_or_default();
        let words: Vec<&str> = args.split_whitespace().collect();
        let path = value(text, "PATH").unwrap_or_else(|| SERVICE_PATH.to_owned());
        let port = values(&words, "--port", "-p").last().and_then(|port| port.parse().ok());
        DaemonArgs {
            port: port.unwrap_or(DEFAULT_PORT),
            ranges: values(&words, "--allow", "-a").into_iter().filter_map(range).collect(),
            private: words.contains(&"--allow-private"),
            path: std::env::split_paths(&path).filter(|directory| directory.is_absolute()).collect(),
            is_edited: !UNTOUCHED.contains(&args.trim()),
        }
    }
}

/// The last assignment counts.
fn value(text: &str, name: &str) -> Option<String> {
    let text = text.replace("\\\n", "");
    let mut values =
        text.lines().filter_map(|line| line.trim().strip_prefix(name)?.trim_start().strip_prefix('='));
    let value = values.next_back()?.trim();
    let bare = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    Some(bare.unwrap_or(value).to_owned())
}

/// `--allow X`, `--allow=X`, `-a X`, `-aX`.
fn values<'a>(words: &[&'a str], long: &str, short: &str) -> Vec<&'a str> {
    let mut values = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if *word == long || *word == short {
            values.extend(words.get(at + 1));
        } else if let Some(value) = word.strip_prefix(long).and_then(|rest| rest.strip_prefix('=')) {
            values.push(value);
        } else if let Some(value) = word.strip_prefix(short).filter(|_| !word.starts_with("--")) {
            values.push(value);
        }
    }
    values
}

fn range(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| IpNet::from(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, port: u16, ranges: &str, private: bool, is_edited: bool) {
        let args = DaemonArgs::parse(text);
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
        check("DISTCC_ARGS=--port 1\nDISTCC_ARGS=\"-p 3635 \\\n --nice 3\"\n", 3635, "", false, true);
        check("#DISTCC_ARGS=--port 1\n", 3632, "", false, false);
    }

    #[test]
    fn compilers_are_looked_for_on_the_path_of_the_service() {
        let path = |text| DaemonArgs::parse(text).path;
        assert_eq!(path("PATH=/opt/x/bin:.:/usr/bin\n"), ["/opt/x/bin", "/usr/bin"].map(PathBuf::from));
        assert_eq!(path("").len(), 3);
    }
}
