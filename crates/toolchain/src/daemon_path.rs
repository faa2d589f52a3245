//! The directories in which this machine's daemons are configured to look for compilers. Knows nothing of compilers.

use std::io;
use std::path::{Path, PathBuf};

use crate::root::Root;

/// Directories of daemons' environment files, and what the names of these begin with: Arch, with distccd-NAME for an
/// instance of its own, and Debian.
const CONFIGURATIONS: &[(&str, &str)] = &[("/etc/conf.d", "distccd"), ("/etc/default", "distcc")];

/// Every directory of every `PATH` that is set there, each once.
pub(crate) fn daemon_path(root: &Root) -> io::Result<Vec<PathBuf>> {
    let mut directories = Vec::new();
    for (directory, name) in CONFIGURATIONS {
        let directory = Path::new(directory);
        for file in root.names(directory)? {
            if file.to_str().is_some_and(|file| file.starts_with(name)) {
                let text = root.text(&directory.join(file))?.unwrap_or_default();
                for directory in path_of(&text) {
                    if !directories.contains(&directory) {
                        directories.push(directory);
                    }
                }
            }
        }
    }
    Ok(directories)
}

/// Assignments as systemd.exec(5) reads them from an EnvironmentFile; the last one counts.
fn path_of(text: &str) -> Vec<PathBuf> {
    let mut values = text.lines().filter_map(|line| line.trim().strip_prefix("PATH="));
    let value = values.next_back().unwrap_or_default().trim().trim_matches(['"', '\'']);
    value.split(':').filter(|directory| directory.starts_with('/')).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(path_of(text), expected.iter().map(PathBuf::from).collect::<Vec<_>>(), "{text}");
    }

    #[test]
    fn paths() {
        check("", &[]);
        check("DISTCC_ARGS=\"--jobs 4\"\n#PATH=/a\nXPATH=/b\n", &[]);
        check("PATH=/opt/x/bin:/usr/bin\n", &["/opt/x/bin", "/usr/bin"]);
        check("PATH=/a\r\n  PATH=\"/b:relative::/c\" \n", &["/b", "/c"]);
        check("PATH='/with space'\n", &["/with space"]);
    }
}
