//! Which files a program consists of once it is loaded: the program, its loader and its libraries, found as glibc's
//! loader finds them. Runs nothing, and knows nothing of compilers.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::linkage::Linkage;
use crate::loader_cache::{self, LoaderCache};
use crate::sight::Sight;

/// The loader of a root.
pub(crate) struct Loader {
    cache: LoaderCache,
    /// Where it looks first, for everybody.
    library_path: Vec<PathBuf>,
    /// Where it looks last.
    defaults: Vec<PathBuf>,
}

/// One file to be loaded.
struct Loaded {
    /// As it was found: `$ORIGIN` is its directory.
    path: PathBuf,
    linkage: Linkage,
    /// Where those that it was loaded for look for their libraries' libraries.
    inherited: Vec<PathBuf>,
}

/// Compilers have dozens.
const MOST_FILES: usize = 500;
const LARGEST_CACHE: u64 = 1 << 24;

impl Loader {
    /// `library_path` is the value of `LD_LIBRARY_PATH`.
    pub(crate) fn of(sight: &mut Sight, library_path: &OsStr) -> io::Result<Loader> {
        let cache = sight.bytes(Path::new(loader_cache::FILE), LARGEST_CACHE)?.unwrap_or_default();
        let library_path = std::env::split_paths(library_path).filter(|path| path.is_absolute()).collect();
        Ok(Loader { cache: LoaderCache::parse(&cache), library_path, defaults: defaults(sight)? })
    }

    /// All files of the ELF file at `program`, by paths that may be links; none when the loader would miss one, and
    /// when this is no ELF file.
    pub(crate) fn files(&self, sight: &mut Sight, program: &Path) -> io::Result<Option<BTreeSet<PathBuf>>> {
        let Some(seen) = sight.file(program)? else { return Ok(None) };
        let Some(linkage) = seen.linkage else { return Ok(None) };
        let mut files = BTreeSet::from([program.to_owned()]);
        if let Some(interpreter) = linkage.interpreter.clone() {
            if !interpreter.is_absolute() || sight.file(&interpreter)?.is_none() {
                return Ok(None);
            }
            files.insert(interpreter);
        }
        let mut waiting = vec![Loaded { path: seen.path, linkage, inherited: Vec::new() }];
        while let Some(loaded) = waiting.pop() {
            for name in &loaded.linkage.needed {
                let found = self.library(sight, &loaded, name)?;
                if found.is_empty() || files.len() > MOST_FILES {
                    return Ok(None);
                }
                waiting.extend(found.into_iter().filter(|library| files.insert(library.path.clone())));
            }
        }
        Ok(Some(files))
    }

    /// The library of that name which `loaded` gets; several when the processor decides.
    fn library(&self, sight: &mut Sight, loaded: &Loaded, name: &[u8]) -> io::Result<Vec<Loaded>> {
        let origin = loaded.path.parent().unwrap_or(Path::new("/"));
        let expanded = |texts: &[Vec<u8>]| -> Vec<PathBuf> {
            texts.iter().map(|text| expand(text, origin)).filter(|path| path.is_absolute()).collect()
        };
        let of_it = &loaded.linkage;
        let runpath = expanded(&of_it.runpath);
        let own = if runpath.is_empty() { expanded(&of_it.rpath) } else { Vec::new() };
        let inherited = [own, loaded.inherited.clone()].concat();
        let before = if runpath.is_empty() { &inherited[..] } else { &[] };
        if name.contains(&b'/') {
            return one(sight, &[expand(name, origin)], of_it, &inherited);
        }
        let name_in = |directory: &PathBuf| directory.join(OsStr::from_bytes(name));
        let first: Vec<PathBuf> =
            before.iter().chain(&self.library_path).chain(&runpath).map(name_in).collect();
        let found = one(sight, &first, of_it, &inherited)?;
        if !found.is_empty() {
            return Ok(found);
        }
        let mut found = Vec::new();
        for path in self.cache.files(name) {
            found.extend(one(sight, std::slice::from_ref(path), of_it, &inherited)?);
        }
        if found.is_empty() {
            let last: Vec<PathBuf> = self.defaults.iter().map(name_in).collect();
            found = one(sight, &last, of_it, &inherited)?;
        }
        Ok(found)
    }
}

/// The first of these paths at which there is a file for the same machine.
fn one(
    sight: &mut Sight,
    paths: &[PathBuf],
    wanted: &Linkage,
    inherited: &[PathBuf],
) -> io::Result<Vec<Loaded>> {
    for path in paths.iter().filter(|path| path.is_absolute()) {
        let linkage = sight.file(path)?.and_then(|seen| seen.linkage);
        if let Some(linkage) = linkage.filter(|linkage| linkage.machine == wanted.machine) {
            return Ok(vec![Loaded { path: path.clone(), linkage, inherited: inherited.to_vec() }]);
        }
    }
    Ok(Vec::new())
}

/// `$ORIGIN` is the directory of the file that says it.
fn expand(text: &[u8], origin: &Path) -> PathBuf {
    let origin = origin.as_os_str().as_bytes();
    let mut expanded = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'$', rest) {
        expanded.extend_from_slice(&rest[..at]);
        let word = [&b"$ORIGIN"[..], b"${ORIGIN}"].into_iter().find(|word| rest[at..].starts_with(word));
        expanded.extend_from_slice(if word.is_some() { origin } else { b"$" });
        rest = &rest[at + word.map_or(1, <[u8]>::len)..];
    }
    expanded.extend_from_slice(rest);
    PathBuf::from(OsString::from_vec(expanded))
}

/// Directories that are compiled into loaders: Debian's name a target.
fn defaults(sight: &Sight) -> io::Result<Vec<PathBuf>> {
    let lib = Path::new("/usr/lib");
    let of_targets =
        sight.root().names(lib)?.into_iter().filter(|name| {
            name.to_str().is_some_and(|name| name.contains("-linux-") && !name.ends_with(".so"))
        });
    let mut directories: Vec<PathBuf> = of_targets.map(|name| lib.join(name)).collect();
    directories
        .extend(["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/lib32", "/usr/lib32"].map(PathBuf::from));
    Ok(directories)
}
