//! Whether make starts as many compilers as the hosts have slots. Knows nothing of whether they answer.

use crate::check::{Finding, Situation};
use crate::makepkg::Origin;
use makepkg_conf::{Jobs, MakeFlags};

/// `makeflags`: `-j` fits the sum of all slots.
pub(super) fn makeflags(situation: &Situation) -> Vec<Finding> {
    const NAME: &str = "makeflags";
    let (Ok(configured), Ok(hosts)) = (&situation.configured, &situation.hosts) else {
        return vec![Finding::skipped(
            NAME,
            "MAKEFLAGS",
            "there is no configuration, or no host, to compare with",
        )];
    };
    let slots = hosts.hosts.iter().filter(|host| !host.down).map(|host| u64::from(host.slots)).sum();
    let value = configured.scalar("MAKEFLAGS");
    let origin = configured.origin("MAKEFLAGS");
    let shown = origin.map_or_else(|| "MAKEFLAGS".into(), ToString::to_string);
    let jobs = value.and_then(|value| MakeFlags::parse(value).jobs());
    match judge(jobs, slots, situation.settings.processors as u64) {
        Ok(what) => vec![Finding::well(NAME, shown, what)],
        Err(what) => {
            let counted = origin.and_then(|origin| counted_by_bash(situation, origin, value?, slots));
            let remedy = counted.unwrap_or_else(|| situation.setup_or_edit(origin, "MAKEFLAGS"));
            vec![Finding::warning(NAME, shown, what, remedy)]
        }
    }
}

/// The remedy for a line such as `MAKEFLAGS="-j$(nproc)"`, which `setup` refuses to touch.
fn counted_by_bash(situation: &Situation, origin: &Origin, value: &str, slots: u64) -> Option<String> {
    let text = origin.text()?;
    let written = text.split_once("MAKEFLAGS=")?.1.trim_end();
    let jobs = MakeFlags::parse(value).with_jobs(slots.try_into().ok()?);
    written
        .contains(['$', '`'])
        .then(|| situation.replace(&[(origin.clone(), written, &format!("\"{jobs}\""))]))
}

/// Up to twice the slots are usual advice, and what is preprocessed here takes a processor here.
fn judge(jobs: Option<Jobs>, slots: u64, processors: u64) -> Result<String, String> {
    match jobs {
        None => Err(format!("no -j in MAKEFLAGS: one compiler at a time, and {slots} slots")),
        Some(Jobs::Unlimited) => Err(format!("-j without a number starts everything at once; {slots} slots")),
        Some(Jobs::Limited(jobs)) if u64::from(jobs) < slots => {
            Err(format!("MAKEFLAGS has -j{jobs}, too low for {slots} slots"))
        }
        Some(Jobs::Limited(jobs)) if u64::from(jobs) > 2 * slots + processors => {
            Err(format!("MAKEFLAGS has -j{jobs}, far too high for {slots} slots"))
        }
        Some(Jobs::Limited(jobs)) => Ok(format!("MAKEFLAGS has -j{jobs} for {slots} slots")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_against_slots() {
        let check = |flags: &str, good| {
            let judged = judge(MakeFlags::parse(flags).jobs(), 11, 4);
            assert_eq!(judged.is_ok(), good, "{flags}: {judged:?}");
        };
        check("-j11", true);
        check("-j26 -O", true);
        check("-j10", false);
        check("-j27", false);
        check("-j", false);
        check("-O", false);
        check("", false);
    }
}
