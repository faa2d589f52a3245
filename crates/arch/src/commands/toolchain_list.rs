//! What `toolchain list` and `chroot list` show: what is named, its compilers, and whether the daemon can run them. Changes
//! nothing.

use crate::carry_out::{Work, answer};
use crate::check::toolchains::{Compilers, daemon_account, obstacles};
use crate::commands::toolchains::{Kind, Shown};
use crate::consent::Consent;
use crate::services::Services;
use crate::settings::Settings;
use crate::setup::chroot_daemon::ChrootDaemon;
use crate::site::site;
use crate::table::aligned;
use crate::{Answer, Exit};
use changes::{Plan, Site};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use toolchain::{Entry, Place};

/// One line of a list.
struct Row {
    name: String,
    place: PathBuf,
    target: Option<String>,
    compilers: Compilers,
    /// What keeps the daemon from running them.
    trouble: Option<String>,
    /// Of a daemon inside.
    port: Option<u16>,
}

/// Shows those of this kind.
pub(crate) fn run(kind: Kind, shown: &Shown, settings: &Settings, notes: &mut dyn Write) -> Answer {
    let only_look = Consent { dry_run: true, yes: false };
    answer(only_look, settings, notes, |work| {
        let site = site(None, work.settings)?;
        let entries = shown.file.find()?.entries(&Plan::new(&site))?;
        let of_kind = entries.iter().filter(|entry| Kind::of(entry) == kind);
        let mut rows: Vec<Row> = of_kind.map(|entry| named(entry, work)).collect();
        if kind == Kind::Chroot && shown.file.is_the_machines() {
            rows.extend(ChrootDaemon::all(&site).into_iter().map(|daemon| inside(daemon, &site, work)));
        }
        let text = if shown.json { in_json(&rows) } else { in_text(&rows, kind) };
        Ok(Answer { text, complaint: String::new(), exit: Exit::Code(0) })
    })
}

fn named(entry: &Entry, work: &Work) -> Row {
    let compilers = Compilers::of(&entry.place).unwrap_or_else(|_| Compilers::none(&entry.place));
    let account = daemon_account(work.processes);
    let found = account.iter().flat_map(|account| obstacles(&compilers, account, work.processes)).next();
    Row {
        name: entry.name.clone(),
        place: entry.place.path().to_owned(),
        target: entry.target.clone(),
        trouble: found.map(|found| format!("{}: {}", found.subject, found.what)),
        compilers,
        port: None,
    }
}

fn inside(daemon: ChrootDaemon, site: &Site, work: &Work) -> Row {
    let place = Place::Root(daemon.root.clone());
    let services = Services::running(work.settings, work.processes).map_err(str::to_owned);
    let state = services.and_then(|services| services.state(&daemon.unit()));
    let trouble = match state {
        Ok(state) if state.active => None,
        Ok(_) => Some(format!("its own daemon, {}, does not run", daemon.unit())),
        Err(why) => Some(why),
    };
    let compilers = Compilers::of(&place).unwrap_or_else(|_| Compilers::none(&place));
    let port = Some(daemon.served(site).port);
    Row { name: daemon.name, place: daemon.root, target: None, compilers, trouble, port }
}

impl Row {
    fn state(&self) -> String {
        match (&self.trouble, self.port) {
            (Some(trouble), _) => trouble.clone(),
            (None, Some(port)) => format!("its own daemon listens on port {port}"),
            (None, None) if self.compilers.names.is_empty() => "no compiler".to_owned(),
            (None, None) => "ready".to_owned(),
        }
    }
}

fn in_text(rows: &[Row], kind: Kind) -> String {
    if rows.is_empty() {
        let (what, how) = match kind {
            Kind::Toolchain => ("toolchain", "toolchain add NAME DIR"),
            Kind::Chroot => ("chroot", "chroot add NAME --root DIR"),
        };
        return format!("no {what} is named here; to name one: sudo distcc-arch {how}\n");
    }
    let heading = ["name", if kind == Kind::Chroot { "root" } else { "directory" }, "compilers", "state"];
    let cells = rows
        .iter()
        .map(|row| [row.name.clone(), row.place.display().to_string(), row.compilers.shown(), row.state()]);
    let table: Vec<_> = std::iter::once(heading.map(str::to_owned)).chain(cells).collect();
    aligned(&table, &[]).iter().map(|line| format!("{line}\n")).collect()
}

fn in_json(rows: &[Row]) -> String {
    let one = |row: &Row| -> Value {
        json!({"name": row.name, "place": row.place, "target": row.target, "port": row.port,
            "compilers": row.compilers.names, "trouble": row.trouble})
    };
    format!("{:#}\n", json!(rows.iter().map(one).collect::<Vec<_>>()))
}
