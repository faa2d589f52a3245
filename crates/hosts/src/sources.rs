//! Where the host list comes from: the variable, the user's file, the machine's file; the first there is. Knows no grammar.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::host::Host;
use crate::host_list::HostList;

/// Why there is no host to send a job to; always exit code 106. Its text is that of distcc 3.4.
#[derive(Debug)]
pub enum ListError {
    /// The variable is not set and neither file can be read.
    NoList,
    /// A list was found, and no token of it names a host.
    Empty {
        /// `$DISTCC_HOSTS` or the file's path.
        source_name: String,
        /// As in [`HostList`].
        warnings: Vec<String>,
        /// As in [`HostList`]: a list without hosts may still settle it.
        local_slots: u32,
        /// As in [`HostList`].
        local_cpp_slots: u32,
    },
    /// The list asks for hosts that announce themselves, and there is none.
    Nobody {
        /// `$DISTCC_HOSTS` or the file's path.
        source_name: String,
        /// As in [`HostList`].
        warnings: Vec<String>,
    },
    /// A file is there but cannot be read; not that it may not be read, which passes it over.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What came of reading it.
        error: io::Error,
    },
    /// The file has more than 1 MiB.
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            ListError::NoList => write!(f, "no hostlist is set; can't distribute work"),
            ListError::Empty { source_name, .. } => {
                write!(f, "{source_name} contained no hosts; can't distribute work")
            }
            ListError::Nobody { source_name, .. } => write!(
                f,
                "{source_name} contained no hosts but +zeroconf, and no daemon with a compiler as here announces itself \
                 (distcc-arch hosts discover); can't distribute work"
            ),
            ListError::Unreadable { path, error } => write!(f, "failed to read {}: {error}", path.display()),
            ListError::TooLarge { path } => write!(f, "{} is too large to load (over 1 MiB)", path.display()),
        }
    }
}

impl std::error::Error for ListError {}

const LARGEST: u64 = 1 << 20;

/// The first list there is: `variable` (the value of DISTCC_HOSTS; set but empty is a list without hosts),
/// `distcc_dir/hosts`, `etc/distcc/hosts` (so `etc` is normally `/etc`).
///
/// # Errors
/// See [`ListError`]. A file that is there but bad ends the search.
pub fn load(variable: Option<&OsStr>, distcc_dir: Option<&Path>, etc: &Path) -> Result<HostList, ListError> {
    if let Some(text) = variable {
        return with_hosts(HostList::parse(text.as_bytes(), "$DISTCC_HOSTS"));
    }
    for path in distcc_dir.map(|dir| dir.join("hosts")).into_iter().chain([etc.join("distcc/hosts")]) {
        if let Some(text) = read(&path)? {
            return with_hosts(HostList::parse(&text, &path.to_string_lossy()));
        }
    }
    Err(ListError::NoList)
}

/// Puts `found` into a list that asks for hosts that announce themselves. `problem` is why none could be found.
///
/// # Errors
/// [`ListError::Nobody`] when there is no host even so.
pub fn complete(mut list: HostList, found: Result<Vec<Host>, String>) -> Result<HostList, ListError> {
    let found = found.unwrap_or_else(|problem| {
        list.warnings.push(format!("{}: ignoring \"+zeroconf\": {problem}", list.source_name));
        Vec::new()
    });
    let list = list.with_discovered(found);
    if !list.hosts.is_empty() {
        return Ok(list);
    }
    Err(ListError::Nobody { source_name: list.source_name, warnings: list.warnings })
}

fn with_hosts(list: HostList) -> Result<HostList, ListError> {
    if !list.hosts.is_empty() || list.zeroconf.is_some() {
        return Ok(list);
    }
    let HostList { source_name, warnings, local_slots, local_cpp_slots, .. } = list;
    Err(ListError::Empty { source_name, warnings, local_slots, local_cpp_slots })
}

/// None: the file is not there, or not for us.
fn read(path: &Path) -> Result<Option<Vec<u8>>, ListError> {
    let Ok(file) = File::open(path) else { return Ok(None) };
    let mut text = Vec::new();
    match file.take(LARGEST + 1).read_to_end(&mut text) {
        Err(error) => Err(ListError::Unreadable { path: path.to_owned(), error }),
        Ok(_) if text.len() as u64 > LARGEST => Err(ListError::TooLarge { path: path.to_owned() }),
        Ok(_) => Ok(Some(text)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Sources {
        variable: Option<&'static str>,
        user: Option<&'static str>,
        machine: Option<&'static str>,
    }

    /// Expects the hosts, or the error's text with the directories left out.
    #[track_caller]
    fn check(sources: &Sources, expected: Result<&str, &str>) {
        let (dir, etc) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(etc.path().join("distcc")).unwrap();
        for (path, text) in
            [(dir.path().join("hosts"), sources.user), (etc.path().join("distcc/hosts"), sources.machine)]
        {
            match text {
                None => {}
                Some("a directory") => fs::create_dir(path).unwrap(),
                Some(text) => fs::write(path, text).unwrap(),
            }
        }
        let found = load(sources.variable.map(OsStr::new), Some(dir.path()), etc.path());
        let found = found
            .map(|list| list.hosts.iter().map(|host| host.spec.clone()).collect::<Vec<_>>().join(" "))
            .map_err(|error| error.to_string().replace(&*dir.path().to_string_lossy(), "~"));
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn the_first_source_wins() {
        let all = Sources { variable: Some("red"), user: Some("green"), machine: Some("blue") };
        check(&all, Ok("red"));
        check(&Sources { variable: None, ..all }, Ok("green"));
        check(&Sources { variable: None, user: None, ..all }, Ok("blue"));
        let nothing = Err("no hostlist is set; can't distribute work");
        check(&Sources { variable: None, user: None, machine: None }, nothing);
        assert!(matches!(load(None, None, Path::new("/nonexistent")), Err(ListError::NoList)));
    }

    #[test]
    fn who_announces_itself_completes_a_list() {
        let list = |text: &str| HostList::parse(text.as_bytes(), "x");
        assert_eq!(
            load(Some(OsStr::new("+zeroconf")), None, Path::new("/nonexistent")).unwrap().zeroconf,
            Some(0)
        );
        let found = complete(list("red +zeroconf"), Ok(list("a b").hosts)).unwrap();
        assert_eq!((found.hosts.len(), found.warnings.len()), (3, 0));
        let found = complete(list("red +zeroconf"), Err("no bus".into())).unwrap();
        assert_eq!(
            (found.hosts.len(), found.warnings),
            (1, vec!["x: ignoring \"+zeroconf\": no bus".to_owned()])
        );
        let nobody = complete(list("+zeroconf"), Ok(Vec::new())).unwrap_err().to_string();
        assert!(nobody.starts_with("x contained no hosts but +zeroconf, "), "{nobody}");
    }

    #[test]
    fn a_bad_source_ends_the_search() {
        let all = Sources { variable: Some(""), user: Some(""), machine: Some("blue") };
        check(&all, Err("$DISTCC_HOSTS contained no hosts; can't distribute work"));
        check(
            &Sources { variable: Some("  @ "), ..all },
            Err("$DISTCC_HOSTS contained no hosts; can't distribute work"),
        );
        check(&Sources { variable: None, ..all }, Err("~/hosts contained no hosts; can't distribute work"));
        let directory = Sources { variable: None, user: Some("a directory"), ..all };
        check(&directory, Err("failed to read ~/hosts: Is a directory (os error 21)"));
    }

    #[test]
    fn a_file_ends_at_one_mebibyte() {
        for (extra, too_large) in [(0, false), (1, true)] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("hosts"), format!("red{}", " ".repeat((1 << 20) - 3 + extra))).unwrap();
            let found = load(None, Some(dir.path()), Path::new("/nonexistent"));
            assert_eq!(matches!(found, Err(ListError::TooLarge { .. })), too_large, "{found:?}");
        }
    }

    #[test]
    fn a_list_without_hosts_still_settles_local_slots() {
        let found = load(Some(OsStr::new("--localslots=9 red/0")), None, Path::new("/nonexistent"));
        let Err(ListError::Empty { warnings, local_slots, local_cpp_slots, .. }) = found else {
            panic!("{found:?}")
        };
        assert_eq!((warnings.len(), local_slots, local_cpp_slots), (1, 9, 8));
    }
}
