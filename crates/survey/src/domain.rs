//! The DNS domain of this machine. Knows nothing of what it is appended to.

use crate::settings::Settings;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// What follows the first dot of this machine's name: as the environment has it, else the kernel, else the resolver.
/// None when none of them knows it, or not within `limit`.
pub(crate) fn of_this_machine(settings: &Settings, limit: Option<Duration>) -> Option<String> {
    let named = [&settings.host, &settings.hostname].into_iter().flatten().find_map(|name| domain(name));
    named.or_else(|| {
        let own = nix::unistd::gethostname().ok()?.into_string().ok()?;
        domain(&own).or_else(|| canonical(own, limit).and_then(|name| domain(&name)))
    })
}

fn domain(name: &str) -> Option<String> {
    name.split_once('.').map(|(_, domain)| domain.to_owned()).filter(|domain| !domain.is_empty())
}

/// The full name of a host. std cannot ask the resolver for it, and getent is a part of the C library.
fn canonical(name: String, limit: Option<Duration>) -> Option<String> {
    let (tell, told) = channel();
    let ask = move || {
        let asked = Command::new("getent").arg("hosts").arg(name).stdin(Stdio::null()).output();
        let _ = tell.send(asked.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()));
    };
    thread::Builder::new().spawn(ask).ok()?;
    let said = match limit {
        Some(limit) => told.recv_timeout(limit).ok()?,
        None => told.recv().ok()?,
    };
    full_name(&said.ok()?)
}

/// `127.0.1.1 red.example.org red`: an address, the canonical name, other names.
fn full_name(said: &str) -> Option<String> {
    said.split_whitespace().skip(1).find(|name| name.contains('.')).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_environment_comes_first() {
        let check = |host: Option<&str>, hostname: Option<&str>, expected: &str| {
            let settings = Settings { host: host.map(str::to_owned), hostname: hostname.map(str::to_owned) };
            assert_eq!(of_this_machine(&settings, None).as_deref(), Some(expected), "{settings:?}");
        };
        check(Some("red.example.org"), Some("red.other"), "example.org");
        check(Some("red"), Some("red.other"), "other");
        check(None, Some("red.other"), "other");
    }

    #[test]
    fn answers_of_the_resolver() {
        for (said, expected) in [
            ("127.0.1.1       red.example.org red\n", Some("red.example.org")),
            ("127.0.1.1 red red.example.org\n", Some("red.example.org")),
            ("127.0.1.1 red\n", None),
            ("", None),
        ] {
            assert_eq!(full_name(said).as_deref(), expected, "{said:?}");
        }
        assert_eq!(domain("red."), None);
    }

    proptest! {
        #[test]
        fn any_answer(said in "[a-z0-9. \n]{0,40}") {
            prop_assert!(full_name(&said).is_none_or(|name| said.contains(&name) && name.contains('.')));
        }
    }
}
