//! What a build in pump mode needs before it begins: hosts that take sources, and an include server. Knows nothing of the
//! build.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::process::{Child, Command, Stdio};

use super::no_effect;
use super::session::Session;
use super::settings::Settings;

const NO_HOSTS: &str = "expected environment variables \"DISTCC_HOSTS\" or \"DISTCC_POTENTIAL_HOSTS\" to be set, or to find \
    a distcc hosts file in \"$DISTCC_DIR/hosts\", \"$HOME/.distcc/hosts\", or \"/etc/distcc/hosts\".";
const NO_PUMP_HOST: &str =
    "error: pump mode requested, but distcc hosts list does not contain any hosts with ',cpp' option";
/// A host that is slower to answer than this, in milliseconds, is not worth waiting for.
const PATIENCE: &str = "-c150";

/// Variables for the build.
pub(crate) type Exported = Vec<(&'static str, OsString)>;

/// Starts an include server and finds hosts.
///
/// # Errors
/// A sentence; one that begins with underscores is the whole line.
pub(crate) fn prepare(
    settings: &Settings,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<(Session, Exported), String> {
    settings.program("distcc")?;
    let mut exported = Exported::new();
    if let Some(args) = &settings.include_server_args {
        let understood = no_effect::understand(args);
        if let Some(note) = understood.note {
            let _ = writeln!(err, "pump: {note}");
        }
        if understood.verify {
            exported.push(("DISTCC_VERIFY_INCLUDES", "1".into()));
        }
    }
    if settings.potential_hosts.is_empty() {
        count_hosts(settings, out)?;
        let session = Session::start(settings)?;
        exported.extend(settings.hosts.clone().map(|hosts| ("DISTCC_HOSTS", hosts)));
        return Ok((session, exported));
    }
    // Asking takes its time, which the server needs, too.
    let asked = ask_around(settings, err);
    let session = Session::start(settings);
    let found = asked.and_then(|asked| asked.wait_with_output().ok()).map(|asked| asked.stdout);
    let (hosts, count) = host_list(&found.unwrap_or_default());
    settings.say(out, format_args!("Found {count} available distcc servers"));
    exported.push(("DISTCC_HOSTS", hosts));
    session.map(|session| (session, exported))
}

/// Tells how many hosts the list has and how many of them take sources.
fn count_hosts(settings: &Settings, out: &mut impl Write) -> Result<(), String> {
    if !settings.has_hosts {
        return Err(NO_HOSTS.to_owned());
    }
    let mut show = Command::new(settings.program("distcc")?);
    show.arg("--show-hosts").stdin(Stdio::null()).stderr(Stdio::inherit());
    let shown =
        show.output().map_err(|error| format!("cannot run {}: {error}", settings.location.display()))?;
    let (hosts, pump_hosts) = counted(&shown.stdout);
    if hosts == 0 {
        return Err("error: distcc hosts list is empty!".to_owned());
    }
    if pump_hosts == 0 {
        return Err(NO_PUMP_HOST.to_owned());
    }
    let servers = if hosts == 1 { "server" } else { "servers" };
    if hosts == pump_hosts {
        settings.say(out, format_args!("Using {hosts} distcc {servers} in pump mode"));
    } else {
        settings.say(
            out,
            format_args!("Using {hosts} distcc {servers}, of which only {pump_hosts} support(s) pump mode"),
        );
    }
    Ok(())
}

/// How many lines there are, and how many of a host that takes sources.
fn counted(shown: &[u8]) -> (usize, usize) {
    let hosts = || lines(shown);
    let takes_sources =
        |host: &&[u8]| host.split(|byte| *byte == b',').skip(1).any(|option| option == b"cpp");
    (hosts().count(), hosts().filter(takes_sources).count())
}

fn ask_around(settings: &Settings, err: &mut impl Write) -> Option<Child> {
    let lsdistcc = settings.program("lsdistcc").map_err(|missing| {
        let _ = writeln!(err, "pump: {missing}");
    });
    let mut ask = Command::new(lsdistcc.ok()?);
    ask.arg(PATIENCE).args(&settings.lsdistcc_args).args(&settings.potential_hosts);
    ask.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().ok()
}

/// The hosts that answered as a host list, and how many.
fn host_list(found: &[u8]) -> (OsString, usize) {
    let mut list = b"--randomize ".to_vec();
    for (index, host) in lines(found).enumerate() {
        if index > 0 {
            list.push(b'\n');
        }
        list.extend_from_slice(host);
        list.extend_from_slice(b",cpp,lzo");
    }
    (OsString::from_vec(list), lines(found).count())
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn lists_of_hosts() {
        let check = |found: &str, expected: &str, count| {
            let (list, counted) = host_list(found.as_bytes());
            assert_eq!((list.as_bytes(), counted), (expected.as_bytes(), count), "{found:?}");
        };
        check("", "--randomize ", 0);
        check("a\n", "--randomize a,cpp,lzo", 1);
        check("a\nb:3633\n", "--randomize a,cpp,lzo\nb:3633,cpp,lzo", 2);
    }

    #[test]
    fn hosts_that_take_sources() {
        let check = |shown: &str, expected| assert_eq!(counted(shown.as_bytes()), expected, "{shown}");
        check("a/4,lzo,cpp\nb/4,cpp,lzo\n", (2, 2));
        check("a/4,lzo,cpp\nb/4,lzo\n", (2, 1));
        check("cpp\n", (1, 0));
        check("", (0, 0));
    }
}
