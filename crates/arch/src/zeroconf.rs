//! Daemons that announce themselves, as our commands look for them: the compiler of here, one look round, and how a list
//! of hosts spells what was found. Knows nothing of how announcements travel.

use crate::ask::ask;
use crate::processes::Processes;
use crate::programs::is_program;
use crate::settings::Settings;
use discovery::{Compiler, SERVICE_TYPE, Service};
use hosts::{HostList, ListError};
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use toolchain::DIRECTORIES;

/// The longest that `cc` may take to say what it is.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);
/// The longest look for hosts of a list.
const LONGEST_LOOK: Duration = Duration::from_secs(3);
/// How often a look is ended if it should be.
const TICK: Duration = Duration::from_millis(100);

/// What `cc` is for a build with this PATH, distcc's own links left out.
pub(crate) fn compiler_of_here(settings: &Settings, processes: &Arc<Processes>) -> Option<Compiler> {
    let cc = cc(&settings.path)?;
    let say = |question| {
        let ended = ask(processes, Command::new(&cc).arg(question), LONGEST_ANSWER);
        ended.status.is_ok_and(|status| status.success()).then_some(ended.stdout)
    };
    Compiler::from_output(&say("-dumpversion")?, &say("-dumpmachine")?)
}

/// What clients with that compiler look for, as those of distcc 3.4 do; without one, any daemon.
pub(crate) fn kind(compiler: Option<&Compiler>) -> String {
    compiler.and_then(Compiler::subtype).unwrap_or_else(|| SERVICE_TYPE.to_owned())
}

/// The list; where it asks for that, with who announces itself now to a client with the compiler of here.
///
/// # Errors
/// Those of the list, or there is no host in it even so.
pub(crate) fn completed(
    list: Result<HostList, ListError>,
    settings: &Settings,
    processes: &Arc<Processes>,
) -> Result<HostList, ListError> {
    let list = list?;
    if list.zeroconf.is_none() {
        return Ok(list);
    }
    let kind = kind(compiler_of_here(settings, processes).as_ref());
    let found = look(&kind, LONGEST_LOOK, processes).map(|found| {
        let specs: Vec<String> = found.iter().map(spec).collect();
        HostList::parse(specs.join("\n").as_bytes(), "").hosts
    });
    hosts::complete(list, found)
}

/// Who of `kind` is there now, after at most `limit`.
///
/// # Errors
/// One line: nobody can be heard.
pub(crate) fn look(kind: &str, limit: Duration, processes: &Processes) -> Result<Vec<Service>, String> {
    let end = Instant::now() + limit;
    let mut found = Vec::new();
    discovery::follow(kind, TICK, |view| {
        let is_done = view.is_settled && !view.services.is_empty();
        if !is_done && Instant::now() < end && processes.interrupted_by().is_none() {
            return ControlFlow::Continue(());
        }
        found = view.services.iter().map(|service| (*service).clone()).collect();
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// `ADDRESS:PORT/JOBS`, compressed where the daemon says that it takes that.
pub(crate) fn spec(service: &Service) -> String {
    let Service { address, port, traits, .. } = service;
    let address = if address.ip.is_ipv6() { format!("[{address}]") } else { address.to_string() };
    let lzo = if traits.takes_lzo() { ",lzo" } else { "" };
    format!("{address}:{port}/{}{lzo}", traits.jobs)
}

fn cc(path: &[PathBuf]) -> Option<PathBuf> {
    let is_links = |directory: &&PathBuf| DIRECTORIES.iter().any(|links| *directory == Path::new(links.path));
    let candidates =
        path.iter().filter(|directory| !is_links(directory)).map(|directory| directory.join("cc"));
    let leads_to_distcc = |candidate: &PathBuf| {
        fs::canonicalize(candidate)
            .is_ok_and(|program| program.file_name().is_some_and(|name| name == "distcc"))
    };
    let mut candidates = candidates.filter(|candidate| is_program(candidate));
    candidates.find(|candidate| !leads_to_distcc(candidate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use discovery::{Address, Traits};
    use std::os::unix::fs::symlink;

    #[track_caller]
    fn check(ip: &str, txt: &[&str], expected: &str) {
        let address = Address::new(ip.parse().unwrap(), Some("eth0")).unwrap();
        let traits = Traits::parse(txt.iter().map(|string| string.as_bytes()));
        let service = Service { instance: "i".into(), machine: "m".into(), address, port: 3700, traits };
        let spec = spec(&service);
        assert_eq!(spec, expected);
        let list = HostList::parse(spec.as_bytes(), "");
        assert_eq!((list.hosts.len(), list.warnings.len()), (1, 0), "{spec}");
    }

    #[test]
    fn lists_spell_what_was_found() {
        check("10.0.0.2", &["jobs=3"], "10.0.0.2:3700/3");
        check("10.0.0.2", &["jobs=3", "features=lzo"], "10.0.0.2:3700/3,lzo");
        check("fd00::2", &[], "[fd00::2]:3700/4");
        check("fe80::2", &["features=cpp,lzo"], "[fe80::2%eth0]:3700/4,lzo");
    }

    #[test]
    fn distcc_is_no_compiler() {
        let dir = tempfile::tempdir().unwrap();
        let [links, bin] = ["links", "bin"].map(|name| dir.path().join(name));
        fs::create_dir(&links).unwrap();
        fs::create_dir(&bin).unwrap();
        fs::copy("/bin/true", bin.join("distcc")).unwrap();
        symlink(bin.join("distcc"), links.join("cc")).unwrap();
        assert_eq!(cc(&[links.clone(), bin.clone()]), None);
        fs::copy("/bin/true", bin.join("cc")).unwrap();
        assert_eq!(cc(&[links, bin.clone()]), Some(bin.join("cc")));
    }
}
