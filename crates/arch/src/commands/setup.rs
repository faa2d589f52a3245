//! The story of `distcc-arch setup`: what was asked is planned part by part, shown, and done all or none. Knows nothing
//! of how a part is planned.

use crate::Answer;
use crate::build_user::BuildUser;
use crate::carry_out::{Work, answer};
use crate::consent::Consent;
use crate::firewall::{Firewall, Gate, in_force};
use crate::makepkg::reads_drop_ins;
use crate::services::Services;
use crate::settings::Settings;
use crate::setup::distribution::{Distribution, Target, reader_of};
use crate::setup::last_word::Bash;
use crate::setup::layers::{Reader, directory};
use crate::setup::makepkg_text::Wanted;
use crate::setup::server::{Served, Server};
use crate::setup::tmpfs_state::TmpfsState;
use crate::setup::{
    asked_slots, chroot_client, devtools, masquerade_links, ranges, ssh_sharing, wanted_hosts,
};
use crate::site::{inside, site};
use changes::{Action, Plan, Site};
use clap::{Args, value_parser};
use nix::unistd::geteuid;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What `setup` is asked for.
#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// Compile on these hosts, the strongest first: one as in DISTCC_HOSTS, or several in one word; a host without
    /// /SLOTS is asked how many it has
    #[arg(long, value_name = "SPEC", allow_hyphen_values = true, help_heading = "Builds of this machine")]
    hosts: Vec<String>,
    /// Run so many compilers at once [default: the slots of all hosts]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..), requires = "hosts", help_heading = "Builds of this machine")]
    jobs: Option<u32>,
    /// Write makepkg.conf.d/distcc.conf and leave makepkg.conf as it is (pacman 6.1 and later)
    #[arg(long, requires = "hosts", help_heading = "Builds of this machine")]
    drop_in: bool,
    /// Edit FILE, which makepkg is told with --config FILE, instead of /etc/makepkg.conf
    #[arg(long, value_name = "FILE", requires = "hosts", help_heading = "Builds of this machine")]
    config: Option<PathBuf>,
    /// Keep ~/.distcc of USER in memory, but for the list of hosts
    #[arg(long, value_name = "USER", help_heading = "Builds of this machine")]
    state_on_tmpfs: Option<String>,

    /// Compile for other machines: start distccd now and with the machine
    #[arg(long, help_heading = "Builds of other machines")]
    server: bool,
    /// Serve this address or network besides those in DISTCC_ARGS; the package's --allow-private gives way to it
    #[arg(long, value_name = "CIDR", requires = "server", help_heading = "Builds of other machines")]
    allow: Vec<String>,
    /// Listen on this TCP port
    #[arg(long, value_name = "N", value_parser = value_parser!(u16).range(1..), requires = "server", help_heading = "Builds of other machines")]
    port: Option<u16>,
    /// Let them through ufw or firewalld, whichever is in force
    #[arg(long, requires = "server", help_heading = "Builds of other machines")]
    open_firewall: bool,
    /// Write no messages less urgent: critical, error, warning, notice, info or debug
    #[arg(long, value_name = "LEVEL", requires = "server", help_heading = "Builds of other machines")]
    log_level: Option<String>,
    /// Write messages to FILE instead of the journal, such as /run/distccd/distccd.log, which is in memory
    #[arg(long, value_name = "FILE", requires = "server", help_heading = "Builds of other machines")]
    log_file: Option<PathBuf>,

    /// Change the system below DIR, such as a chroot, where nothing is started; without a distcc of its own it gets
    /// this machine's
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(flatten)]
    consent: Consent,
}

/// Sets up what `asked` for.
pub(crate) fn run(asked: &Setup, settings: &Settings, notes: &mut dyn Write) -> Answer {
    answer(asked.consent, settings, notes, |work| set_up(asked, work))
}

fn set_up(asked: &Setup, work: &mut Work) -> Result<Answer, String> {
    if asked.hosts.is_empty() && !asked.server && asked.state_on_tmpfs.is_none() {
        return Err("nothing to set up: name hosts that compile for you (--hosts \"192.168.0.2/5,lzo 192.168.0.3\"), \
                    or compile for others (--server)"
            .to_owned());
    }
    // What is wrong is told before anybody is waited for.
    asked.wanted(&asked.hosts)?;
    let server = asked.server()?;
    let site = site(asked.root.as_deref(), work.settings)?;
    work.recover(&site)?;
    let (words, told) = asked.slots(&site, work)?;
    let wanted = asked.wanted(&words)?;
    let mut plan = Plan::new(&site);
    let mut warnings = Vec::new();
    told.iter().for_each(|line| work.note(line));
    if let Some(wanted) = &wanted {
        warnings.extend(asked.distribute(wanted, &mut plan, &site, work)?);
        warnings.extend(ssh_sharing::advice(&wanted_hosts::wanted(&asked.hosts, "--hosts")?));
    }
    if let Some(user) = &asked.state_on_tmpfs {
        move_state(user, &mut plan, &site, work)?;
    }
    if let Some(server) = &server {
        let services = Services::find(&site, asked.root.is_some(), work.settings, work.processes)?;
        let served = server.plan(&mut plan, &site, &services)?;
        warnings.extend(server.warnings());
        if asked.open_firewall {
            warnings.extend(open_firewall(&served, &mut plan, &site, work)?);
        }
    }
    let done = work.carry_out(plan, &warnings)?;
    Ok(done.told(&site, asked.consent, &warnings, ("everything is set up so already", &next(asked))))
}

impl Setup {
    /// The hosts with as many slots as they say they have, and what there is to tell of that.
    fn slots(&self, site: &Site, work: &mut Work) -> Result<(Vec<String>, Vec<String>), String> {
        if !self.hosts.is_empty() {
            chroot_client::plan(&mut Plan::new(site), site, work.settings)?;
        }
        let hosts = asked_slots::asked(&self.hosts);
        if !hosts.is_empty() {
            work.note(&format!("asking {} how many slots there are", hosts.join(", ")));
        }
        Ok(asked_slots::filled_in(&self.hosts, work.processes))
    }

    fn wanted(&self, words: &[String]) -> Result<Option<Wanted>, String> {
        if words.is_empty() {
            return Ok(None);
        }
        let list = wanted_hosts::wanted(words, "--hosts")?;
        let jobs = wanted_hosts::jobs(&list, self.jobs, "--hosts")?;
        Ok(Some(Wanted { hosts: wanted_hosts::spelled(words), jobs: Some(jobs), enabled: true }))
    }

    fn server(&self) -> Result<Option<Server>, String> {
        if !self.server {
            return Ok(None);
        }
        let ranges = self.allow.iter().map(|typed| ranges::parse(typed)).collect::<Result<_, _>>()?;
        let (port, log_level, log_file) = (self.port, self.log_level.clone(), self.log_file.clone());
        Server { ranges, port, log_level, log_file }.checked().map(Some)
    }

    fn distribute(
        &self,
        wanted: &Wanted,
        plan: &mut Plan,
        site: &Site,
        work: &Work,
    ) -> Result<Vec<String>, String> {
        let conf = match &self.config {
            Some(typed) => inside(site, typed)?,
            None => "/etc/makepkg.conf".into(),
        };
        let user = BuildUser::find(None, Path::new("."), &site.root, work.settings)?;
        let reader = Reader { conf: &conf, named: self.config.is_some(), user: user.as_ref() };
        let mut warnings = Vec::new();
        let mut drop_in = self.drop_in || site.outside(&directory(&conf)).join("distcc.conf").exists();
        if self.config.is_none() && devtools::is_chroot(site) {
            let reads_them = reads_drop_ins(&site.root, work.settings);
            drop_in |= reads_them;
            warnings.extend(devtools::warnings(site, reads_them));
        }
        let bash = Bash::find(&reader_of(user.as_ref()), work.settings, work.processes)?;
        let target = Target { reader, drop_in };
        warnings.extend(Distribution { site, settings: work.settings, bash, target }.plan(plan, wanted)?);
        chroot_client::plan(plan, site, work.settings)?;
        warnings.extend(masquerade_links::plan(plan, site)?);
        Ok(warnings)
    }
}

fn move_state(name: &str, plan: &mut Plan, site: &Site, work: &Work) -> Result<(), String> {
    if !geteuid().is_root() {
        return Err(
            "--state-on-tmpfs: only root can tell systemd what to make at each start: use sudo".to_owned()
        );
    }
    let user = BuildUser::find(Some(name), Path::new("/"), &site.root, work.settings)?;
    let user = user.ok_or_else(|| format!("there is no user {name}"))?;
    TmpfsState::of(&user, site)?.plan(plan, site)
}

/// Plans what lets clients in; returns a warning where there is nothing that could be opened.
fn open_firewall(served: &Served, plan: &mut Plan, site: &Site, work: &Work) -> Result<Vec<String>, String> {
    let Some(firewall) = in_force(work.settings, work.processes, &site.root) else {
        return Ok(vec!["--open-firewall: no firewall is in force here".to_owned()]);
    };
    if matches!(firewall, Firewall::Nftables(_) | Firewall::Hidden(_)) {
        return match firewall.gate(served.port, &served.ranges) {
            Gate::Open => Ok(Vec::new()),
            _ => Err(format!(
                "--open-firewall: {} is not opened from here; type {}",
                firewall.name(),
                firewall.remedy(served.port, &served.ranges)
            )),
        };
    }
    for (run, undo) in firewall.open(served.port, &served.ranges) {
        plan.run(Action { shown: run.join(" "), run, undo });
    }
    Ok(Vec::new())
}

/// What to type after a change.
fn next(asked: &Setup) -> String {
    let option = |name: &str, value: &Option<PathBuf>| {
        value.as_ref().map_or(String::new(), |value| format!(" --{name} {}", value.display()))
    };
    let (root, config) = (option("root", &asked.root), option("config", &asked.config));
    format!("next: distcc-arch check{config}{root}\nto take it all back: distcc-arch undo{root}\n")
}
