//! The files, links and directories of one client as a tree in memory, checked: what is in it can be made beneath any
//! root without leaving it. Knows no disk but the system directories of the compiler's root.

mod system;
mod tree;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use protocol::{Content, FileEntry, Limits, MARKER};

use crate::view::Root;
use tree::Room;
pub(crate) use tree::{ClientFile, Directory, Named, Node};

/// What Linux lets one component of a path have, in bytes.
const COMPONENT_BYTES: usize = 255;

/// What Linux lets the text of a link have, in bytes.
const TEXT_BYTES: usize = 4095;

/// The deepest that a name may lie: a step that makes or compares directories holds one descriptor for each level.
const DEPTH: usize = 100;

/// How many names there may be with the directories that they lie in. Tens of thousands are a whole project's.
const MOST: usize = 120_000;

/// How many links are followed to the working directory, as Linux does.
const FOLLOWED: usize = 40;

/// LZO1X makes no more than this of a byte.
const GREATEST_GROWTH: usize = 255;

/// One job's names.
#[derive(Debug)]
pub(crate) struct Names {
    root: Directory,
    /// The working directory, free of links.
    directory: PathBuf,
    system: Vec<PathBuf>,
    room: Room,
}

impl Names {
    /// Checks what a client sent that works in `directory` and wants `compiler`, which is the absolute path of one in
    /// `root`.
    ///
    /// # Errors
    /// Why it is refused.
    pub(crate) fn new(
        root: &Root,
        directory: &Path,
        entries: Vec<FileEntry>,
        compiler: &Path,
    ) -> Result<Names, String> {
        let mut names =
            Names { root: Directory::default(), directory: PathBuf::new(), system: Vec::new(), room: MOST };
        for FileEntry { name, content } in entries {
            let spelled = || name.as_os_str().as_bytes().escape_ascii().to_string();
            let result = components(&name).and_then(|path| match content {
                Content::File(body) => names.root.file(&path, body, &mut names.room),
                Content::Link(target) => names.link(&path, &target, (root, compiler)),
            });
            result.map_err(|wrong| format!("the name \"{}\" {wrong}", spelled()))?;
        }
        names.directory = names.work_in(directory).map_err(|wrong| {
            format!("the directory \"{}\" {wrong}", directory.as_os_str().as_bytes().escape_ascii())
        })?;
        names.root.list_system(&mut PathBuf::from("/"), &mut names.system);
        names.system.retain(|directory| root.has_directory(directory));
        Ok(names)
    }

    /// Where the client works: a directory in the tree, free of links.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The directories that are the server's own of the same name, as far as it has them.
    pub(crate) fn system_directories(&self) -> &[PathBuf] {
        &self.system
    }

    /// Whether the client has files or links below `directory`, or instead of it.
    pub(crate) fn has_files_below(&self, directory: &Path) -> bool {
        components(directory).is_ok_and(|path| self.root.has_files_below(&path))
    }

    /// Adds an empty directory, unless the client has something else there.
    pub(crate) fn add_directory(&mut self, path: &Path) -> bool {
        components(path).is_ok_and(|path| self.root.directory(&path, &mut self.room).is_ok())
    }

    /// Adds a link with an absolute `target`, unless the client has something else there.
    pub(crate) fn add_link(&mut self, path: &Path, target: &Path) -> bool {
        let add = |path: Vec<OsString>| {
            let text = beneath(&path, target)?;
            let there = self.root.first_link(&path) == Some((path.len(), PathBuf::from(&text)));
            if there { Ok(()) } else { self.root.link(&path, text, &mut self.room) }
        };
        components(path).and_then(add).is_ok()
    }

    /// Memory that it takes while its largest file is unpacked, at most, in bytes.
    pub(crate) fn will_hold(&self, limits: &Limits) -> usize {
        let (all, largest) = self.root.holds();
        all.saturating_add(largest.saturating_mul(GREATEST_GROWTH).min(limits.unpacked_bytes))
    }

    /// What is in it.
    pub(crate) fn into_root(self) -> Directory {
        self.root
    }

    fn link(
        &mut self,
        path: &[OsString],
        target: &Path,
        (root, compiler): (&Root, &Path),
    ) -> Result<(), &'static str> {
        if target.is_absolute() {
            return self.root.link(path, beneath(path, target)?, &mut self.room);
        }
        if !system::is_own_name(path, target) {
            return Err("is a link that leads out of the tree");
        }
        if !system::is_permitted(path, root, compiler) {
            return Err("is a link to what is no system directory of this server");
        }
        self.root.system(path, &mut self.room)
    }

    /// Follows the client's links to where it works, and makes that directory if it sent nothing there.
    fn work_in(&mut self, directory: &Path) -> Result<PathBuf, &'static str> {
        let mut path = components(directory)?;
        for _ in 0..FOLLOWED {
            match self.root.first_link(&path) {
                None => {
                    self.root.directory(&path, &mut self.room)?;
                    return Ok(Path::new("/").join(path.iter().collect::<PathBuf>()));
                }
                Some((depth, text)) => {
                    let mut followed = components(&Path::new("/").join(climbed(&text)))?;
                    followed.extend(path.drain(depth..));
                    path = followed;
                }
            }
        }
        Err("is a loop of links")
    }
}

/// The components of a canonical absolute path: none of `/`.
fn components(path: &Path) -> Result<Vec<OsString>, &'static str> {
    let bytes = path.as_os_str().as_bytes();
    let Some(rest) = bytes.strip_prefix(b"/") else { return Err("is not absolute") };
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    if bytes.contains(&0) {
        return Err("has a NUL byte");
    }
    let found: Vec<OsString> =
        rest.split(|byte| *byte == b'/').map(|part| OsString::from_vec(part.to_vec())).collect();
    if found.len() > DEPTH {
        return Err("lies too deep");
    }
    for part in &found {
        match part.as_bytes() {
            b"" | b"." | b".." => return Err("is not canonical"),
            long if long.len() > COMPONENT_BYTES => return Err("has a component that is too long"),
            _ => {}
        }
    }
    Ok(found)
}

/// The text of a link at `path` that leads to the absolute `target` in the same tree, wherever its root is.
fn beneath(path: &[OsString], target: &Path) -> Result<OsString, &'static str> {
    let mut text = PathBuf::from("../".repeat(path.len().saturating_sub(1)));
    for part in target.components() {
        match part {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(part) => text.push(part),
            Component::ParentDir | Component::Prefix(_) => {
                return Err("is a link that may lead out of the tree");
            }
        }
    }
    if text.as_os_str().is_empty() {
        text.push(".");
    }
    match text.as_os_str().len() {
        ..=TEXT_BYTES if !text.as_os_str().as_bytes().contains(&0) => Ok(text.into_os_string()),
        _ => Err("is a link whose target is too long"),
    }
}

/// The target of such a text, from the root.
fn climbed(text: &Path) -> PathBuf {
    text.components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

/// Whether this is the file that only says that its directory exists.
fn is_marker(name: &OsString, body: &[u8]) -> bool {
    body.is_empty() && name == MARKER
}
