//! Every environment variable that the client heeds, read once. Knows no command line.

mod speech;
mod toolchain_check;
mod unheeded;
mod word;

use crate::dependencies::{self, DependencyFile};
use protocol::Limits;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) use speech::Speech;
pub(crate) use toolchain_check::ToolchainCheck;
pub(crate) use unheeded::Unheeded;
use word::one_of;

/// What the environment asks of one run of the client (client.md section 16 of the reference; distcc(1)).
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `DISTCC_HOSTS`; set but empty counts as a list without hosts.
    pub(crate) hosts: Option<OsString>,
    /// `DISTCC_DIR`, else `$HOME/.distcc`; `None` when neither is known.
    pub(crate) state_dir: Option<StateDir>,
    /// `DISTCC_LOG`; empty counts as unset.
    pub(crate) log_file: Option<PathBuf>,
    /// `UNCACHED_ERR_FD`: where ccache wants messages that are not the compiler's.
    pub(crate) uncached_stderr: Option<i32>,
    /// `JOURNAL_STREAM`, which tells whether stderr is read by the systemd journal.
    pub(crate) journal_stream: Option<OsString>,
    /// `DISTCC_VERBOSE=1`.
    pub(crate) verbose: bool,
    /// `DISTCC_FALLBACK`: whether a job that no host took may run here.
    pub(crate) fallback: bool,
    /// `DISTCC_SKIP_LOCAL_RETRY` exists: what a remote compiler rejects is not compiled again here.
    pub(crate) skip_local_retry: bool,
    /// Whether `-march=native` and the like are spelled out for other machines; not with `DISTCC_NATIVE=local`.
    pub(crate) resolves_native: bool,
    /// `DISTCC_EXACT_DIAGNOSTICS=1`: whatever made a remote compiler print is compiled again here.
    pub(crate) exact_diagnostics: bool,
    /// `DISTCC_PROBES=remote`: what build systems compile to probe the compiler may be sent away, too.
    pub(crate) probes_remote: bool,
    /// `DISTCC_ANY_COMPILER=1`: objects of another version of the compiler are taken, too.
    pub(crate) any_compiler: bool,
    /// `DISTCC_TOOLCHAIN_CHECK`; off where any compiler will do.
    pub(crate) toolchain_check: ToolchainCheck,
    /// `DISTCC_BACKOFF_PERIOD` in seconds: how long a host that failed is left alone; zero never benches one.
    pub(crate) backoff_period: Duration,
    /// `DISTCC_IO_TIMEOUT` in seconds: the longest silence of a host.
    pub(crate) io_timeout: Duration,
    /// `DISTCC_MAX_BODY` in MiB: the largest object that is taken from a host.
    pub(crate) limits: Limits,
    /// What is wrong with one of the variables; it matters only to a job that is sent away (exit code 101).
    pub(crate) problem: Option<String>,
    /// `DISTCC_SSH`: the program that leads to ssh hosts and its first arguments, never empty; or what is wrong with it.
    pub(crate) ssh: Result<Vec<String>, String>,
    /// `DISTCC_SAVE_TEMPS=1`: where preprocessed text is left (`TMPDIR`).
    pub(crate) save_temps: Option<PathBuf>,
    /// What of the environment decides which files a compiler reads, but for `PATH`.
    pub(crate) scan_environment: Vec<(OsString, OsString)>,
    /// `DISTCC_VERIFY_INCLUDES=1`: each scan is compared with what the compiler itself says.
    pub(crate) verify_includes: bool,
    /// `DISTCC_TESTING_INCLUDE_SERVER=1`: what cannot be scanned is not compiled at all.
    pub(crate) testing_include_server: bool,
    /// `DISTCC_MAX_DISCREPANCY`: after so many mistakes of the scan nothing is scanned any more; or what is wrong with it.
    pub(crate) most_discrepancies: Result<Option<u32>, String>,
    /// `DISTCC_EXCLUDE_FRESH_FILES`: patterns of files that no failure is put down to because they are new.
    pub(crate) exclude_fresh_files: Vec<OsString>,
    /// `DEPENDENCIES_OUTPUT`, else `SUNPRO_DEPENDENCIES`.
    pub(crate) dependency_file: Option<DependencyFile>,
    /// What is set and does nothing.
    pub(crate) unheeded: Vec<Unheeded>,
    /// `DISTCC_NO_REWRITE_CROSS` exists: compiler names are sent as typed.
    pub(crate) keep_compiler_name: bool,
    /// `_DISTCC_SAFEGUARD`: how many of us are above this process.
    pub(crate) depth: u32,
    /// `TMPDIR`, else `/tmp`.
    pub(crate) temporary: PathBuf,
    /// `PWD`, which compilers prefer to the kernel's word for the current directory.
    pub(crate) logical_directory: Option<PathBuf>,
    /// `PATH`.
    pub(crate) path: OsString,
    /// `LD_LIBRARY_PATH`, from which a compiler may get libraries.
    pub(crate) library_path: OsString,
    /// One of the variables by which compilers take other parts or options than the command says, if one is set.
    pub(crate) compiler_changed_by: Option<&'static str>,
    /// Whether a compiler that writes to a terminal would colour its messages (`TERM`, `GCC_COLORS`).
    pub(crate) colours: bool,
    /// `GCC_COLORS` names colours, or is empty and wants none whatever the command says.
    pub(crate) own_colours: bool,
    /// `LC_ALL`, `LC_MESSAGES`, `LC_CTYPE`, `LANG`, `LANGUAGE`.
    pub(crate) speech: Speech,
    /// `INCLUDE_SERVER_PORT`: the include server's socket, as `pump` exports it; empty counts as unset.
    pub(crate) include_server_port: Option<PathBuf>,
    /// `DISTCC_INCLUDE_SERVER`: whether an include server may be started.
    pub(crate) include_server: bool,
    /// `DISTCC_INCLUDE_SERVER_IDLE` in minutes: how long it then stays without clients.
    pub(crate) include_server_idle: f64,
}

/// Minutes after which nobody will come any more.
const IDLE: f64 = 5.0;

/// The directory of locks and job records, and whether we may make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StateDir {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The default directory is made on demand; one that the user named is expected to exist.
    pub(crate) create: bool,
}

/// What the include server's questions to a compiler have to be asked with, beside the variables of [`cc_args`].
const SCAN_VARIABLES: [&str; 7] =
    ["GCC_EXEC_PREFIX", "COMPILER_PATH", "SDKROOT", "LANG", "LC_ALL", "SOURCE_DATE_EPOCH", "TMPDIR"];

/// Where gcc finds its parts (gcc(1)), and what clang adds to its command line. A host's compiler has no part in them.
const CHANGE_COMPILERS: [&str; 3] = ["COMPILER_PATH", "GCC_EXEC_PREFIX", "CCC_OVERRIDE_OPTIONS"];

impl Settings {
    /// Reads the environment.
    #[must_use]
    pub(crate) fn read() -> Settings {
        Settings::from_variables(|name| std::env::var_os(name))
    }

    fn from_variables(var: impl Fn(&str) -> Option<OsString>) -> Settings {
        let filled = |name: &str| var(name).filter(|value| !value.is_empty());
        let (io_timeout, bad_timeout) = positive("DISTCC_IO_TIMEOUT", "seconds", var("DISTCC_IO_TIMEOUT"));
        let (most_discrepancies, bad_limit) =
            positive("DISTCC_MAX_DISCREPANCY", "discrepancies", filled("DISTCC_MAX_DISCREPANCY"));
        let (max_body, bad_body) = positive("DISTCC_MAX_BODY", "MiB", var("DISTCC_MAX_BODY"));
        let any_compiler = switch(var("DISTCC_ANY_COMPILER"), false);
        let (resolves_native, bad_native) =
            one_of("DISTCC_NATIVE", var("DISTCC_NATIVE"), &[("resolve", true), ("local", false)]);
        let (probes_remote, bad_probes) =
            one_of("DISTCC_PROBES", var("DISTCC_PROBES"), &[("local", false), ("remote", true)]);
        let (toolchain_check, bad_check) = ToolchainCheck::of(var("DISTCC_TOOLCHAIN_CHECK"));
        Settings {
            hosts: var("DISTCC_HOSTS"),
            state_dir: state_dir(filled("DISTCC_DIR"), filled("HOME")),
            log_file: filled("DISTCC_LOG").map(PathBuf::from),
            uncached_stderr: filled("UNCACHED_ERR_FD")
                .and_then(|fd| fd.to_str()?.parse().ok())
                .filter(|fd| *fd > 0),
            journal_stream: filled("JOURNAL_STREAM"),
            verbose: switch(var("DISTCC_VERBOSE"), false),
            fallback: switch(var("DISTCC_FALLBACK"), true),
            skip_local_retry: var("DISTCC_SKIP_LOCAL_RETRY").is_some(),
            resolves_native,
            exact_diagnostics: switch(var("DISTCC_EXACT_DIAGNOSTICS"), false),
            probes_remote,
            any_compiler,
            toolchain_check: if any_compiler { ToolchainCheck::Off } else { toolchain_check },
            backoff_period: Duration::from_secs(number(var("DISTCC_BACKOFF_PERIOD")).unwrap_or(60)),
            io_timeout: Duration::from_secs(io_timeout.unwrap_or(300).into()),
            limits: max_body.map_or_else(Limits::default, Limits::with_bodies_of),
            problem: bad_timeout.or(bad_body).or(bad_check).or(bad_native).or(bad_probes),
            ssh: ssh(filled("DISTCC_SSH")),
            save_temps: switch(var("DISTCC_SAVE_TEMPS"), false)
                .then(|| filled("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)),
            scan_environment: scan_environment(&var),
            verify_includes: switch(var("DISTCC_VERIFY_INCLUDES"), false),
            testing_include_server: switch(var("DISTCC_TESTING_INCLUDE_SERVER"), false),
            most_discrepancies: bad_limit.map_or(Ok(most_discrepancies), Err),
            exclude_fresh_files: patterns(var("DISTCC_EXCLUDE_FRESH_FILES")),
            dependency_file: dependency_file(&var),
            unheeded: unheeded(&var),
            keep_compiler_name: var("DISTCC_NO_REWRITE_CROSS").is_some(),
            depth: depth(var("_DISTCC_SAFEGUARD")),
            temporary: filled("TMPDIR").map_or_else(|| "/tmp".into(), PathBuf::from),
            logical_directory: filled("PWD").map(PathBuf::from),
            path: var("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()),
            library_path: var("LD_LIBRARY_PATH").unwrap_or_default(),
            compiler_changed_by: CHANGE_COMPILERS.into_iter().find(|name| filled(name).is_some()),
            own_colours: var("GCC_COLORS").is_some(),
            include_server_port: filled("INCLUDE_SERVER_PORT").map(PathBuf::from),
            include_server: switch(var("DISTCC_INCLUDE_SERVER"), true),
            include_server_idle: minutes(var("DISTCC_INCLUDE_SERVER_IDLE")).unwrap_or(IDLE),
            speech: Speech::of(&filled),
            colours: var("TERM").is_some_and(|term| term != "dumb")
                && var("GCC_COLORS").is_none_or(|colors| !colors.is_empty()),
        }
    }
}

fn state_dir(named: Option<OsString>, home: Option<OsString>) -> Option<StateDir> {
    let named = named.map(|named| StateDir { path: named.into(), create: false });
    named.or_else(|| Some(StateDir { path: PathBuf::from(home?).join(".distcc"), create: true }))
}

fn patterns(value: Option<OsString>) -> Vec<OsString> {
    let value = value.unwrap_or_default();
    let words = value.as_bytes().split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.map(|word| OsStr::from_bytes(word).to_owned()).collect()
}

fn scan_environment(var: &impl Fn(&str) -> Option<OsString>) -> Vec<(OsString, OsString)> {
    let names = SCAN_VARIABLES.into_iter().chain(cc_args::INCLUDE_PATH_VARIABLES);
    names.filter_map(|name| Some((name.into(), var(name)?))).collect()
}

/// The first that is set counts; with an empty one no compiler works, and it has to say so.
fn dependency_file(var: impl Fn(&str) -> Option<OsString>) -> Option<DependencyFile> {
    let asked = |variable| Some(DependencyFile { variable, value: var(variable)? });
    let first = dependencies::VARIABLES.into_iter().find_map(asked);
    first.filter(|asked| !asked.value.is_empty())
}

/// With 0, a switch of distcc 3.4 asks for nothing.
fn unheeded(var: impl Fn(&str) -> Option<OsString>) -> Vec<Unheeded> {
    let asks = |one: &&Unheeded| var(one.name).is_some_and(|value| !value.is_empty() && value != "0");
    unheeded::UNHEEDED.iter().filter(asks).copied().collect()
}

/// distcc's boolean variables know "0" and "1"; anything else means the default.
fn switch(value: Option<OsString>, default: bool) -> bool {
    match value.as_deref().and_then(OsStr::to_str) {
        Some("0") => false,
        Some("1") => true,
        _ => default,
    }
}

fn number(value: Option<OsString>) -> Option<u64> {
    value?.to_str()?.trim().parse().ok()
}

/// No number that is too odd to be a time.
fn minutes(value: Option<OsString>) -> Option<f64> {
    let minutes: f64 = value?.to_str()?.trim().parse().ok()?;
    (0.0..1e9).contains(&minutes).then_some(minutes)
}

/// The value of a variable that counts something, or what is wrong with it. No kernel waits longer than the most that is
/// kept.
fn positive(name: &str, unit: &str, value: Option<OsString>) -> (Option<u32>, Option<String>) {
    let Some(value) = value else { return (None, None) };
    match number(Some(value.clone())) {
        Some(count @ 1..) => (Some(count.min(0x7fff_ffff) as u32), None),
        _ => {
            let value = value.to_string_lossy();
            (None, Some(format!("Bad {name} value: {value}: give a positive number of {unit}")))
        }
    }
}

/// Words as a shell would make them, without its expansions. Nothing but white space counts as unset.
fn ssh(value: Option<OsString>) -> Result<Vec<String>, String> {
    let value = value.unwrap_or_default();
    let bad = |what: &str| format!("Bad DISTCC_SSH value: {}: {what}", value.display());
    let mut words = shell_words::split(value.to_str().ok_or_else(|| bad("it is not UTF-8"))?)
        .map_err(|_| bad("a quote is not closed"))?;
    if words.is_empty() {
        words.push("ssh".to_owned());
    }
    Ok(words)
}

/// Whoever set the variable is one of us, so a value that makes no sense still counts as one level.
fn depth(value: Option<OsString>) -> u32 {
    value.map_or(0, |value| number(Some(value)).map_or(1, |n| n.clamp(1, 9) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(name: &'static str, value: &str) -> Settings {
        Settings::from_variables(|asked| (asked == name).then(|| OsString::from(value)))
    }

    #[test]
    fn nothing_set_means_the_defaults_of_distcc() {
        let settings = Settings::from_variables(|_| None);
        assert_eq!(settings.state_dir, None);
        assert_eq!(settings.io_timeout, Duration::from_secs(300));
        assert_eq!(settings.backoff_period, Duration::from_secs(60));
        assert!(settings.fallback && !settings.verbose && settings.depth == 0);
    }

    #[test]
    fn switches_know_only_zero_and_one() {
        for (value, expected) in [("0", false), ("1", true), ("", true), ("no", true), ("01", true)] {
            assert_eq!(with("DISTCC_FALLBACK", value).fallback, expected, "{value:?}");
        }
    }

    #[test]
    fn depth_counts_odd_values_as_one() {
        for (value, expected) in [("0", 1), ("1", 1), ("3", 3), ("x", 1), ("", 1)] {
            assert_eq!(with("_DISTCC_SAFEGUARD", value).depth, expected, "{value:?}");
        }
    }

    #[test]
    fn odd_numbers_are_problems_and_huge_ones_are_not() {
        for name in ["DISTCC_IO_TIMEOUT", "DISTCC_MAX_BODY"] {
            for value in ["0", "-1", "x", "", "1.5"] {
                let problem = with(name, value).problem.unwrap();
                assert!(problem.starts_with(&format!("Bad {name} value: {value}: ")), "{problem}");
            }
            assert_eq!(with(name, "99999999999").problem, None);
        }
        assert_eq!(with("DISTCC_MAX_BODY", "7").limits, Limits::with_bodies_of(7));
        assert_eq!(with("DISTCC_IO_TIMEOUT", "7").io_timeout, Duration::from_secs(7));
    }

    #[test]
    fn odd_words_are_problems() {
        for (name, words) in [
            ("DISTCC_TOOLCHAIN_CHECK", "strict, target or off"),
            ("DISTCC_NATIVE", "resolve or local"),
            ("DISTCC_PROBES", "local or remote"),
        ] {
            let expected = format!("Bad {name} value: locale: give {words}");
            assert_eq!(with(name, "locale").problem, Some(expected));
            assert_eq!(with(name, "").problem, None);
        }
        assert!(with("DISTCC_NATIVE", "resolve").resolves_native);
        assert!(!with("DISTCC_NATIVE", "local").resolves_native);
        assert!(
            with("DISTCC_PROBES", "remote").probes_remote && !with("DISTCC_PROBES", "local").probes_remote
        );
    }

    #[test]
    fn ssh_is_split_as_a_shell_would() {
        let check = |value, expected: &[&str]| {
            assert_eq!(with("DISTCC_SSH", value).ssh.unwrap(), expected, "{value}");
        };
        check("", &["ssh"]);
        check("  ", &["ssh"]);
        check("ssh -p 2222", &["ssh", "-p", "2222"]);
        check("ssh  -o 'ProxyCommand=nc %h %p'\t-v", &["ssh", "-o", "ProxyCommand=nc %h %p", "-v"]);
        check(r#""/opt/my ssh" a\ b ''"#, &["/opt/my ssh", "a b", ""]);
        check("ssh $HOME `x` ~", &["ssh", "$HOME", "`x`", "~"]);
        let bad = with("DISTCC_SSH", "ssh 'x").ssh.unwrap_err();
        assert_eq!(bad, "Bad DISTCC_SSH value: ssh 'x: a quote is not closed");
        assert_eq!(with("PATH", "/bin").ssh.unwrap(), ["ssh"]);
    }

    proptest! {
        /// Whatever a user quotes as shells do arrives as it was, and nothing is too odd to be told of.
        #[test]
        fn quoted_words_of_ssh_arrive(words in proptest::collection::vec("[ -~\\n]{0,9}", 1..6), odd in "\\PC{0,30}") {
            prop_assert_eq!(ssh(Some(shell_words::join(&words).into())), Ok(words));
            prop_assert!(ssh(Some(odd.clone().into())).is_ok_and(|words| !words.is_empty()) || odd.contains(['\'', '"', '\\']));
        }
    }

    #[test]
    fn an_include_server_stays_for_minutes() {
        for (value, expected) in
            [("7", 7.0), ("0.5", 0.5), ("0", 0.0), ("-1", IDLE), ("NaN", IDLE), ("x", IDLE)]
        {
            let idle = with("DISTCC_INCLUDE_SERVER_IDLE", value).include_server_idle;
            assert!((idle - expected).abs() < 1e-9, "{value}: {idle}");
        }
    }

    #[test]
    fn what_is_kept_goes_where_temporary_files_go() {
        let check = |variables: &[(&str, &str)], expected: Option<&str>| {
            let found = |asked: &str| variables.iter().find(|(name, _)| *name == asked);
            let settings = Settings::from_variables(|asked| found(asked).map(|(_, value)| value.into()));
            assert_eq!(settings.save_temps, expected.map(PathBuf::from), "{variables:?}");
        };
        check(&[("TMPDIR", "/t")], None);
        check(&[("DISTCC_SAVE_TEMPS", "0")], None);
        check(&[("DISTCC_SAVE_TEMPS", "1")], Some("/tmp"));
        check(&[("DISTCC_SAVE_TEMPS", "1"), ("TMPDIR", "")], Some("/tmp"));
        check(&[("DISTCC_SAVE_TEMPS", "1"), ("TMPDIR", "/t")], Some("/t"));
    }

    #[test]
    fn what_is_unheeded_is_noticed() {
        let check = |name, value, expected: &[&str]| {
            let names: Vec<_> = with(name, value).unheeded.iter().map(|one| one.name).collect();
            assert_eq!(names, expected, "{name}={value}");
        };
        check("DISTCC_PRINCIPAL", "x", &["DISTCC_PRINCIPAL"]);
        check("DISTCC_ENABLE_DISCREPANCY_EMAIL", "1", &["DISTCC_ENABLE_DISCREPANCY_EMAIL"]);
        check("DISTCC_ENABLE_DISCREPANCY_EMAIL", "0", &[]);
        check("DISTCC_PRINCIPAL", "", &[]);
        check("DISTCC_LOG", "x", &[]);
    }

    #[test]
    fn the_named_directory_is_not_ours_to_make() {
        let named = with("DISTCC_DIR", "/d").state_dir;
        assert_eq!(named, Some(StateDir { path: "/d".into(), create: false }));
        let default = with("HOME", "/h").state_dir;
        assert_eq!(default, Some(StateDir { path: "/h/.distcc".into(), create: true }));
    }
}
