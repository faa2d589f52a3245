//! Where a compiler is looked for that a job names, and in which order. Touches no disk.

use std::ffi::{OsStr, OsString};

use toolchain::{Entry, Place};

use super::offered::is_offered_name;
use crate::compiler::bare_name;
use crate::compiler_name::split;

/// One of those places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spot {
    /// None: the daemon's PATH.
    pub(super) place: Option<Place>,
    /// What it is called there.
    pub(super) name: OsString,
    /// What its target must be.
    pub(super) target: Option<String>,
}

/// The names by which a compiler is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// The one that is given.
    Exact,
    /// That, and what it is called where its target is native.
    Plain,
}

/// All that a job could mean by `name`, where `entries` are offered besides the PATH: what is called just so comes first,
/// and of such what is on the PATH.
pub(super) fn spots(name: &OsStr, names: Names, entries: &[Entry]) -> Vec<Spot> {
    let bare = bare_name(name);
    let on_path = |name: &OsStr, target: Option<&str>| Spot {
        place: None,
        name: name.to_owned(),
        target: target.map(str::to_owned),
    };
    let mut found = vec![on_path(name, None)];
    if is_offered_name(bare) {
        found.extend(entries.iter().map(|entry| offered(entry, bare, entry.target.as_deref())));
    }
    if let Some((target, plain)) = bare.to_str().and_then(split).filter(|_| names == Names::Plain) {
        let plain = OsStr::new(plain);
        found.push(on_path(plain, Some(target)));
        let fits = |entry: &&Entry| entry.target.as_ref().is_none_or(|only| only == target);
        found.extend(entries.iter().filter(fits).map(|entry| offered(entry, plain, Some(target))));
    }
    found
}

fn offered(entry: &Entry, name: &OsStr, target: Option<&str>) -> Spot {
    Spot { place: Some(entry.place.clone()), name: name.to_owned(), target: target.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order() {
        let entry = |path: &str, target: Option<&str>| Entry {
            name: "a".to_owned(),
            place: Place::Directory(path.into()),
            target: target.map(str::to_owned),
            line: 1,
        };
        let entries = [entry("/any", None), entry("/arm", Some("arm-a"))];
        let check = |name: &str, names: Names, expected: &[&str]| {
            let found = spots(OsStr::new(name), names, &entries).into_iter().map(|spot| {
                let place = spot.place.as_ref().map_or("", |place| place.path().to_str().unwrap());
                format!("{place} {} {}", spot.name.display(), spot.target.as_deref().unwrap_or("-"))
            });
            assert_eq!(found.collect::<Vec<_>>(), expected, "{name}");
        };
        check("gcc", Names::Plain, &[" gcc -", "/any gcc -", "/arm gcc arm-a"]);
        check("arm-a-gcc", Names::Exact, &[" arm-a-gcc -", "/any arm-a-gcc -", "/arm arm-a-gcc arm-a"]);
        check(
            "arm-a-gcc",
            Names::Plain,
            &[
                " arm-a-gcc -",
                "/any arm-a-gcc -",
                "/arm arm-a-gcc arm-a",
                " gcc arm-a",
                "/any gcc arm-a",
                "/arm gcc arm-a",
            ],
        );
        check(
            "/usr/bin/x-y-cc",
            Names::Plain,
            &[" /usr/bin/x-y-cc -", "/any x-y-cc -", "/arm x-y-cc arm-a", " cc x-y", "/any cc x-y"],
        );
        check("/opt/gcc", Names::Plain, &[" /opt/gcc -"]);
        check("../gcc", Names::Plain, &[" ../gcc -"]);
    }
}
