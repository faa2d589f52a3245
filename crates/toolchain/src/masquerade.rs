//! Which masquerade links are missing, and which of ours have lost their compiler. Knows nothing of how links are made.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::find::{Compilers, names_a_compiler};
use crate::listing::{Entry, Listing};
use crate::root::Root;

/// A directory of links that are named like compilers and lead to distcc.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Directory {
    /// As seen from inside the root.
    pub path: &'static str,
    /// What each of its links holds.
    pub target: &'static str,
    /// Whether it stands in the `PATH` of builds. There a link feigns a compiler, so one that nobody could run without
    /// distcc gets none.
    pub on_path: bool,
}

/// The one that permits a daemon to run a compiler, and the one that makepkg puts in front of `PATH`.
pub const DIRECTORIES: [Directory; 2] = [
    Directory { path: "/usr/lib/distcc", target: "../../bin/distcc", on_path: false },
    Directory { path: "/usr/lib/distcc/bin", target: "../../../bin/distcc", on_path: true },
];

/// A symbolic link to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// As seen from inside the root, e.g. /usr/lib/distcc/bin/gcc.
    pub path: PathBuf,
    /// What it is to hold, e.g. ../../../bin/distcc.
    pub target: PathBuf,
    /// What a link of that name holds now, which leads nowhere.
    pub replaces: Option<PathBuf>,
}

/// What there is to do in both directories. Paths are as seen from inside the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Directories to make, parents first; each of mode 0755.
    pub directories: Vec<PathBuf>,
    /// Links to make.
    pub add: Vec<Link>,
    /// Links to distcc to remove.
    pub remove: Vec<PathBuf>,
    /// Directories to remove after that if nothing is left in them, deepest first.
    pub vacate: Vec<PathBuf>,
    /// What has the name of a compiler and is no link to distcc; never touched.
    pub in_the_way: Vec<PathBuf>,
}

/// What could not be read or changed. What was done before stays done, and is right.
#[derive(Debug)]
pub struct Failure {
    /// Where, as seen from outside of the root.
    pub path: PathBuf,
    /// What the system said.
    pub error: io::Error,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.error)
    }
}

/// What would make both directories right for these compilers. A link to distcc goes when its name is that of a
/// compiler and no such program is left; links of other names (nvcc) are an administrator's.
///
/// # Errors
/// When a directory that exists cannot be read.
pub fn refresh(root: &Root, compilers: &Compilers) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    for directory in DIRECTORIES {
        let listing = read(root, directory, &compilers.directories)?;
        plan.refresh(&listing, &wanted(compilers, directory));
    }
    Ok(plan)
}

/// What would remove every link to distcc, whoever made it, and then what directories that leaves empty.
///
/// # Errors
/// When a directory that exists cannot be read.
pub fn removal(root: &Root) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    for directory in DIRECTORIES.into_iter().rev() {
        plan.clear(&read(root, directory, &BTreeSet::new())?);
    }
    Ok(plan)
}

impl Plan {
    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.directories.is_empty() && self.add.is_empty() && self.remove.is_empty() && self.vacate.is_empty()
    }

    fn refresh(&mut self, listing: &Listing, wanted: &BTreeSet<&str>) {
        let directory = Path::new(listing.directory.path);
        if !listing.exists && !wanted.is_empty() {
            self.directories.push(directory.to_owned());
        }
        for name in wanted {
            let path = directory.join(name);
            let target = PathBuf::from(listing.directory.target);
            match listing.entries.get(OsStr::new(name)) {
                None => self.add.push(Link { path, target, replaces: None }),
                Some(Entry::Dangling(old)) => {
                    self.add.push(Link { path, target, replaces: Some(old.clone()) });
                }
                Some(Entry::ToDistcc { .. }) => {}
                Some(Entry::Foreign) => self.in_the_way.push(path),
            }
        }
        let stale = |(name, entry): (&OsString, &Entry)| {
            let name = name.to_str().filter(|name| names_a_compiler(name) && !wanted.contains(name))?;
            (*entry == Entry::ToDistcc { justified: false }).then(|| directory.join(name))
        };
        self.remove.extend(listing.entries.iter().filter_map(stale));
    }

    fn clear(&mut self, listing: &Listing) {
        let directory = Path::new(listing.directory.path);
        let ours = listing.entries.iter().filter(|(_, entry)| matches!(entry, Entry::ToDistcc { .. }));
        self.remove.extend(ours.map(|(name, _)| directory.join(name)));
        if listing.exists {
            self.vacate.push(directory.to_owned());
        }
    }
}

fn wanted(compilers: &Compilers, directory: Directory) -> BTreeSet<&str> {
    let elsewhere = compilers.elsewhere.iter().filter(|_| !directory.on_path);
    let names = compilers.on_path.iter().chain(elsewhere.flat_map(|toolchain| &toolchain.names));
    names.map(String::as_str).collect()
}

fn read(root: &Root, directory: Directory, programs: &BTreeSet<PathBuf>) -> Result<Listing, Failure> {
    let failed = |error| Failure { path: root.outside(Path::new(directory.path)), error };
    Listing::read(root, directory, programs).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Entry::{Dangling, Foreign, ToDistcc};

    const LEFT: Entry = ToDistcc { justified: true };
    const GONE: Entry = ToDistcc { justified: false };

    /// Entries and wanted names, and what is to be done: `+` add, `~` replace, `-` remove, `?` in the way.
    #[track_caller]
    fn check(entries: &[(&str, Entry)], wanted: &[&str], expected: &str) {
        let entries = entries.iter().map(|(name, entry)| (OsString::from(name), entry.clone())).collect();
        let mut plan = Plan::default();
        plan.refresh(
            &Listing { directory: DIRECTORIES[1], exists: true, entries },
            &wanted.iter().copied().collect(),
        );
        let mut steps: Vec<String> = Vec::new();
        let name = |path: &Path| path.strip_prefix("/usr/lib/distcc/bin").unwrap().display().to_string();
        for link in &plan.add {
            assert_eq!(link.target, Path::new("../../../bin/distcc"));
            steps.push(format!("{}{}", if link.replaces.is_some() { '~' } else { '+' }, name(&link.path)));
        }
        steps.extend(plan.remove.iter().map(|path| format!("-{}", name(path))));
        steps.extend(plan.in_the_way.iter().map(|path| format!("?{}", name(path))));
        assert_eq!(steps.join(" "), expected);
        assert!(plan.directories.is_empty() && plan.vacate.is_empty());
    }

    #[test]
    fn what_is_missing_is_added_and_what_is_there_stays() {
        check(&[], &[], "");
        check(&[], &["gcc", "cc"], "+cc +gcc");
        check(&[("gcc", LEFT)], &["gcc"], "");
        // A compiler whose name changed hands between the two looks.
        check(&[("gcc", GONE)], &["gcc"], "");
    }

    #[test]
    fn stale_links_go() {
        check(&[("gcc-13", GONE), ("gcc-14", LEFT)], &["gcc-14"], "-gcc-13");
        check(&[("x86_64-pc-linux-gnu-gcc-13.2.1", GONE)], &[], "-x86_64-pc-linux-gnu-gcc-13.2.1");
    }

    #[test]
    fn what_is_not_ours_is_not_touched() {
        check(&[("nvcc", GONE), ("icc", LEFT), ("musl-gcc", LEFT), ("bin", Foreign)], &[], "");
        check(&[("gcc", Foreign), ("old-gcc", Foreign)], &["gcc"], "?gcc");
        check(&[("gcc", Dangling("../nowhere".into()))], &["gcc"], "~gcc");
        check(&[("gcc-9", Dangling("../nowhere".into()))], &["gcc"], "+gcc");
    }
}
