//! Which directories of the server a client may have in its tree as they are. Knows not what is in them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::view::Root;

/// Where distributions put what compilers find by themselves.
const PLACES: &[&str] = &["usr", "opt", "lib", "lib32", "lib64", "libx32"];

/// Whether `target` is what clients send for a system directory: it climbs to the root and further, and comes down to
/// the link's own name.
pub(super) fn is_own_name(path: &[OsString], target: &Path) -> bool {
    let mut rest = target.as_os_str().as_bytes();
    let mut climbed = 0;
    while let Some(behind) = rest.strip_prefix(b"../") {
        rest = behind;
        climbed += 1;
    }
    let own = path.join(OsStr::new("/"));
    !path.is_empty() && climbed >= path.len() - 1 && rest == own.as_bytes()
}

/// Whether this is where compilers have their headers, or where `compiler` in `root` may have its own.
pub(super) fn is_permitted(path: &[OsString], root: &Root, compiler: &Path) -> bool {
    let usual = path.len() > 1 && PLACES.iter().any(|place| path[0] == *place);
    usual || {
        let path = Path::new("/").join(path.iter().collect::<PathBuf>());
        let behind_links = root.behind_links(compiler).ok();
        let mut compilers = [Some(compiler), behind_links.as_deref()].into_iter().flatten();
        compilers.any(|compiler| prefix(compiler).is_some_and(|prefix| is_for_headers(&path, prefix)))
    }
}

/// Of a compiler installed elsewhere, in a `bin`.
fn prefix(compiler: &Path) -> Option<&Path> {
    let bin = compiler.parent()?;
    let prefix = bin.parent()?;
    (bin.file_name()? == "bin" && prefix.parent().is_some()).then_some(prefix)
}

/// A compiler's prefix may be somebody's home: only what is made for headers is meant.
fn is_for_headers(path: &Path, prefix: &Path) -> bool {
    let Ok(rest) = path.strip_prefix(prefix) else { return false };
    rest.components().any(|part| part.as_os_str().as_bytes().starts_with(b"include"))
}
