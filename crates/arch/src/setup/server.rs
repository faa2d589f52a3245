//! Makes this machine serve: plans distccd's arguments and its unit's start. Knows nothing of makepkg.

use crate::services::Services;
use crate::setup::environment_file;
use crate::setup::ranges;
use crate::setup::server_args::{ALLOW, LOG_FILE, LOG_LEVEL, PORT, ServerArgs};
use changes::{Plan, Site};
use ipnet::IpNet;
use std::path::{Path, PathBuf};

pub(crate) const UNIT: &str = "distccd.service";
const FILE: &str = "/etc/conf.d/distccd";
pub(crate) const VARIABLE: &str = "DISTCC_ARGS";
/// What a package installs there.
const TEMPLATE: &str = include_str!("../../../../systemd/conf.d/distccd");
/// Where the unit lets the daemon write a log.
const LOG_DIRECTORIES: &[&str] = &["/run/distccd", "/var/log/distccd"];
/// distccd(1), and syslog(3) besides.
const LOG_LEVELS: &[&str] = &["critical", "error", "warning", "notice", "info", "debug"];

/// What distccd serves without --allow, and with --allow-private, on a network.
const PRIVATE: &[&str] = &["192.168.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "fc00::/7"];
const DEFAULT_PORT: u16 = 3632;

/// Who reaches the daemon, and where, once it is planned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Served {
    pub(crate) port: u16,
    pub(crate) ranges: Vec<IpNet>,
}

/// What the daemon is to do; what is not named stays as it is.
#[derive(Debug, Default)]
pub(crate) struct Server {
    pub(crate) ranges: Vec<IpNet>,
    pub(crate) port: Option<u16>,
    pub(crate) log_level: Option<String>,
    pub(crate) log_file: Option<PathBuf>,
}

impl Server {
    /// What is wrong with it.
    ///
    /// # Errors
    /// One line.
    pub(crate) fn checked(self) -> Result<Server, String> {
        if let Some(level) = self.log_level.as_ref().filter(|level| !LOG_LEVELS.contains(&level.as_str())) {
            return Err(format!("--log-level {level}: write one of {}", LOG_LEVELS.join(", ")));
        }
        if let Some(file) = &self.log_file {
            let text = file.to_str().unwrap_or_default();
            let plain =
                text.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-+:@".contains(letter));
            if !file.is_absolute() || !plain {
                return Err(format!(
                    "--log-file {}: write a path from / on, of plain letters, such as /var/log/distccd/distccd.log",
                    file.display()
                ));
            }
        }
        Ok(self)
    }

    /// Plans it.
    ///
    /// # Errors
    /// One line that names the file or the unit.
    pub(crate) fn plan(&self, plan: &mut Plan, site: &Site, services: &Services) -> Result<Served, String> {
        let state = services.state(UNIT)?;
        let path = Path::new(FILE);
        let shown = site.outside(path);
        let there = plan.read(path).map_err(|error| error.to_string())?;
        let old = there.as_ref().map(|bytes| String::from_utf8(bytes.clone())).transpose();
        let old = old.map_err(|_| format!("{} is no text: remove it first", shown.display()))?;
        let new = self
            .text(old.as_deref().unwrap_or(TEMPLATE))
            .map_err(|why| format!("{}: {why}", shown.display()))?;
        let changed = old.as_ref() != Some(&new);
        let served = served(&new);
        plan.write(path, new.into_bytes(), 0o644).map_err(|error| error.to_string())?;
        for action in services.start(UNIT, state, changed) {
            plan.run(action);
        }
        Ok(served)
    }

    /// The new text of a file of arguments.
    ///
    /// # Errors
    /// The line that is not understood, and why.
    pub(crate) fn text(&self, old: &str) -> Result<String, String> {
        let value = environment_file::value(old, VARIABLE)?;
        let mut args = ServerArgs::parse(value.as_deref().unwrap_or_default());
        let before = args.clone();
        let ranges: Vec<String> = self.ranges.iter().map(ranges::spelled).collect();
        args.serve(&ranges);
        if let Some(port) = self.port {
            args.set(PORT, &port.to_string());
        }
        if let Some(level) = &self.log_level {
            args.set(LOG_LEVEL, level);
        }
        if let Some(file) = &self.log_file {
            args.set(LOG_FILE, &file.display().to_string());
        }
        let same = value.is_some() && args == before;
        Ok(if same { old.to_owned() } else { environment_file::with_value(old, VARIABLE, &args.text()) })
    }

    /// What it should not be asked for.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self.ranges.iter().filter_map(ranges::warning).collect();
        if let Some(file) = &self.log_file
            && !LOG_DIRECTORIES.iter().any(|directory| file.starts_with(directory))
        {
            let what = if file.starts_with("/tmp") || file.starts_with("/var/tmp") {
                "lies in a /tmp that only distccd.service sees, and goes with it"
            } else {
                "is not where distccd.service may write"
            };
            warnings.push(format!(
                "--log-file {} {what}: write /run/distccd/distccd.log (in memory) or /var/log/distccd/distccd.log",
                file.display()
            ));
        }
        warnings
    }
}

/// The file as it is `now` without what made `ours` of `original`; None where another file or its arguments cannot be
/// told apart.
pub(crate) fn taken_back(path: &Path, original: &[u8], ours: &[u8], now: &[u8]) -> Option<Vec<u8>> {
    if path != Path::new(FILE) {
        return None;
    }
    let args = |bytes: &[u8]| {
        let value = environment_file::value(str::from_utf8(bytes).ok()?, VARIABLE).ok()?;
        Some(ServerArgs::parse(&value.unwrap_or_default()))
    };
    let mut left = args(now)?;
    left.take_back(&args(original)?, &args(ours)?);
    Some(environment_file::with_value(str::from_utf8(now).ok()?, VARIABLE, &left.text()).into_bytes())
}

/// What the written arguments come to.
pub(crate) fn served(text: &str) -> Served {
    let value = environment_file::value(text, VARIABLE).ok().flatten().unwrap_or_default();
    let args = ServerArgs::parse(&value);
    let port = args.values(PORT).last().and_then(|port| port.parse().ok()).unwrap_or(DEFAULT_PORT);
    let named = args.values(ALLOW);
    let private: &[&str] = if named.is_empty() || args.serves_private() { PRIVATE } else { &[] };
    let ranges =
        named.into_iter().chain(private.iter().copied()).filter_map(|range| ranges::parse(range).ok());
    Served { port, ranges: ranges.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(ranges: &[&str], level: Option<&str>, file: Option<&str>) -> Server {
        Server {
            ranges: ranges.iter().map(|range| ranges::parse(range).unwrap()).collect(),
            port: None,
            log_level: level.map(str::to_owned),
            log_file: file.map(PathBuf::from),
        }
    }

    #[track_caller]
    fn check(server: &Server, old: &str, expected: &str) {
        let new = server.text(old).unwrap();
        assert_eq!(new, expected);
        assert_eq!(server.text(&new).unwrap(), new);
    }

    #[test]
    fn arguments_that_nobody_named_stay() {
        let old = "DISTCC_ARGS='--allow-private --log-file /tmp/d.log'\n";
        check(&server(&[], None, None), old, old);
        let new =
            "DISTCC_ARGS=\"--allow-private --log-file /tmp/d.log --allow 10.0.0.0/8 --log-level error\"\n";
        check(&server(&["10.0.0.0/8"], Some("error"), None), old, new);
        check(&server(&[], None, None), "", "DISTCC_ARGS=\"--allow-private\"\n");
        check(
            &server(&["::1"], None, None),
            "DISTCC_ARGS=\"--allow-private\"\n",
            "DISTCC_ARGS=\"--allow ::1\"\n",
        );
    }

    #[test]
    fn who_reaches_it() {
        let check = |args: &str, port, count| {
            let served = served(&format!("DISTCC_ARGS=\"{args}\"\n"));
            assert_eq!((served.port, served.ranges.len()), (port, count), "{args}");
        };
        check("", 3632, PRIVATE.len());
        check("--allow-private -p 9", 9, PRIVATE.len());
        check("--allow 10.1.0.0/16 -a ::1 --port=3633", 3633, 2);
        check("--allow 10.1.0.0/16 --allow-private", 3632, PRIVATE.len() + 1);
    }

    #[test]
    fn the_template_needs_no_change() {
        assert_eq!(server(&[], None, None).text(TEMPLATE).unwrap(), TEMPLATE);
    }

    #[test]
    fn what_is_refused_and_what_is_warned_of() {
        assert!(
            server(&[], Some("loud"), None).checked().unwrap_err().contains("write one of critical, error")
        );
        assert!(server(&[], None, Some("d.log")).checked().unwrap_err().contains("write a path from / on"));
        assert!(server(&[], None, Some("/a b")).checked().is_err());
        for (file, part) in [
            ("/run/distccd/d.log", None),
            ("/tmp/d.log", Some("only distccd.service sees")),
            ("/var/log/d.log", Some("not where distccd.service may write")),
        ] {
            let warnings = server(&[], None, Some(file)).checked().unwrap().warnings();
            assert_eq!(warnings.is_empty(), part.is_none(), "{file}");
            assert!(warnings.iter().all(|warning| warning.contains(part.unwrap())), "{file}");
        }
    }
}
