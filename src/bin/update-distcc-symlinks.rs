//! Makes distcc's links follow the compilers that are installed, and names these. Takes no options: distcc-arch
//! masquerade has some.

use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use toolchain::{Compilers, Root, find, refresh};

const USAGE: &str = "Usage: update-distcc-symlinks
Links the names of all installed compilers to distcc, in /usr/lib/distcc and /usr/lib/distcc/bin,
and prints them. `distcc-arch masquerade --help' tells of more.
";

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let outcome = match words.first().and_then(|word| word.to_str()) {
        None if words.is_empty() => update().map(|compilers| names(&compilers)),
        Some("--help") => Ok(USAGE.to_owned()),
        Some("--version") => Ok(format!("update-distcc-symlinks {}\n", env!("CARGO_PKG_VERSION"))),
        _ => Err("takes no options; for those see distcc-arch masquerade --help".to_owned()),
    };
    match outcome {
        Ok(text) => {
            // A closed pipe is not worth a message.
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(complaint) => {
            eprintln!("update-distcc-symlinks: {complaint}");
            ExitCode::FAILURE
        }
    }
}

fn update() -> Result<Compilers, String> {
    let root = Root::open(Path::new("/")).map_err(|error| format!("/: {error}"))?;
    if !root.is_program(Path::new("/usr/bin/distcc")).is_ok_and(|there| there) {
        return Err("there is no /usr/bin/distcc, and links to it would lead nowhere".to_owned());
    }
    let compilers = find(&root).map_err(|error| format!("cannot look for compilers: {error}"))?;
    let changed = refresh(&root, &compilers).and_then(|plan| plan.apply(&root));
    changed.map(|()| compilers).map_err(|failure| match failure.error.kind() {
        ErrorKind::PermissionDenied => {
            format!("cannot change {failure}; to try again as root: sudo update-distcc-symlinks")
        }
        _ => failure.to_string(),
    })
}

fn names(compilers: &Compilers) -> String {
    let elsewhere = compilers.elsewhere.iter().flat_map(|toolchain| &toolchain.names);
    let names: std::collections::BTreeSet<_> = compilers.on_path.iter().chain(elsewhere).collect();
    names.iter().map(|name| format!("{name}\n")).collect()
}
