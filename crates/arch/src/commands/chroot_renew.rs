//! The story of `distcc-arch chroot renew`: chroots that were given this machine's client get the one of now. Knows nothing
//! of how that is told from others.

use crate::carry_out::{Done, Work, answer};
use crate::check::reach::answer_of;
use crate::consent::Consent;
use crate::settings::Settings;
use crate::setup::chroot_client::{self, Client};
use crate::setup::chroots_here::{named_roots, root_directory};
use crate::site::site;
use crate::{Answer, Exit};
use changes::{Plan, Site};
use clap::Args;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// For one root to be looked at. pacman waits for us, and nobody else may install anything meanwhile.
const LOOK: Duration = Duration::from_secs(5);

/// What `chroot renew` is asked for.
#[derive(Debug, Args)]
pub(crate) struct Renew {
    /// Say nothing where all are as they should be
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    consent: Consent,
}

/// Renews them one by one; one that cannot be renewed does not stop the others.
pub(crate) fn run(asked: &Renew, settings: &Settings, notes: &mut dyn Write) -> Answer {
    answer(asked.consent, settings, notes, |work| {
        let mut all = Answer { text: String::new(), complaint: String::new(), exit: Exit::Code(0) };
        let mut seen = BTreeSet::new();
        for named in named_roots(Path::new("/")) {
            let renewed = match outdated(&named, work) {
                Ok(Some(site)) if seen.insert(site.root.clone()) => renewed(&site, work),
                Ok(_) => Ok(None),
                Err(why) => Err(why),
            };
            match renewed {
                Ok(Some(one)) => {
                    all.text.push_str(&one.text);
                    all.complaint.push_str(&one.complaint);
                    if all.exit == Exit::Code(0) {
                        all.exit = one.exit;
                    }
                }
                Ok(None) => {}
                Err(why) => {
                    all.complaint.push_str(&format!("distcc-arch: {}: {why}\n", named.display()));
                    all.exit = Exit::Code(2);
                }
            }
        }
        if all.text.is_empty() && all.complaint.is_empty() && !asked.quiet {
            all.text.push_str("no chroot here has an old copy of this machine's distcc\n");
        }
        Ok(all)
    })
}

/// The root of this name, if it has a copy that is not of now.
///
/// # Errors
/// It cannot be read, or not in time.
fn outdated(named: &Path, work: &Work) -> Result<Option<Site>, String> {
    let (named, settings) = (named.to_owned(), work.settings.clone());
    let look = move || {
        let Some(root) = root_directory(&named) else { return Ok(None) };
        let site = site(Some(&root), &settings)?;
        let is_old = chroot_client::client(&site, &settings)? == (Client::Copy { is_current: false });
        Ok(is_old.then_some(site))
    };
    let silence = || format!("it has not answered for {} s, so it is left as it is", LOOK.as_secs());
    answer_of(look, LOOK, work.processes).ok_or_else(silence)?
}

/// None where nothing came of it.
fn renewed(site: &Site, work: &mut Work) -> Result<Option<Answer>, String> {
    work.recover(site)?;
    let mut plan = Plan::new(site);
    chroot_client::plan(&mut plan, site, work.settings)?;
    let done = work.carry_out(plan, &[])?;
    Ok((!matches!(done, Done::Nothing)).then(|| done.told(site, work.consent, &[], ("", ""))))
}
