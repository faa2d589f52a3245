//! The stories of `distcc-arch hosts`: which hosts are in force and where that is written; adding and removing some
//! there. Knows nothing of whether a host answers.

use crate::build_user::BuildUser;
use crate::carry_out::{Work, answer, lines};
use crate::cli::Probe;
use crate::commands::discover::{self, Discover};
use crate::commands::probe;
use crate::consent::Consent;
use crate::settings::Settings;
use crate::setup::distribution::reader_of;
use crate::setup::host_edit;
use crate::setup::host_source::{self, HostSource, Place};
use crate::setup::host_table;
use crate::setup::host_words::{Form, with, without};
use crate::setup::last_word::Bash;
use crate::setup::layers::Reader;
use crate::setup::wanted_hosts;
use crate::site::{inside, site};
use crate::{Answer, Exit};
use changes::{Plan, Site};
use clap::{Args, Subcommand};
use hosts::HostList;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What is asked of the list.
#[derive(Debug, Subcommand)]
pub(crate) enum Hosts {
    /// Show the list in force, and where it is written
    List {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        of: Which,
    },
    /// Ask hosts of the list what they are good for
    ///
    /// One line for each host: its address, whether its port is open and its daemon serves us, whether a real compile
    /// gives the same object as here, and the times of both. Below, what each daemon of distcc-arch tells of itself: its
    /// slots, what it can, and the targets and versions that it compiles for; and what is wrong and the command that mends
    /// it.
    #[command(
        after_help = "Exit status: 0 when all is well, 1 when there are warnings, 2 when a host cannot be used."
    )]
    Probe(Probe),
    /// Look who announces itself on the local network
    ///
    /// One line for each daemon that was started with --zeroconf: its machine, how a list of hosts spells it, what it says
    /// of itself, and whether its compiler is the one of here, which is what +zeroconf in a list of hosts asks for.
    #[command(
        after_help = "Exit status: 0 when somebody is there, 1 when nobody is, 2 when nobody can be heard."
    )]
    Discover(Discover),
    /// Add hosts where the list in force is written, or change their slots and options
    Add {
        /// As in DISTCC_HOSTS, such as 192.168.0.2/5,lzo
        #[arg(value_name = "SPEC", required = true)]
        specs: Vec<String>,
        #[command(flatten)]
        of: Which,
        #[command(flatten)]
        consent: Consent,
    },
    /// Remove hosts where the list in force is written
    Remove {
        /// Name or address, with :PORT if there are several
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
        #[command(flatten)]
        of: Which,
        #[command(flatten)]
        consent: Consent,
    },
}

/// Whose list.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The file that makepkg is told with --config FILE, instead of /etc/makepkg.conf
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Look at the system below DIR, such as a chroot
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

/// Does what is asked.
pub(crate) fn run(asked: &Hosts, settings: &Settings, notes: &mut dyn Write) -> Answer {
    let only_look = Consent { dry_run: true, yes: false };
    match asked {
        Hosts::Probe(asked) => probe::run(asked, settings),
        Hosts::Discover(asked) => discover::run(asked, settings),
        Hosts::List { json, of } => answer(only_look, settings, notes, |work| list(*json, of, work)),
        Hosts::Add { specs, of, consent } => answer(*consent, settings, notes, |work| {
            let added = wanted_hosts::wanted(specs, "hosts add")?;
            if added.zeroconf.is_some() {
                return Err(
                    "hosts add: +zeroconf is no host: distcc-arch setup --hosts \"+zeroconf\" --jobs N"
                        .to_owned(),
                );
            }
            change(of, work, |source| Ok(with(&source.text, &added.hosts, form(source))))
        }),
        Hosts::Remove { names, of, consent } => answer(*consent, settings, notes, |work| {
            change(of, work, |source| {
                without(&source.text, names)
                    .map_err(|name| format!("{}: there is no host {name}", source.place))
            })
        }),
    }
}

fn list(json: bool, of: &Which, work: &mut Work) -> Result<Answer, String> {
    let site = site(of.root.as_deref(), work.settings)?;
    let source = of.source(&site, work)?;
    let list = HostList::parse(source.text.as_bytes(), &source.place.to_string());
    let text = if json { host_table::json(&source, &list) } else { host_table::text(&source, &list) };
    let exit = Exit::Code(u8::from(!list.warnings.is_empty()));
    Ok(Answer { text, complaint: lines(&list.warnings), exit })
}

fn change(
    of: &Which,
    work: &mut Work,
    edit: impl FnOnce(&HostSource) -> Result<String, String>,
) -> Result<Answer, String> {
    let site = site(of.root.as_deref(), work.settings)?;
    work.recover(&site)?;
    let source = of.source(&site, work)?;
    let new = edit(&source)?;
    let left = HostList::parse(new.as_bytes(), "");
    if left.hosts.is_empty() && left.zeroconf.is_none() {
        return Err(format!(
            "{}: no host would be left; to compile here only: distcc-arch undo",
            source.place
        ));
    }
    let mut plan = Plan::new(&site);
    let user = of.user(&site, work)?;
    let bash = Bash::find(&reader_of(user.as_ref()), work.settings, work.processes)?;
    let warnings = host_edit::plan(&mut plan, &site, &source, &new, &bash)?;
    let done = work.carry_out(plan, &warnings)?;
    let root = of.root.as_ref().map_or(String::new(), |root| format!(" --root {}", root.display()));
    let next = format!("next: distcc-arch check{root}\n");
    Ok(done.told(&site, work.consent, &warnings, ("the list is so already", &next)))
}

impl Which {
    fn user(&self, site: &Site, work: &Work) -> Result<Option<BuildUser>, String> {
        BuildUser::find(None, Path::new("."), &site.root, work.settings)
    }

    fn source(&self, site: &Site, work: &Work) -> Result<HostSource, String> {
        let conf = match &self.config {
            Some(typed) => inside(site, typed)?,
            None => "/etc/makepkg.conf".into(),
        };
        let user = self.user(site, work)?;
        let reader = Reader { conf: &conf, named: self.config.is_some(), user: user.as_ref() };
        let bash = Bash::find(&reader_of(user.as_ref()), work.settings, work.processes)?;
        host_source::find(&reader, site, work.settings, &bash)?.ok_or_else(|| {
            "there is no list of hosts yet: sudo distcc-arch setup --hosts \"192.168.0.2/5,lzo 192.168.0.3\"".to_owned()
        })
    }
}

fn form(source: &HostSource) -> Form {
    if matches!(source.place, Place::List { .. }) { Form::Lines } else { Form::Variable }
}
