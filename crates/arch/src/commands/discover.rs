//! The story of `distcc-arch hosts discover`: who announces itself on the local network. Knows nothing of which hosts are
//! in force, and asks no daemon.

use crate::check::printable::printable;
use crate::processes::Processes;
use crate::settings::Settings;
use crate::table::aligned;
use crate::zeroconf::{compiler_of_here, look, spec};
use crate::{Answer, Exit};
use clap::Args;
use discovery::{Compiler, SERVICE_TYPE, Service};
use serde_json::json;
use std::num::NonZeroU32;
use std::time::Duration;

/// How to look and what to print.
#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    /// Look no longer than this; less when all who are there have answered
    #[arg(long, value_name = "SECONDS", default_value = "3")]
    timeout: NonZeroU32,
}

/// Looks round once; nothing is changed.
pub(crate) fn run(asked: &Discover, settings: &Settings) -> Answer {
    let processes = match Processes::watched() {
        Ok(processes) => processes,
        Err(error) => return Answer::refusal(&format!("cannot catch signals: {error}")),
    };
    let compiler = compiler_of_here(settings, &processes);
    let found = look(SERVICE_TYPE, Duration::from_secs(asked.timeout.get().into()), &processes);
    if let Some(signal) = processes.interrupted_by() {
        return Answer { text: String::new(), complaint: String::new(), exit: Exit::Signal(signal) };
    }
    match found {
        Err(why) => Answer::refusal(&format!("cannot look round: {}", printable(&why))),
        Ok(found) => answer(asked.json, &found, compiler.as_ref()),
    }
}

fn answer(as_json: bool, found: &[Service], here: Option<&Compiler>) -> Answer {
    let text = if as_json { json(found, here) } else { text(found, here) };
    let complaint = if found.is_empty() {
        "distcc-arch: nobody announces itself: start distccd with --zeroconf on machines in this network, and let UDP port \
         5353 pass\n"
    } else {
        ""
    };
    Answer { text, complaint: complaint.to_owned(), exit: Exit::Code(u8::from(found.is_empty())) }
}

fn text(found: &[Service], here: Option<&Compiler>) -> String {
    if found.is_empty() {
        return String::new();
    }
    let header = ["machine", "host", "cpus", "distcc", "compiler", "as here", "features"].map(str::to_owned);
    let rows: Vec<_> =
        std::iter::once(header).chain(found.iter().map(|service| row(service, here))).collect();
    aligned(&rows, &[2]).iter().map(|line| format!("{line}\n")).collect()
}

fn row(service: &Service, here: Option<&Compiler>) -> [String; 7] {
    let Service { machine, traits, .. } = service;
    let or_none = |text: Option<String>| text.map_or_else(|| "-".to_owned(), |text| printable(&text));
    let features: Vec<_> = traits.features.iter().map(|word| printable(word)).collect();
    [
        printable(machine.strip_suffix(".local").unwrap_or(machine)),
        spec(service),
        or_none(traits.cpus.map(|cpus| cpus.to_string())),
        or_none(traits.version.clone()),
        or_none(
            traits.compiler.as_ref().map(|compiler| format!("{} {}", compiler.machine, compiler.version)),
        ),
        if is_as_here(service, here) { "yes" } else { "no" }.to_owned(),
        features.join(","),
    ]
}

/// What +zeroconf takes: the compiler of the same version for the same target.
fn is_as_here(service: &Service, here: Option<&Compiler>) -> bool {
    here.is_some_and(|here| service.traits.compiler.as_ref() == Some(here))
}

fn json(found: &[Service], here: Option<&Compiler>) -> String {
    let hosts: Vec<_> = found
        .iter()
        .map(|service| {
            let Service { instance, machine, address, port, traits } = service;
            let compiler = traits.compiler.as_ref();
            json!({
                "instance": instance, "machine": machine, "address": address.to_string(), "port": port,
                "spec": spec(service), "jobs": traits.jobs, "cpus": traits.cpus, "version": traits.version,
                "cc_machine": compiler.map(|compiler| &compiler.machine),
                "cc_version": compiler.map(|compiler| &compiler.version),
                "as_here": is_as_here(service, here), "features": traits.features,
            })
        })
        .collect();
    format!("{:#}\n", json!({ "hosts": hosts }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use discovery::{Address, Traits};

    fn service(machine: &str, ip: &str, txt: &[&str]) -> Service {
        let address = Address::new(ip.parse().unwrap(), None).unwrap();
        let traits = Traits::parse(txt.iter().map(|string| string.as_bytes()));
        Service {
            instance: format!("distcc@{machine}"),
            machine: machine.into(),
            address,
            port: 3632,
            traits,
        }
    }

    #[test]
    fn columns_object_and_exit_codes() {
        let gcc = Compiler { version: "12".into(), machine: "m".into() };
        let txt = ["jobs=12", "cpus=10", "distcc=0.1.0", "cc_version=12", "cc_machine=m", "features=lzo"];
        let found = [service("red.local", "10.0.0.2", &txt), service("blu\u{202e}e", "fd00::3", &["jobs=2"])];
        let expected = "machine       host                  cpus  distcc  compiler  as here  features\n\
                        red           10.0.0.2:3632/12,lzo    10  0.1.0   m 12      yes      lzo\n\
                        blu\\u{202e}e  [fd00::3]:3632/2         -  -       -         no\n";
        assert_eq!(text(&found, Some(&gcc)), expected);
        let object: serde_json::Value = serde_json::from_str(&json(&found, Some(&gcc))).unwrap();
        assert_eq!(object["hosts"][0]["spec"], "10.0.0.2:3632/12,lzo");
        assert_eq!(
            (&object["hosts"][0]["as_here"], &object["hosts"][1]["as_here"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(answer(false, &found, None).exit, Exit::Code(0));
        let nobody = answer(false, &[], None);
        assert_eq!((nobody.exit, nobody.text.as_str()), (Exit::Code(1), ""));
        assert!(nobody.complaint.starts_with("distcc-arch: nobody announces itself: "));
    }
}
