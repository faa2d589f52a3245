//! The C and C++ sources below a directory of the user's. Compiles nothing.

use crate::demo::source::{Language, Source};
use std::fs;
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct SourceTree {
    /// Sorted by path.
    pub(crate) sources: Vec<Source>,
    /// Directories that cannot be read, each with the reason.
    pub(crate) unreadable: Vec<String>,
}

/// Looks at `top` and all below it but hidden directories and links to directories. Each source gets the two usual
/// places of a project's headers: `top` and `top/include`.
///
/// # Errors
/// One line that tells why `top` cannot be used.
pub(crate) fn below(top: &Path) -> Result<SourceTree, String> {
    let unusable = |error| format!("cannot look for sources below {}: {error}", top.display());
    let top = fs::canonicalize(top).map_err(unusable)?;
    // So that the one directory that was named is an error, and those below it only a remark.
    fs::read_dir(&top).map_err(unusable)?;
    let mut tree = SourceTree::default();
    let mut folders = vec![top.clone()];
    while let Some(folder) = folders.pop() {
        if let Err(error) = look_into(&folder, &top, &mut folders, &mut tree.sources) {
            tree.unreadable.push(format!("{}: {error}", folder.display()));
        }
    }
    tree.sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(tree)
}

fn look_into(
    folder: &Path,
    top: &Path,
    folders: &mut Vec<PathBuf>,
    sources: &mut Vec<Source>,
) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if kind.is_dir() && !hidden {
            folders.push(path);
        } else if let Some(language) = Language::of(&path).filter(|_| path.is_file()) {
            let shown = path.strip_prefix(top).unwrap_or(&path).display().to_string();
            let includes = vec![top.to_owned(), top.join("include")];
            sources.push(Source { path, shown, language, includes });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn sources_below_a_directory() {
        let top = tempfile::tempdir().unwrap();
        for folder in ["b/deep", ".git", "include", "folder.c"] {
            fs::create_dir_all(top.path().join(folder)).unwrap();
        }
        for file in ["z.c", "b/a.cc", "b/deep/x.C", ".git/no.c", "include/no.h", "no.s"] {
            fs::write(top.path().join(file), "").unwrap();
        }
        symlink("../b", top.path().join("b/circle")).unwrap();
        symlink("z.c", top.path().join("link.c")).unwrap();
        symlink("nowhere", top.path().join("dangling.c")).unwrap();
        let tree = below(top.path()).unwrap();
        let shown: Vec<&str> = tree.sources.iter().map(|source| source.shown.as_str()).collect();
        assert_eq!(shown, ["b/a.cc", "b/deep/x.C", "link.c", "z.c"]);
        assert!(tree.sources[0].includes[1].ends_with("include") && tree.unreadable.is_empty());
    }

    #[test]
    fn a_directory_that_is_not_there() {
        let error = below(Path::new("/nowhere/at/all")).unwrap_err();
        assert!(error.starts_with("cannot look for sources below /nowhere/at/all: "), "{error}");
    }
}
