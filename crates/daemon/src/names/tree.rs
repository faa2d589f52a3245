//! Nodes of a tree by their components. Knows no rule for a single name, but that none passes through a link or a file
//! and that none takes another's place.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use super::is_marker;
use crate::store::{Key, key};
use crate::tree::Stamp;

const THROUGH_LINK: &str = "passes through a link";
const THROUGH_FILE: &str = "passes through a file";
const BELOW_SYSTEM: &str = "lies below a system directory, where the server has its own";
const TAKEN: &str = "is there already";
const TOO_MANY: &str = "is one too many";

/// What a node takes besides what it has, in bytes: its place among others, and its name.
const NODE_BYTES: usize = 200;

/// What a directory has, by its names.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(crate) entries: BTreeMap<OsString, Named>,
}

/// A node, and whether it is on disk.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) node: Node,
    pub(crate) there: bool,
}

/// What has a name.
#[derive(Debug)]
pub(crate) enum Node {
    Directory(Directory),
    File(ClientFile),
    /// A symbolic link with this text.
    Link(OsString),
    /// The server's own directory of that name.
    System,
}

/// A file by its key.
#[derive(Debug)]
pub(crate) struct ClientFile {
    pub(crate) key: Key,
    /// As it came, until all of the tree is on disk.
    pub(crate) body: Vec<u8>,
    /// What was made of it, where it is no link into the store.
    pub(crate) stamp: Option<Stamp>,
}

/// How many nodes may yet be made.
pub(super) type Room = usize;

impl Directory {
    /// A file, or a directory if this is its marker. The last of several with one name is the one.
    pub(super) fn file(
        &mut self,
        path: &[OsString],
        body: Vec<u8>,
        room: &mut Room,
    ) -> Result<(), &'static str> {
        let Some((name, parents)) = path.split_last() else { return Err(TAKEN) };
        let parent = match self.descend(parents, room) {
            // It says that the directory exists, as it does on the server.
            Err(BELOW_SYSTEM) if is_marker(name, &body) => return Ok(()),
            other => other?,
        };
        if is_marker(name, &body) {
            return Ok(());
        }
        match parent.entries.get(name).map(|named| &named.node) {
            None | Some(Node::File(_)) => {}
            Some(Node::Directory(_)) => return Err("is a directory already"),
            Some(Node::Link(_)) => return Err("is a link already"),
            Some(Node::System) => return Err("is a system directory"),
        }
        let file = ClientFile { key: key(path, &body), body, stamp: None };
        parent.put(name, Node::File(file), room)
    }

    /// A link with this text.
    pub(super) fn link(
        &mut self,
        path: &[OsString],
        text: OsString,
        room: &mut Room,
    ) -> Result<(), &'static str> {
        let Some((name, parents)) = path.split_last() else { return Err(TAKEN) };
        let parent = self.descend(parents, room)?;
        if parent.entries.contains_key(name) {
            return Err(TAKEN);
        }
        parent.put(name, Node::Link(text), room)
    }

    /// A system directory. One below another is the server's anyway.
    pub(super) fn system(&mut self, path: &[OsString], room: &mut Room) -> Result<(), &'static str> {
        let Some((name, parents)) = path.split_last() else { return Err(TAKEN) };
        let parent = match self.descend(parents, room) {
            Err(BELOW_SYSTEM) => return Ok(()),
            other => other?,
        };
        match parent.entries.get(name).map(|named| &named.node) {
            None | Some(Node::System) => {}
            Some(Node::Directory(directory)) if !directory.has_files() => {}
            Some(_) => return Err(TAKEN),
        }
        parent.put(name, Node::System, room)
    }

    /// A directory with all that it lies in.
    pub(super) fn directory(&mut self, path: &[OsString], room: &mut Room) -> Result<(), &'static str> {
        match self.descend(path, room) {
            Ok(_) | Err(BELOW_SYSTEM) => Ok(()),
            Err(wrong) => Err(wrong),
        }
    }

    /// The directory of that path, made if it is missing.
    fn descend(&mut self, path: &[OsString], room: &mut Room) -> Result<&mut Directory, &'static str> {
        let mut here = self;
        for name in path {
            if !here.entries.contains_key(name) {
                here.put(name, Node::Directory(Directory::default()), room)?;
            }
            here = match here.entries.get_mut(name).map(|named| &mut named.node) {
                Some(Node::Directory(directory)) => directory,
                Some(Node::Link(_)) => return Err(THROUGH_LINK),
                Some(Node::System) => return Err(BELOW_SYSTEM),
                _ => return Err(THROUGH_FILE),
            };
        }
        Ok(here)
    }

    fn put(&mut self, name: &OsString, node: Node, room: &mut Room) -> Result<(), &'static str> {
        *room = room.checked_sub(1).ok_or(TOO_MANY)?;
        self.entries.insert(name.clone(), Named { node, there: false });
        Ok(())
    }

    /// How many components of `path` lead to its first link, that one included, and the link's text.
    pub(super) fn first_link(&self, path: &[OsString]) -> Option<(usize, PathBuf)> {
        let mut here = self;
        for (at, name) in path.iter().enumerate() {
            match &here.entries.get(name)?.node {
                Node::Directory(directory) => here = directory,
                Node::Link(text) => return Some((at + 1, PathBuf::from(text))),
                Node::File(_) | Node::System => return None,
            }
        }
        None
    }

    pub(super) fn has_files_below(&self, path: &[OsString]) -> bool {
        let Some((name, rest)) = path.split_first() else { return self.has_files() };
        match self.entries.get(name).map(|named| &named.node) {
            Some(Node::Directory(directory)) => directory.has_files_below(rest),
            Some(Node::File(_) | Node::Link(_)) => true,
            Some(Node::System) | None => false,
        }
    }

    fn has_files(&self) -> bool {
        self.entries.values().any(|named| match &named.node {
            Node::Directory(directory) => directory.has_files(),
            Node::File(_) | Node::Link(_) => true,
            Node::System => false,
        })
    }

    /// Adds all system directories to `found`; `here` is this one's path.
    pub(super) fn list_system(&self, here: &mut PathBuf, found: &mut Vec<PathBuf>) {
        for (name, named) in &self.entries {
            here.push(name);
            match &named.node {
                Node::System => found.push(here.clone()),
                Node::Directory(directory) => directory.list_system(here, found),
                Node::File(_) | Node::Link(_) => {}
            }
            here.pop();
        }
    }

    /// How many bytes all of it takes with the files as they came, and how many the largest of them.
    pub(super) fn holds(&self) -> (usize, usize) {
        self.entries.values().fold((0, 0), |(all, largest), named| {
            let (more, one) = match &named.node {
                Node::Directory(directory) => directory.holds(),
                Node::File(file) => (file.body.len(), file.body.len()),
                Node::Link(_) | Node::System => (0, 0),
            };
            (all + NODE_BYTES + more, largest.max(one))
        })
    }

    /// Calls `visit` with every node of it and below.
    pub(crate) fn visit(&mut self, visit: &mut impl FnMut(&mut Named)) {
        for named in self.entries.values_mut() {
            visit(named);
            if let Node::Directory(directory) = &mut named.node {
                directory.visit(visit);
            }
        }
    }
}
