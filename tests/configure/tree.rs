//! A directory with all that is in it, to be compared with another. Knows nothing of what the files are for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use test_hosts::process::{clean, run};

use crate::project::Unsteady;

/// Files by their path in the tree.
pub(crate) struct Tree(BTreeMap<PathBuf, Vec<u8>>);

impl Tree {
    /// Makes `to` a copy of `from`, times included: make and configure look at them.
    #[track_caller]
    pub(crate) fn copy(from: &Path, to: &Path) {
        let mut copy = clean("cp");
        copy.arg("-a").arg(from).arg(to);
        run(copy).good();
    }

    /// All files below `root`; of those that are text, without the lines that are unsteady and as `plainly` gives them.
    pub(crate) fn read(root: &Path, unsteady: &[Unsteady], plainly: impl Fn(&str) -> String) -> Tree {
        let mut files = BTreeMap::new();
        let mut directories = vec![root.to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).expect("a directory of ours") {
                let path = entry.expect("a readable directory").path();
                let metadata = fs::symlink_metadata(&path).expect("a file that is there");
                if metadata.is_dir() {
                    directories.push(path);
                } else if metadata.is_file() {
                    let name = path.strip_prefix(root).expect("below the root").to_owned();
                    let content = fs::read(&path).expect("a file of ours");
                    if let Some(content) = steady(&name, content, unsteady, &plainly) {
                        files.insert(name, content);
                    }
                }
            }
        }
        Tree(files)
    }

    /// Whether a file whose path ends like this has this line.
    pub(crate) fn has(&self, (file, line): (&str, &str)) -> bool {
        let has =
            |content: &[u8]| String::from_utf8_lossy(content).lines().any(|found| found.starts_with(line));
        self.0.iter().any(|(path, content)| path.ends_with(file) && has(content))
    }

    /// Only what C sources include.
    pub(crate) fn headers(&self) -> Tree {
        let is_header = |path: &Path| path.extension().is_some_and(|extension| extension == "h");
        let headers = self.0.iter().filter(|(path, _)| is_header(path));
        Tree(headers.map(|(path, content)| (path.clone(), content.clone())).collect())
    }

    /// Each file that is not the same in both, with the first line that differs.
    pub(crate) fn differences(&self, other: &Tree) -> Vec<String> {
        let names = self.0.keys().chain(other.0.keys().filter(|name| !self.0.contains_key(*name)));
        names.filter_map(|name| difference(name, self.0.get(name), other.0.get(name))).collect()
    }
}

fn difference(name: &Path, expected: Option<&Vec<u8>>, got: Option<&Vec<u8>>) -> Option<String> {
    let name = name.display();
    let (Some(expected), Some(got)) = (expected, got) else {
        return Some(format!("{name}: there is one only {}", if got.is_none() { "without" } else { "with" }));
    };
    if expected == got {
        return None;
    }
    let [expected, got] = [expected, got].map(|text| String::from_utf8_lossy(text).into_owned());
    let first = expected.lines().zip(got.lines()).find(|(expected, got)| expected != got);
    Some(match first {
        Some((expected, got)) => format!("{name}: {expected:.300} | {got:.300}"),
        None => format!("{name}: one ends earlier"),
    })
}

fn steady(
    name: &Path,
    content: Vec<u8>,
    unsteady: &[Unsteady],
    plainly: impl Fn(&str) -> String,
) -> Option<Vec<u8>> {
    let path = name.to_string_lossy();
    let beginnings: Vec<&str> =
        unsteady.iter().filter(|(end, _)| path.ends_with(end)).map(|(_, beginning)| *beginning).collect();
    if beginnings.contains(&"") {
        return None;
    }
    let Ok(text) = std::str::from_utf8(&content) else { return Some(content) };
    let kept =
        text.split_inclusive('\n').filter(|line| !beginnings.iter().any(|start| line.starts_with(start)));
    Some(plainly(&kept.collect::<String>()).into_bytes())
}
