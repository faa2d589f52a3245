//! The command line of distccd as it may be typed. Knows nothing of what the options mean to a running daemon.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Command, CommandFactory, FromArgMatches, Parser};

use crate::sources::Pump;

/// What was typed (distccd(1)).
#[derive(Debug, Parser)]
#[command(
    name = "distccd",
    about = "Compiles for distcc clients on other machines",
    after_help = "Run it on networks that you trust: whoever may connect may run the compilers that are listed.",
    disable_help_flag = true,
    disable_version_flag = true,
    args_override_self = true,
    allow_negative_numbers = true
)]
pub(crate) struct Options {
    /// Show this help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
    /// Show the version
    #[arg(long)]
    pub(crate) version: bool,

    /// Bind and listen on a socket
    #[arg(long, help_heading = "Mode of operation")]
    pub(crate) daemon: bool,
    /// Serve the one client that is connected to stdin
    #[arg(long, help_heading = "Mode of operation")]
    pub(crate) inetd: bool,
    /// Stay in the foreground
    #[arg(long, help_heading = "Mode of operation")]
    pub(crate) no_detach: bool,
    /// Save the process id of the daemon to FILE
    #[arg(short = 'P', long, value_name = "FILE", help_heading = "Mode of operation")]
    pub(crate) pid_file: Option<PathBuf>,
    /// When started by root, become this user
    #[arg(long, value_name = "NAME", help_heading = "Mode of operation")]
    pub(crate) user: Option<String>,
    /// Lower the priority; 19 is the nicest
    #[arg(short = 'N', long, value_name = "LEVEL", default_value_t = 5, help_heading = "Mode of operation")]
    pub(crate) nice: i32,
    /// How much sooner than others the kernel may kill the daemon and its compilers when memory is short
    #[arg(long, value_name = "NUMBER", help_heading = "Mode of operation")]
    pub(crate) oom_score_adj: Option<i32>,
    /// With sockets from a service manager, which starts it again: end after so long without a client; 0 = never
    #[arg(long, value_name = "SECONDS", default_value_t = 0, help_heading = "Mode of operation")]
    pub(crate) idle_exit: i64,
    /// Told to end by SIGTERM, take no new job and wait so long for the compilers that run [default: 300]
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_value_t = 0, default_missing_value = "300",
        hide_default_value = true, help_heading = "Mode of operation")]
    pub(crate) drain: i64,
    /// End by itself after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0, hide = true)]
    pub(crate) lifetime: i64,

    /// Compile so many files at once [default: processors + 2]
    #[arg(short, long, value_name = "NUMBER", help_heading = "Jobs")]
    pub(crate) jobs: Option<i64>,
    /// Kill a compiler that runs longer than this; 0 = never
    #[arg(long, value_name = "SECONDS", default_value_t = 0, help_heading = "Jobs")]
    pub(crate) job_lifetime: i64,
    /// Run any program that a client names, not only linked compilers
    #[arg(long, alias = "make-me-a-botnet", help_heading = "Jobs")]
    pub(crate) enable_tcp_insecure: bool,
    /// Compile sources for clients in pump mode: at the client's own paths (namespace), below another directory
    /// (mirror), whichever this machine can (auto), or not at all (off)
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Pump::Auto, hide_possible_values = true,
        help_heading = "Jobs")]
    pub(crate) pump: Pump,

    /// TCP port to listen on; 0 = any free one [default: 3632]
    #[arg(short, long, value_name = "PORT", help_heading = "Network")]
    pub(crate) port: Option<i64>,
    /// Listen on this address only
    #[arg(long, value_name = "ADDRESS", help_heading = "Network")]
    pub(crate) listen: Option<String>,
    /// Serve this client or network; may be given several times
    #[arg(short, long, value_name = "IP[/BITS]", help_heading = "Network")]
    pub(crate) allow: Vec<String>,
    /// Serve clients in private networks; the default when there is no --allow
    #[arg(long, help_heading = "Network")]
    pub(crate) allow_private: bool,
    /// Tell how busy the daemon is, over HTTP: as distcc does, to a browser, and under /metrics
    #[arg(long, help_heading = "Network")]
    pub(crate) stats: bool,
    /// TCP port for --stats; 0 = any free one [default: 3633]
    #[arg(long, value_name = "PORT", help_heading = "Network")]
    pub(crate) stats_port: Option<i64>,
    /// Address for --stats [default: only this machine itself can ask]
    #[arg(long, value_name = "ADDRESS", help_heading = "Network")]
    pub(crate) stats_listen: Option<String>,
    /// Announce the daemon on the local network, where clients with +zeroconf find it
    #[arg(long, help_heading = "Network")]
    pub(crate) zeroconf: bool,

    /// Write messages to FILE instead of syslog
    #[arg(long, value_name = "FILE", help_heading = "Messages")]
    pub(crate) log_file: Option<PathBuf>,
    /// Write messages to stderr
    #[arg(long, help_heading = "Messages")]
    pub(crate) log_stderr: bool,
    /// The least urgent messages to write: critical, error, warning, notice, info or debug
    #[arg(long, value_name = "LEVEL", help_heading = "Messages")]
    pub(crate) log_level: Option<String>,
    /// Write all messages, as --log-level=debug does
    #[arg(long, help_heading = "Messages")]
    pub(crate) verbose: bool,
    /// For debugging: in the foreground, all messages to stderr
    #[arg(short = 'W', long, help_heading = "Messages")]
    pub(crate) wizard: bool,

    /// Accepted for distcc 3.4, which forked one process per job
    #[arg(long, hide = true)]
    no_fork: bool,
    /// Accepted for distcc 3.4, where it had no effect either
    #[arg(long, hide = true)]
    no_fifo: bool,
    /// Accepted for later versions of distcc, where it widens what -specs= may name; we never run -specs=
    #[arg(long, value_name = "DIR", hide = true)]
    sysroot: Option<PathBuf>,
    #[arg(hide = true)]
    ignored: Vec<OsString>,
}

/// Options of distcc 3.4 that would change what is served and that nobody may believe to be in force.
const NOT_YET: &[&str] = &["--auth", "--blacklist", "--show-principal", "--whitelist"];

/// Why there are no options to act on.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// The user asked for this text: print it on stdout and exit 0.
    Text(String),
    /// The command line makes no sense: print `distccd: ERROR: ` and this on stderr, and exit 101.
    BadUsage(String),
}

/// The definition that parser, help and man page share.
#[must_use]
pub fn command() -> Command {
    Options::command()
}

/// Parses `arguments`, the first of which is the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Options, Stop> {
    let matches = command().try_get_matches_from(arguments).map_err(|error| stop(&error))?;
    let options = Options::from_arg_matches(&matches).map_err(|error| stop(&error))?;
    if options.version { Err(Stop::Text(version())) } else { Ok(options) }
}

fn version() -> String {
    format!(
        "distccd {} {}-pc-{}-gnu\n  (protocols 1, 2 and 3) (default port 3632)\n  part of distcc-arch; \
         serves clients of distcc 3.4 as well\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        std::env::consts::OS,
    )
}

/// Says it in the words of distcc 3.4, on which scripts may match.
fn stop(error: &clap::Error) -> Stop {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    // clap shows an option that takes a value as "--port <PORT>" and one with a short form as "-p <PORT>".
    let option = text(ContextKind::InvalidArg).split(' ').next().unwrap_or_default();
    let value = text(ContextKind::InvalidValue);
    Stop::BadUsage(match error.kind() {
        ErrorKind::DisplayHelp => return Stop::Text(error.render().to_string()),
        ErrorKind::UnknownArgument if NOT_YET.contains(&option) => format!("{option}: not supported yet"),
        ErrorKind::UnknownArgument => format!("{option}: unknown option"),
        ErrorKind::TooManyValues => format!("{option}={value}: option does not take an argument"),
        ErrorKind::InvalidValue if value.is_empty() => format!("{option}: missing argument"),
        ErrorKind::InvalidValue if option == "--pump" => {
            format!("{option}={value}: say auto, namespace, mirror or off")
        }
        ErrorKind::ValueValidation => format!("{option}={value}: invalid numeric value"),
        _ => error.to_string().lines().next().unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Result<Options, Stop> {
        parse(["distccd"].into_iter().chain(line.split_whitespace()).map(OsString::from))
    }

    #[track_caller]
    fn refused(line: &str, expected: &str) {
        assert_eq!(typed(line).unwrap_err(), Stop::BadUsage(expected.to_owned()), "{line}");
    }

    #[track_caller]
    fn jobs(line: &str, expected: i64) {
        assert_eq!(typed(line).unwrap().jobs, Some(expected), "{line}");
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn values_stand_where_popt_takes_them() {
        for line in ["-j4", "-j 4", "-j=4", "--jobs=4", "--jobs 4", "-j9 --jobs 4", "CC -j4 file.c"] {
            jobs(line, 4);
        }
        jobs("-j -1", -1);
        for (line, expected) in [
            ("", 0),
            ("--drain", 300),
            ("--drain --daemon", 300),
            ("--drain=9", 9),
            ("--drain 9 --daemon", 9),
        ] {
            assert_eq!(typed(line).unwrap().drain, expected, "{line}");
        }
        assert_eq!(typed("--nice -5").unwrap().nice, -5);
        assert_eq!(typed("-a 10.0.0.0/8 --allow=::1").unwrap().allow, ["10.0.0.0/8", "::1"]);
        assert_eq!(typed("-P p").unwrap().pid_file, Some(PathBuf::from("p")));
    }

    #[test]
    fn the_line_that_a_test_suite_of_distcc_types() {
        typed(
            "--verbose --lifetime=60 --daemon --log-file F --pid-file F --port 9 --allow 127.0.0.1 \
             --enable-tcp-insecure --sysroot DIR --no-fork --no-fifo --make-me-a-botnet --daemon",
        )
        .unwrap();
    }

    #[test]
    fn refusals_in_the_words_of_distcc() {
        refused("--bogus", "--bogus: unknown option");
        refused("CC --bogus-option", "--bogus-option: unknown option");
        refused("-h", "-h: unknown option");
        refused("-V", "-V: unknown option");
        refused("--port=abc", "--port=abc: invalid numeric value");
        refused("--port", "--port: missing argument");
        refused("--pump=maybe", "--pump=maybe: say auto, namespace, mirror or off");
        refused("--drain=soon", "--drain=soon: invalid numeric value");
        refused("--daemon=foo", "--daemon=foo: option does not take an argument");
        refused("--stats-port abc", "--stats-port=abc: invalid numeric value");
    }

    #[test]
    fn texts() {
        let Err(Stop::Text(version)) = typed("--version") else { panic!("no text") };
        assert!(version.starts_with("distccd ") && version.lines().count() >= 3, "{version}");
        assert!(version.lines().nth(1).unwrap().starts_with("  (protocols 1, 2 and 3) (default port 3632)"));
        let Err(Stop::Text(help)) = typed("--help") else { panic!("no text") };
        assert!(help.contains("--enable-tcp-insecure") && !help.contains("--no-fifo"), "{help}");
    }
}
