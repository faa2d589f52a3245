//! Makes or takes back one change of each kind: the program that tests kill in the middle and lie to about the disk.
//!
//! `change-scene (apply | undo) DIRECTORY`: the root and the journal of [`kinds`] are in the directory. Exits with 1 and
//! a line on standard error after a failure.

use std::env;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use changes::{Journal, Site};

#[path = "../tests/system/kinds.rs"]
mod kinds;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [verb, directory] = arguments.as_slice() else { panic!("see the source for usage") };
    let root = Path::new(directory).join("root");
    let site = Site { journal: root.join("var/lib/journal"), root };
    let failed = match verb.as_str() {
        "apply" => apply(&site),
        "undo" => kinds::undo(&site).err(),
        _ => panic!("see the source for usage"),
    };
    match failed {
        None => ExitCode::SUCCESS,
        Some(failure) => {
            let _ = writeln!(io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}

fn apply(site: &Site) -> Option<changes::Failure> {
    let recovered = Journal::open(site).and_then(|mut journal| journal.recover(&mut kinds::perform));
    recovered.and_then(|_| kinds::every_kind(site).apply(&mut kinds::perform)).err()
}
