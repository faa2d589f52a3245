//! What this machine knows of its hosts: the list, the slots, who is benched, and the records that monitors read.
//! Turns what cannot be had into one warning; decides nothing about a job.

use crate::settings::Settings;
use crate::told::Told;
use crate::watcher;
use hosts::{Backoff, Choice, Host, HostList, ListError, LockDir, Place, Pool, Slot, TextOnly};
use job_state::{Entry, Outcome, Phase, Record, SlotRecord, Tally};
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

/// Where the host list of the whole system is, as `distcc/hosts`.
const ETC: &str = "/etc";

/// Hosts and slots as this user has them.
pub(crate) struct Site<'a> {
    settings: &'a Settings,
    /// Where warnings go.
    pub(crate) told: Told<'a>,
    /// The list as it is written, or why there is none.
    list: Result<HostList, ListError>,
    /// The same with the hosts that announce themselves, where it asks for them.
    completed: OnceCell<Result<HostList, ListError>>,
    locks: OnceCell<Option<LockDir>>,
}

impl<'a> Site<'a> {
    /// Reads the host list. The lock directory is opened when it is first needed.
    pub(crate) fn read(settings: &'a Settings, told: Told<'a>) -> Site<'a> {
        let directory = settings.state_dir.as_ref().map(|directory| directory.path.as_path());
        let list = hosts::load(settings.hosts.as_deref(), directory, Path::new(ETC)).map(shuffled_if_asked);
        Site { list, completed: OnceCell::new(), locks: OnceCell::new(), settings, told }
    }

    /// The list in force, or why there is none. Only this looks for hosts that announce themselves.
    pub(crate) fn hosts(&self) -> Result<&HostList, &ListError> {
        match &self.list {
            Ok(list) if list.zeroconf.is_some() => {
                self.completed.get_or_init(|| self.complete(list.clone())).as_ref()
            }
            list => list.as_ref(),
        }
    }

    fn complete(&self, list: HostList) -> Result<HostList, ListError> {
        // Opening the lock directory makes the directory that both are in, where that is ours to make.
        let directory = self.locks().and(self.settings.state_dir.as_ref());
        let found =
            directory.ok_or_else(|| "there is no directory for what is found".to_owned()).and_then(|at| {
                hosts::discovered(&at.path, || watcher::start(&at.path, &self.settings.path))
                    .map_err(|error| error.to_string())
            });
        hosts::complete(list, found).map(shuffled_if_asked)
    }

    /// A slot for a compile here. Without a lock directory nothing is counted, and the job runs all the same.
    pub(crate) fn compile_slot(&self) -> Option<Slot> {
        let slots = match &self.list {
            Ok(list) => list.local_slots,
            Err(ListError::Empty { local_slots, .. }) => *local_slots,
            Err(_) => HostList::LOCAL_SLOTS,
        };
        self.take(Pool::Local { slots }, &[]).map(|choice| choice.slot)
    }

    /// A slot for running the preprocessor.
    pub(crate) fn preprocessor_slot(&self) -> Option<Slot> {
        let slots = match &self.list {
            Ok(list) => list.local_cpp_slots,
            Err(ListError::Empty { local_cpp_slots, .. }) => *local_cpp_slots,
            Err(_) => HostList::LOCAL_CPP_SLOTS,
        };
        self.take(Pool::LocalCpp { slots }, &[]).map(|choice| choice.slot)
    }

    /// Tells what is wrong with the host list, token by token.
    pub(crate) fn warn_of_list(&self) {
        if let Ok(HostList { warnings, .. })
        | Err(ListError::Empty { warnings, .. } | ListError::Nobody { warnings, .. }) = self.hosts()
        {
            let tell = |warning| self.told.warning(format_args!("{warning}"), format_args!("{warning}"));
            warnings.iter().for_each(tell);
        }
    }

    /// The best free slot of `hosts`, waited for if need be; `None` when no host may be used.
    pub(crate) fn host_slot(&self, hosts: &[Host], tried: &[usize]) -> Option<(usize, Slot)> {
        let choice = self.take(Pool::Hosts(hosts), tried)?;
        choice.host.map(|at| (at, choice.slot))
    }

    /// Whether the list names a host that takes sources with their headers, be it busy or out of use.
    pub(crate) fn lists_pump_hosts(&self) -> bool {
        self.hosts().is_ok_and(|list| list.hosts.iter().any(|host| host.pump))
    }

    /// Whether sources may be sent anywhere now; to scan them for nobody would be in vain.
    pub(crate) fn has_taker_of_sources<'h>(&self, mut hosts: impl Iterator<Item = &'h Host>) -> bool {
        let is_usable = |host: &Host| {
            let benched = || self.locks().is_none_or(|locks| self.backoff(locks).is_benched(host));
            self.takes_sources(host) && !host.down && !benched()
        };
        hosts.any(is_usable)
    }

    /// Whether `host` gets sources with their headers.
    pub(crate) fn takes_sources(&self, host: &Host) -> bool {
        host.pump && self.locks().is_some_and(|locks| !TextOnly::new(locks).has(host))
    }

    /// `host` gets no sources for a while.
    pub(crate) fn leave_with_text(&self, host: &Host) {
        if let Some(locks) = self.locks() {
            TextOnly::new(locks).add(host);
        }
    }

    /// Whether any host may be tried now; preprocessing for none of them would be in vain.
    pub(crate) fn has_usable(&self, hosts: &[Host]) -> bool {
        let Some(locks) = self.locks() else { return false };
        let backoff = self.backoff(locks);
        hosts.iter().any(|host| !host.down && (host.place == Place::Local || !backoff.is_benched(host)))
    }

    fn locks(&self) -> Option<&LockDir> {
        self.locks.get_or_init(|| open_locks(self.settings, &self.told)).as_ref()
    }

    /// A slot of localhost, if the list has it and it is the best host that is free right now.
    pub(crate) fn localhost_slot(&self, hosts: &[Host]) -> Option<Slot> {
        let locks = self.locks().filter(|_| hosts.iter().any(|host| host.place == Place::Local))?;
        // A lock directory that fails here fails again, and is told of, when a slot is waited for.
        hosts::take_here(locks, hosts, &self.backoff(locks)).ok()?
    }

    fn take(&self, pool: Pool, avoid: &[usize]) -> Option<Choice> {
        let locks = self.locks()?;
        hosts::take(locks, pool, &self.backoff(locks), avoid).unwrap_or_else(|error| {
            self.told.warning(format_args!("slot"), format_args!("cannot take a slot: {error}"));
            None
        })
    }

    /// Leaves `host` alone for a while.
    pub(crate) fn bench(&self, host: &Host) {
        if let Some(locks) = self.locks() {
            self.backoff(locks).bench(host);
        }
    }

    /// `host` has answered: forget what was held against it.
    pub(crate) fn pardon(&self, host: &Host) {
        if let Some(locks) = self.locks() {
            self.backoff(locks).pardon(host);
        }
    }

    fn backoff(&self, locks: &LockDir) -> Backoff {
        Backoff::new(locks, self.settings.backoff_period)
    }

    /// This job's record for monitors, which may be missing but may not stand in the way.
    pub(crate) fn record(&self, input: &Path) -> Option<Record> {
        let directory = self.settings.state_dir.as_ref()?;
        Record::create(&directory.path, input.file_name().unwrap_or(OsStr::new(""))).ok()
    }

    /// The record of what is done here in `slot`, which may be missing, too.
    pub(crate) fn slot_record(&self, file: &OsStr, phase: Phase, slot: Option<&Slot>) -> Option<SlotRecord> {
        let directory = self.settings.state_dir.as_ref()?;
        SlotRecord::write(&directory.path, file, phase, slot?.number()).ok()
    }

    /// Adds to the tally, which may not stand in the way either, that this happened to the job about `file`.
    pub(crate) fn count(&self, outcome: Outcome, host: &str, reason: &str, file: &OsStr) {
        let Some(directory) = &self.settings.state_dir else { return };
        let (host, reason) = (host.to_owned(), reason.to_owned());
        let entry = Entry { when: SystemTime::now(), outcome, host, reason, file: file.to_owned() };
        let _ = Tally::new(&directory.path).add(&entry);
    }
}

fn shuffled_if_asked(list: HostList) -> HostList {
    if list.randomize { list.randomized(u64::from(std::process::id())) } else { list }
}

/// Only the default directory is made: a mistyped DISTCC_DIR should be seen.
fn open_locks(settings: &Settings, told: &Told) -> Option<LockDir> {
    let Some(directory) = &settings.state_dir else {
        let message = "neither DISTCC_DIR nor HOME is set, so there is no place for locks";
        told.warning(format_args!("locks"), format_args!("{message}"));
        return None;
    };
    let opened = LockDir::open(&directory.path).or_else(|error| {
        if !directory.create || error.kind() != io::ErrorKind::NotFound {
            return Err(error);
        }
        fs::create_dir_all(&directory.path).and_then(|()| LockDir::open(&directory.path))
    });
    opened
        .inspect_err(|error| {
            let path = directory.path.display();
            told.warning(format_args!("locks"), format_args!("cannot use {path} for locks: {error}"));
        })
        .ok()
}
