//! What command line and environment ask of the daemon, parsed once. Knows nothing of how it is done.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::path::{self, Path, PathBuf};
use std::thread;
use std::time::Duration;

use listenfd::ListenFd;
use logging::Level;
use protocol::Limits;

use crate::access::AccessList;
use crate::inetd::is_socket;
use crate::memory;
use crate::options::{self, Options, Stop};
use crate::passed::Passed;
use crate::sources::Pump;
use crate::stats::StatsPort;
use crate::toolchains::ToolchainsFile;

/// Everything the daemon is told before it starts.
#[derive(Debug)]
pub struct Settings {
    pub(crate) mode: Mode,
    pub(crate) detach: bool,
    /// What a service manager listens on for the daemon; if there is any, `listen` and `port` do not count.
    pub(crate) passed: Passed,
    /// An address or host name; `None` listens on all addresses, IPv6 and IPv4.
    pub(crate) listen: Option<String>,
    /// 0 takes any free port.
    pub(crate) port: u16,
    /// The kernel keeps a connection back until its client has spoken (TCP_DEFER_ACCEPT).
    pub(crate) defer_accept: bool,
    /// Where statistics can be had, if anywhere.
    pub(crate) stats: Option<StatsPort>,
    /// The daemon announces itself on the local network.
    pub(crate) zeroconf: bool,
    pub(crate) access: AccessList,
    /// How many compilers may run at once.
    pub(crate) jobs: usize,
    pub(crate) permitted: Permitted,
    pub(crate) pump: Pump,
    pub(crate) toolchains: ToolchainsFile,
    /// Where compilers are looked up; absolute directories only.
    pub(crate) path: Vec<PathBuf>,
    /// `LANG` and the like, as compilers get them.
    pub(crate) locale: Vec<(&'static str, OsString)>,
    /// Where the user wants temporary files: `TMPDIR`.
    pub(crate) tmpdir: Option<PathBuf>,
    /// `DISTCC_SAVE_TEMPS=1`: the directories of jobs stay.
    pub(crate) save_temps: bool,
    /// The longest silence of a client.
    pub(crate) io_timeout: Duration,
    pub(crate) limits: Limits,
    /// What all requests and answers together may hold, in MiB.
    pub(crate) bodies_mib: usize,
    /// The longest that one compiler may run.
    pub(crate) job_lifetime: Option<Duration>,
    /// How long a daemon with passed sockets waits for a client before it ends.
    pub(crate) idle_exit: Option<Duration>,
    /// How long compilers may go on when SIGTERM ends the daemon.
    pub(crate) drain: Option<Duration>,
    /// When the daemon ends by itself.
    pub(crate) lifetime: Option<Duration>,
    pub(crate) log: LogTarget,
    /// `JOURNAL_STREAM`, which tells whether stderr is read by the systemd journal.
    pub(crate) journal_stream: Option<OsString>,
    pub(crate) log_level: Level,
    pub(crate) pid_file: Option<PathBuf>,
    pub(crate) user: Option<String>,
    pub(crate) nice: i32,
    pub(crate) oom_score_adj: Option<i32>,
    /// What was odd about the settings and is worth a line in the log.
    pub(crate) warnings: Vec<String>,
}

/// Whom the daemon serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One client, connected to stdin and stdout.
    Inetd,
    /// Whoever connects to its port.
    Standalone,
}

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogTarget {
    Stderr,
    File(PathBuf),
    Syslog,
}

/// Which programs clients may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Permitted {
    /// `--enable-tcp-insecure`.
    Anything,
    /// Those in the file that `DISTCC_CMDLIST` names, compared by their last `words` path components.
    List { file: PathBuf, words: usize },
    /// Those that have a link in a masquerade directory.
    Linked,
}

const DEFAULT_PORT: i64 = 3632;

/// More than any machine has processors; each job needs open files and memory.
const MOST_JOBS: usize = 10_000;

/// Compilers speak the administrator's language, as those of distcc 3.4 do; nothing else is passed on.
const LOCALE: &[&str] = &["LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"];

/// Who asks for authentication must not believe to have it.
const UNHEEDED_PRINCIPAL: &str = "DISTCCD_PRINCIPAL has no effect: there is no authentication by GSSAPI here; \
    --allow names the clients that are served";

impl Settings {
    /// Reads command line (the first word is the program's name) and environment.
    ///
    /// # Errors
    /// A text that was asked for, or what makes no sense.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Settings, Stop> {
        let options = options::parse(arguments)?;
        let stdin_is_socket = is_socket(std::io::stdin().as_fd());
        let passed = Passed::take(ListenFd::from_env());
        Settings::new(options, passed, stdin_is_socket, |name| std::env::var_os(name)).map_err(Stop::BadUsage)
    }

    fn new(
        options: Options,
        passed: Passed,
        stdin_is_socket: bool,
        var: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Settings, String> {
        let filled = |name| var(name).filter(|value| !value.is_empty());
        let mut warnings = Vec::new();
        warnings.extend(passed.unheeded(&options));
        warnings.extend(filled("DISTCCD_PRINCIPAL").map(|_| UNHEEDED_PRINCIPAL.to_owned()));
        let wizard = options.wizard;
        let mode = mode(&options, stdin_is_socket);
        let access = access(&options, mode)?;
        Ok(Settings {
            mode,
            detach: !options.no_detach && !wizard,
            passed,
            listen: options.listen.clone(),
            port: port(options.port, DEFAULT_PORT)?,
            defer_accept: filled("DISTCC_TCP_DEFER_ACCEPT").is_none_or(|value| value != "0"),
            stats: StatsPort::asked(&options, mode, &access, &mut warnings)?,
            zeroconf: options.zeroconf,
            access,
            jobs: jobs(options.jobs)?,
            permitted: permitted(&options, filled)?,
            pump: options.pump,
            toolchains: ToolchainsFile::new(filled("DISTCCD_TOOLCHAINS")),
            path: directories(filled("DISTCCD_PATH").or_else(|| filled("PATH"))),
            locale: LOCALE.iter().filter_map(|name| Some((*name, filled(name)?))).collect(),
            tmpdir: filled("TMPDIR").map(absolute),
            save_temps: filled("DISTCC_SAVE_TEMPS").is_some_and(|value| value == "1"),
            io_timeout: io_timeout(var("DISTCC_IO_TIMEOUT"))?,
            limits: limits(var("DISTCC_MAX_BODY"))?,
            bodies_mib: bodies_mib(var("DISTCC_MAX_BODIES"), memory::physical())?,
            job_lifetime: seconds(options.job_lifetime),
            idle_exit: seconds(options.idle_exit),
            drain: seconds(options.drain),
            lifetime: seconds(options.lifetime),
            log_level: level(&options, &mut warnings),
            log: match options.log_file {
                _ if options.log_stderr || wizard => LogTarget::Stderr,
                Some(file) => LogTarget::File(absolute(file)),
                None => LogTarget::Syslog,
            },
            journal_stream: filled("JOURNAL_STREAM"),
            pid_file: options.pid_file.map(absolute),
            user: options.user,
            nice: options.nice,
            oom_score_adj: options.oom_score_adj,
            warnings,
        })
    }
}

impl Settings {
    /// Where temporary files go.
    pub(crate) fn disk(&self) -> &Path {
        self.tmpdir.as_deref().unwrap_or(Path::new("/tmp"))
    }
}

fn mode(options: &Options, stdin_is_socket: bool) -> Mode {
    let standalone = options.daemon || options.wizard || !stdin_is_socket;
    if options.inetd || !standalone { Mode::Inetd } else { Mode::Standalone }
}

/// Who starts a daemon without saying whom to serve gets private networks; who starts it for one client, anyone.
fn access(options: &Options, mode: Mode) -> Result<AccessList, String> {
    let mut list = AccessList::default();
    options.allow.iter().try_for_each(|rule| list.add(rule))?;
    if options.allow_private || (options.allow.is_empty() && mode == Mode::Standalone) {
        list.add_private();
    }
    Ok(list)
}

/// The port that was asked for, or the default.
pub(crate) fn port(asked: Option<i64>, default: i64) -> Result<u16, String> {
    let port = asked.unwrap_or(default);
    u16::try_from(port).map_err(|_| format!("port number out of range: {port}"))
}

fn jobs(asked: Option<i64>) -> Result<usize, String> {
    match asked.map(usize::try_from) {
        None => Ok(thread::available_parallelism().map_or(1, usize::from) + 2),
        Some(Ok(jobs @ 1..=MOST_JOBS)) => Ok(jobs),
        Some(_) => Err(format!("--jobs argument must be between 1 and {MOST_JOBS}")),
    }
}

fn permitted(
    options: &Options,
    filled: impl Fn(&'static str) -> Option<OsString>,
) -> Result<Permitted, String> {
    if let Some(file) = filled("DISTCC_CMDLIST") {
        let words = match filled("DISTCC_CMDLIST_NUMWORDS") {
            None => 1,
            Some(words) => number(&words).filter(|words| *words > 0).ok_or_else(|| {
                format!("Bad DISTCC_CMDLIST_NUMWORDS value: {}: give a number above 0", words.display())
            })?,
        };
        return Ok(Permitted::List { file: absolute(file), words: words as usize });
    }
    Ok(if options.enable_tcp_insecure { Permitted::Anything } else { Permitted::Linked })
}

fn level(options: &Options, warnings: &mut Vec<String>) -> Level {
    if options.verbose || options.wizard {
        return Level::Debug;
    }
    let Some(name) = &options.log_level else { return Level::Notice };
    name.parse().unwrap_or_else(|error| {
        warnings.push(format!("invalid --log-level argument \"{name}\": {error}"));
        Level::Notice
    })
}

fn io_timeout(value: Option<OsString>) -> Result<Duration, String> {
    let Some(value) = value else { return Ok(Duration::from_secs(300)) };
    match number(&value) {
        Some(seconds @ 1..=0x7fff_ffff) => Ok(Duration::from_secs(seconds)),
        _ => Err(format!(
            "Bad DISTCC_IO_TIMEOUT value: {}: give a positive number of seconds",
            value.display()
        )),
    }
}

fn limits(value: Option<OsString>) -> Result<Limits, String> {
    let Some(value) = value else { return Ok(Limits::default()) };
    match number(&value).map(u32::try_from) {
        Some(Ok(mib @ 1..)) => Ok(Limits::with_bodies_of(mib)),
        _ => Err(format!("Bad DISTCC_MAX_BODY value: {}: give a positive number of MiB", value.display())),
    }
}

/// A quarter of what this machine has, unless something else is asked for.
fn bodies_mib(asked: Option<OsString>, physical: u64) -> Result<usize, String> {
    let Some(asked) = asked else {
        return Ok(usize::try_from((physical / 4) >> 20).unwrap_or(usize::MAX).max(64));
    };
    match number(&asked).map(usize::try_from) {
        Some(Ok(mib @ 1..)) => Ok(mib),
        _ => Err(format!("Bad DISTCC_MAX_BODIES value: {}: give a positive number of MiB", asked.display())),
    }
}

fn number(text: &OsStr) -> Option<u64> {
    text.to_str()?.trim().parse().ok()
}

fn seconds(count: i64) -> Option<Duration> {
    u64::try_from(count).ok().filter(|count| *count > 0).map(Duration::from_secs)
}

/// A relative entry would mean a directory that a client fills.
fn directories(path: Option<OsString>) -> Vec<PathBuf> {
    let path = path.unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    std::env::split_paths(&path).filter(|directory| directory.is_absolute()).collect()
}

/// The daemon does not stay in the directory that it was started from.
fn absolute(path: impl AsRef<Path>) -> PathBuf {
    path::absolute(path.as_ref()).unwrap_or_else(|_| path.as_ref().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Options {
        options::parse(["distccd"].into_iter().chain(line.split_whitespace()).map(OsString::from)).unwrap()
    }

    fn settings(line: &str, variables: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::new(typed(line), Passed::default(), false, |asked| {
            variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| value.into())
        })
    }

    #[track_caller]
    fn refused(line: &str, variables: &[(&str, &str)], expected: &str) {
        let error = settings(line, variables).unwrap_err();
        assert!(error.starts_with(expected), "{line}: {error}");
    }

    #[test]
    fn defaults() {
        let settings = settings("", &[]).unwrap();
        assert_eq!((settings.port, settings.nice, settings.log_level), (3632, 5, Level::Notice));
        assert!(settings.jobs >= 3 && settings.detach && settings.defer_accept);
        assert_eq!(settings.log, LogTarget::Syslog);
        assert_eq!(settings.permitted, Permitted::Linked);
        assert_eq!((settings.job_lifetime, settings.io_timeout), (None, Duration::from_secs(300)));
    }

    #[test]
    fn private_networks_are_the_default_of_a_daemon_only() {
        let private = settings("--allow-private", &[]).unwrap().access;
        assert_eq!(settings("", &[]).unwrap().access, private);
        assert_eq!(settings("--daemon", &[]).unwrap().access, private);
        assert_eq!(settings("--inetd", &[]).unwrap().access, AccessList::default());
        assert_ne!(settings("--allow 1.2.3.4", &[]).unwrap().access, private);
    }

    #[test]
    fn who_is_served() {
        for (line, stdin_is_socket, expected) in [
            ("", false, Mode::Standalone),
            ("", true, Mode::Inetd),
            ("--daemon", true, Mode::Standalone),
            ("--wizard", true, Mode::Standalone),
            ("--inetd", false, Mode::Inetd),
            ("--inetd --daemon", false, Mode::Inetd),
        ] {
            assert_eq!(mode(&typed(line), stdin_is_socket), expected, "{line} {stdin_is_socket}");
        }
    }

    #[test]
    fn values_that_make_no_sense() {
        refused("--port 80000", &[], "port number out of range: 80000");
        refused("--port -1", &[], "port number out of range: -1");
        for jobs in ["--jobs 0", "--jobs -3", "--jobs 10001"] {
            refused(jobs, &[], "--jobs argument must be between 1 and 10000");
        }
        refused("--allow 1.2.3.4/40", &[], "invalid mask \"40\"");
        refused("", &[("DISTCC_IO_TIMEOUT", "soon")], "Bad DISTCC_IO_TIMEOUT value: soon");
        refused("", &[("DISTCC_IO_TIMEOUT", "0")], "Bad DISTCC_IO_TIMEOUT value: 0");
        refused("", &[("DISTCC_MAX_BODY", "0")], "Bad DISTCC_MAX_BODY value: 0");
        refused("", &[("DISTCC_MAX_BODIES", "0")], "Bad DISTCC_MAX_BODIES value: 0");
        refused("", &[("DISTCC_MAX_BODY", "1G")], "Bad DISTCC_MAX_BODY value: 1G");
        let list = ("DISTCC_CMDLIST", "/list");
        refused("", &[list, ("DISTCC_CMDLIST_NUMWORDS", "0")], "Bad DISTCC_CMDLIST_NUMWORDS value: 0");
    }

    #[test]
    fn a_level_that_does_not_exist_is_only_worth_a_warning() {
        let settings = settings("--log-level loud", &[]).unwrap();
        assert_eq!(settings.log_level, Level::Notice);
        assert!(settings.warnings[0].starts_with("invalid --log-level argument \"loud\""));
    }

    #[test]
    fn a_list_outranks_the_switch_that_permits_everything() {
        let list = [("DISTCC_CMDLIST", "/list"), ("DISTCC_CMDLIST_NUMWORDS", "3")];
        let expected = Permitted::List { file: "/list".into(), words: 3 };
        assert_eq!(settings("--enable-tcp-insecure", &list).unwrap().permitted, expected);
        assert_eq!(settings("--enable-tcp-insecure", &[]).unwrap().permitted, Permitted::Anything);
    }

    #[test]
    fn environment() {
        let variables = [("PATH", "/a:b::/c"), ("LANG", "C.UTF-8"), ("LC_ALL", ""), ("TMPDIR", "/t")];
        let seen = settings("", &variables).unwrap();
        assert_eq!(seen.path, ["/a", "/c"].map(PathBuf::from));
        assert_eq!(seen.locale, [("LANG", OsString::from("C.UTF-8"))]);
        assert_eq!(seen.tmpdir, Some(PathBuf::from("/t")));
        let replaced = settings("", &[("PATH", "/a"), ("DISTCCD_PATH", "/d")]).unwrap();
        assert_eq!(replaced.path, [PathBuf::from("/d")]);
        assert!(!settings("", &[("DISTCC_TCP_DEFER_ACCEPT", "0")]).unwrap().defer_accept);
    }

    #[test]
    fn the_wizard_sees_everything() {
        let settings = settings("--wizard --log-file f", &[]).unwrap();
        assert_eq!((settings.mode, settings.detach), (Mode::Standalone, false));
        assert_eq!((settings.log, settings.log_level), (LogTarget::Stderr, Level::Debug));
    }
}
