//! The story of `distcc-arch chroot renew`: chroots that were given this machine's client get the one of now. Knows nothing
//! of how that is told from others.

use crate::carry_out::{Done, Work, answer};
use crate::consent::Consent;
use crate::settings::Settings;
use crate::setup::chroot_client::{self, Client};
use crate::setup::chroots_here::roots;
use crate::site::site;
use crate::{Answer, Exit};
use changes::Plan;
use clap::Args;
use std::io::Write;
use std::path::Path;

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
        for root in roots(Path::new("/")) {
            match renewed(&root, work) {
                Ok(Some(one)) => {
                    all.text.push_str(&one.text);
                    all.complaint.push_str(&one.complaint);
                    if all.exit == Exit::Code(0) {
                        all.exit = one.exit;
                    }
                }
                Ok(None) => {}
                Err(why) => {
                    all.complaint.push_str(&format!("distcc-arch: {}: {why}\n", root.display()));
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

/// None where there is nothing to renew.
fn renewed(root: &Path, work: &mut Work) -> Result<Option<Answer>, String> {
    let site = site(Some(root), work.settings)?;
    if chroot_client::client(&site, work.settings)? != (Client::Copy { is_current: false }) {
        return Ok(None);
    }
    work.recover(&site)?;
    let mut plan = Plan::new(&site);
    chroot_client::plan(&mut plan, &site, work.settings)?;
    let done = work.carry_out(plan, &[])?;
    Ok((!matches!(done, Done::Nothing)).then(|| done.told(&site, work.consent, &[], ("", ""))))
}
