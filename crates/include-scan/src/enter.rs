//! From `#include` to the file that is read next, or is not read again. Knows no condition.

use crate::directive::{How, Tokens};
use crate::doubt::Once;
use crate::lookup::{Hit, quoted};
use crate::macros::Trouble;
use crate::not_covered::NotCovered;
use crate::sight::FileId;
use crate::symbol::Symbol;
use crate::table::Meaning;
use crate::walk::{Frame, Walk};

/// What gcc allows by default.
const MOST_FRAMES: usize = 200;
const MOST_INCLUDES: u32 = 100_000;

impl Walk<'_, '_> {
    pub(crate) fn include_computed(&mut self, how: How, tokens: Tokens, line: u32) -> Result<(), NotCovered> {
        let (place, mut here) = self.here(line);
        here.file = self.file_macro();
        here.base_file = Some(self.macros.symbols.intern(&quoted(&self.task.source)));
        self.macros.begin(place, tokens, here);
        let named = self.macros.next().and_then(|token| self.header_name(token));
        match named {
            Ok(Some((angle, name))) => self.include(how, angle, name),
            Err(Trouble::NotCovered(reason)) => Err(reason),
            Ok(None) => Err(self.no_name("it names no file")),
            Err(Trouble::Doubt(why)) => Err(self.no_name(why)),
        }
    }

    fn no_name(&self, why: &str) -> NotCovered {
        NotCovered::new("computed-include", format!("a computed #include in {}: {why}", self.current_name()))
    }

    pub(crate) fn include(&mut self, how: How, angle: bool, name: Symbol) -> Result<(), NotCovered> {
        self.includes += 1;
        if self.includes > MOST_INCLUDES {
            return Err(NotCovered::new("too-much", "more than 100000 includes"));
        }
        match self.find(how == How::Next, angle, name)? {
            Some(hit) => self.enter(how, hit, name),
            None if self.doubts.is_empty() => {
                let name = String::from_utf8_lossy(self.macros.symbols.spelling(name)).into_owned();
                let sentence = format!("{name}, included by {}, is nowhere", self.current_name());
                Err(NotCovered::new("missing-include", sentence))
            }
            None => Ok(()),
        }
    }

    /// Begins to read a found file, unless it is one that is not read again.
    fn enter(&mut self, how: How, hit: Hit, name: Symbol) -> Result<(), NotCovered> {
        let file = hit.found.file;
        if self.once_of(file) == Once::Yes {
            return Ok(());
        }
        if how == How::Import && self.doubted {
            return Err(NotCovered::new("doubtful", "#import after a condition that is not known"));
        }
        let known = self.loaded.get(file.0 as usize).copied().flatten();
        let place = self.load(file)?;
        if how == How::Import {
            self.set_once(file, self.macros.files[place as usize].content);
            if known.is_some() {
                return Ok(());
            }
            self.check_probed(file, place)?;
            self.check_copies(file, place)?;
        }
        let guard = self.macros.files[place as usize].guard;
        if guard.is_some_and(|guard| matches!(self.macros.table.get(guard), Meaning::Defined(_))) {
            return Ok(());
        }
        if self.frames.len() >= MOST_FRAMES {
            return Err(NotCovered::new("too-deep", "includes are nested 200 deep"));
        }
        let level = self.frames.last().map_or(0, |frame| frame.level + 1);
        let Hit { found, origin, beside_includer } = hit;
        let mut frame = Frame::root(place, Some(file), found.directory, name, level);
        frame.origin = origin;
        frame.beside_includer = beside_includer;
        self.frames.push(frame);
        if self.once_of(file) == Once::Perhaps {
            self.open_doubt(self.macros.files[place as usize].list.len());
        }
        Ok(())
    }

    /// The file's place among the walk's files; its text is judged when it is met first.
    pub(crate) fn load(&mut self, file: FileId) -> Result<u32, NotCovered> {
        let index = file.0 as usize;
        if let Some(Some(place)) = self.loaded.get(index) {
            return Ok(*place);
        }
        let directives = self.sight.directives(file)?;
        if let Some(reason) = directives.alarms.reason(self.task.dialect) {
            return Err(reason);
        }
        if self.once_contents.get(&directives.content).is_some_and(|other| *other != file) {
            return Err(copies());
        }
        let place = self.add(directives);
        if index >= self.loaded.len() {
            self.loaded.resize(index + 1, None);
        }
        self.loaded[index] = Some(place);
        Ok(place)
    }

    /// gcc's `#import` passes over what `__has_include` has opened before, and over its copies.
    fn check_probed(&mut self, file: FileId, place: u32) -> Result<(), NotCovered> {
        let content = self.macros.files[place as usize].content;
        for probed in self.probed.iter().filter(|_| !self.clang) {
            if *probed == file || self.sight.directives(*probed)?.content == content {
                return Err(NotCovered::new("import", "#import of a file that __has_include found before"));
            }
        }
        Ok(())
    }

    /// Whether another file with the same text was read: gcc may take them for one, as their times are.
    fn check_copies(&self, file: FileId, place: u32) -> Result<(), NotCovered> {
        let content = self.macros.files[place as usize].content;
        let mut others = self.loaded.iter().enumerate().filter(|(id, _)| *id != file.0 as usize);
        let same = |place: &u32| self.macros.files[*place as usize].content == content;
        if others.any(|(_, other)| other.as_ref().is_some_and(same)) {
            return Err(copies());
        }
        Ok(())
    }

    pub(crate) fn mark_once(&mut self) {
        let Some(Frame { id: Some(id), file, level, .. }) = self.frames.last() else { return };
        // clang only warns of it in the source itself.
        if *level > 0 || !self.clang {
            self.set_once(*id, self.macros.files[*file as usize].content);
        }
    }

    fn set_once(&mut self, file: FileId, content: u64) {
        let index = file.0 as usize;
        if index >= self.once.len() {
            self.once.resize(index + 1, Once::No);
        }
        self.once[index] = Once::Yes;
        self.once_contents.insert(content, file);
        if !self.doubts.is_empty() {
            self.once_log.push(file);
        }
    }

    fn once_of(&self, file: FileId) -> Once {
        self.once.get(file.0 as usize).copied().unwrap_or(Once::No)
    }
}

fn copies() -> NotCovered {
    NotCovered::new("once-copies", "two equal files of which one is read only once: their times decide")
}
