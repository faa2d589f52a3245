//! Writes a changed list of hosts where it stood: plans the edit, after bash has seen it, and keeps make's number of
//! jobs in step with the slots. Knows nothing of how the list was changed.

use crate::setup::drop_in;
use crate::setup::host_source::{HostSource, Place};
use crate::setup::last_word::{Bash, Text, Values};
use crate::setup::makepkg_text::{ByHand, Wanted, edited, objection};
use crate::site::inside;
use changes::{Plan, Site};
use hosts::HostList;
use makepkg_conf::{Jobs, MakeFlags};
use std::path::Path;

/// Plans that the list becomes `new`; returns warnings.
///
/// # Errors
/// One line that names the file, or says why there is none to edit.
pub(crate) fn plan(
    plan: &mut Plan,
    site: &Site,
    source: &HostSource,
    new: &str,
    bash: &Bash,
) -> Result<Vec<String>, String> {
    let written = |path: &Path, text: Vec<u8>, plan: &mut Plan| -> Result<(), String> {
        plan.write(&inside(site, path)?, text, 0o644).map_err(|error| error.to_string())
    };
    match &source.place {
        Place::Environment => {
            Err("the list comes from the variable DISTCC_HOSTS of your environment: change it there"
                .to_owned())
        }
        Place::List { path } => {
            written(path, new.as_bytes().to_vec(), plan)?;
            Ok(Vec::new())
        }
        Place::Makepkg { path, .. } => {
            let there =
                plan.read(&inside(site, path)?).map_err(|error| error.to_string())?.unwrap_or_default();
            let change = Change::of(source, new);
            let (text, warnings) =
                change.text(&there, bash).map_err(|why| format!("{}{why}", path.display()))?;
            written(path, text, plan)?;
            Ok(warnings)
        }
    }
}

/// Without -j make runs so many jobs.
const ALONE: u32 = 1;

struct Change<'a> {
    source: &'a HostSource,
    new: &'a str,
    old_slots: u64,
    new_slots: u64,
}

impl<'a> Change<'a> {
    fn of(source: &'a HostSource, new: &'a str) -> Change<'a> {
        let slots = |text: &str| HostList::parse(text.as_bytes(), "").total_slots();
        Change { source, new, old_slots: slots(&source.text), new_slots: slots(new) }
    }

    /// The file's new text; or why not, which reads after the file's name.
    fn text(&self, there: &[u8], bash: &Bash) -> Result<(Vec<u8>, Vec<String>), String> {
        let jobs = self.jobs_that_follow();
        if let Some((old, new)) = jobs
            && there == drop_in::text(&self.source.text, old).as_bytes()
        {
            return Ok((drop_in::text(self.new, new).into_bytes(), Vec::new()));
        }
        match self.edited(there, jobs.map(|(_, new)| new), bash) {
            // A number that bash works out can be no number of ours.
            Err(_) if jobs.is_some() => self.edited(there, None, bash),
            answer => answer,
        }
    }

    fn edited(&self, there: &[u8], jobs: Option<u32>, bash: &Bash) -> Result<(Vec<u8>, Vec<String>), String> {
        let seen = |text: &[u8]| bash.values(&[Text::New(text)]).map_err(|why| format!(": {why}"));
        let alone = seen(there)?;
        let before = match jobs {
            Some(_) => Values { make_flags: self.source.make_flags.clone(), ..alone },
            None => alone,
        };
        let wanted = Wanted { hosts: self.new.to_owned(), jobs, enabled: false };
        let text =
            edited(there, &before, &wanted).map_err(|ByHand { line, why }| format!(":{line}: {why}"))?;
        let after = seen(&text)?;
        match objection(&before, &after, &wanted) {
            Some(objection) => Err(format!(": {objection}, as bash reads it: edit it by hand")),
            None => Ok((text, self.warnings(jobs.is_some()))),
        }
    }

    /// make's number of jobs, and what it becomes: one that is neither the number of slots nor too low for the new ones
    /// is somebody's choice.
    fn jobs_that_follow(&self) -> Option<(u32, u32)> {
        let flags = MakeFlags::parse(self.source.make_flags.as_deref().unwrap_or_default());
        let jobs = match flags.jobs() {
            Some(Jobs::Limited(jobs)) => jobs,
            Some(Jobs::Unlimited) => return None,
            None => ALONE,
        };
        let follows = u64::from(jobs) == self.old_slots || u64::from(jobs) < self.new_slots;
        follows.then_some((jobs, u32::try_from(self.new_slots).ok()?))
    }

    fn warnings(&self, follows: bool) -> Vec<String> {
        if follows || self.new_slots == self.old_slots {
            return Vec::new();
        }
        let flags = self.source.make_flags.as_deref().unwrap_or_default();
        vec![format!(
            "MAKEFLAGS=\"{flags}\" stays as it is, and the hosts have {} slots: -j{0} would use them",
            self.new_slots
        )]
    }
}
