//! Examines every host of the list, several at a time, and tells in the list's order. Knows nothing of one host's
//! story.

use crate::build_user::BuildUser;
use crate::check::compiler_command::CompilerCommand;
use crate::check::host::{Examined, examine};
use crate::check::host_list::place;
use crate::check::host_trouble::{COMPILES, findings};
use crate::check::remedy::word;
use crate::check::trial_bench::{Makepkg, TrialBench};
use crate::check::{Finding, Situation, Verdict, masquerade, ssh_login};
use crate::programs;
use ::hosts::{Backoff, Host, HostList, LockDir, Place};
use nix::unistd::geteuid;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The client's period unless DISTCC_BACKOFF_PERIOD says another.
const BENCH: Duration = Duration::from_secs(60);

/// Most of the time is waiting; more than so many would make the times of compiles meaningless.
const AT_A_TIME: usize = 8;

/// What each host of the list is good for.
pub(crate) fn answer(situation: &Situation) -> Vec<Finding> {
    let Ok(list) = &situation.hosts else {
        return vec![Finding::skipped("host", "", "there is no list of hosts")];
    };
    let hosts = chosen(list, situation.only_host.as_slice());
    if hosts.is_empty() {
        let named = situation.only_host.as_deref().unwrap_or_default();
        return vec![Finding::failure(
            "host",
            named,
            "is not in the list of hosts",
            "distcc-arch hosts list",
        )];
    }
    let bench = match programs::find("distcc", situation.settings) {
        Err(_) if masquerade::client(situation).is_none() => {
            Err(Finding::skipped("host-trial", "", masquerade::AFTER_PROGRAM))
        }
        _ => set_up(situation),
    };
    let mut found = Vec::new();
    if let Err(why) = &bench {
        found.push(why.clone());
    }
    let examined = examine_all(&hosts, situation, bench.as_ref().ok());
    found.extend(examined.iter().flat_map(|examined| told(examined, situation, list)));
    found.extend(examined.iter().filter_map(|examined| benched(examined, situation)));
    let others = || hosts.iter().any(|host| !host.down && host.place != Place::Local);
    let nobody_does = !found.iter().any(|finding| {
        finding.verdict == Verdict::Failure || finding.check == COMPILES && finding.verdict == Verdict::Well
    });
    if bench.is_ok() && others() && nobody_does {
        let what = "no host compiles anything for this machine, so nothing is distributed";
        found.push(Finding::failure("host-none", "", what, situation.add_host()));
    }
    found
}

/// A host that works now and that builds leave out for a while, because it failed when they asked it last.
fn benched(examined: &Examined, situation: &Situation) -> Option<Finding> {
    let state = situation.state_directory.as_deref().filter(|_| examined.end.is_none())?;
    let locks = state.join("lock");
    // Opening it would make it, and we change nothing.
    if !locks.is_dir() || !Backoff::new(&LockDir::open(state).ok()?, BENCH).is_benched(&examined.host) {
        return None;
    }
    let what =
        format!("it answers now, but builds leave it out for up to {} s: it failed lately", BENCH.as_secs());
    let remedy = situation.as_owner(&locks, format!("rm -f {}/backoff_*", word(&locks.to_string_lossy())));
    Some(Finding::warning("host-benched", &examined.host.spec, what, remedy))
}

/// What is to be said of one host.
pub(crate) fn told(examined: &Examined, situation: &Situation, list: &HostList) -> Vec<Finding> {
    findings(examined, situation, &place(situation, &list.source_name))
}

/// The hosts that are meant by `names`, their entries or the machines' names; all when none is named.
pub(crate) fn chosen(list: &HostList, names: &[String]) -> Vec<Host> {
    let is_meant =
        |host: &&Host| names.is_empty() || names.iter().any(|name| *name == host.spec || name == host.name());
    list.hosts.iter().filter(is_meant).cloned().collect()
}

/// What is needed to have hosts compile; else why no compile can be tried.
pub(crate) fn set_up(situation: &Situation) -> Result<TrialBench, Finding> {
    let name = "host-trial";
    if situation.elsewhere() {
        return Err(Finding::skipped(
            name,
            "",
            "compiles are tried only without --root, with this machine's compilers",
        ));
    }
    let repair = "sudo pacman -S --needed base-devel distcc-arch";
    let failure = |why: String| Finding::failure(name, "", why, repair);
    let distcc = programs::find("distcc", situation.settings).map_err(failure)?;
    let building = situation.building.as_ref().ok();
    let words = |variable: &str| {
        let flags = building.and_then(|building| building.scalar(variable)).unwrap_or_default();
        flags.split_whitespace().map(str::to_owned).collect()
    };
    let named =
        building.filter(|building| building.exported("CC")).and_then(|building| building.scalar("CC"));
    let called = named.and_then(CompilerCommand::parse);
    let of_compiler =
        |flags: Vec<String>| called.iter().flat_map(|called| called.flags.clone()).chain(flags).collect();
    let makepkg = Makepkg {
        path: &situation.build_path(),
        compiler: called.as_ref().map(|called| called.name.as_str()),
        cflags: of_compiler(words("CFLAGS")),
        cxxflags: words("CXXFLAGS"),
        user: geteuid().is_root().then(|| BuildUser::never_root(situation.user.as_ref())),
        ssh: ssh_login::variables(situation),
    };
    TrialBench::set_up(&makepkg, &distcc, situation.processes).map_err(failure)
}

/// Examines all of `hosts`; the order stays.
pub(crate) fn examine_all(
    hosts: &[Host],
    situation: &Situation,
    bench: Option<&TrialBench>,
) -> Vec<Examined> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Examined)>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(hosts.len()) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(host) = hosts.get(number) else { return };
                    if situation.processes.interrupted_by().is_some() {
                        return;
                    }
                    let examined = examine(host, situation, bench, number);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((number, examined));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, examined)| examined).collect()
}
