//! Where `#include` and `__has_include` look, and what the current file is called. Knows no condition.

use crate::macros::Trouble;
use crate::not_covered::NotCovered;
use crate::number::{Characters, Value};
use crate::sight::{Answer, DirId, Found};
use crate::symbol::{
    BASE_FILE, COUNTER, DATE, FILE, FIRST_BUILTIN, INCLUDE_LEVEL, LAST_BUILTIN, LINE, PRAGMA, Symbol, TIME,
    TIMESTAMP,
};
use crate::table::Meaning;
use crate::token::{Kind, SPACE, Token};
use crate::walk::Walk;

/// Where a file was found: where `#include_next` goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// In this directory of the chain: `quote`, then `angle`.
    Chain(u32),
    /// Beside the file that includes it (gcc).
    Includer,
    /// The source, or an absolute name.
    Outside,
}

/// A found file and how it was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hit {
    pub(crate) found: Found,
    pub(crate) origin: Origin,
    pub(crate) beside_includer: bool,
}

/// A search that need not be done twice in a walk.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// From this place of the chain on.
    Chain(Symbol, u32),
    /// In this directory.
    Beside(Symbol, u32),
}

impl Walk<'_, '_> {
    /// The file that an include of this form reads.
    pub(crate) fn find(&mut self, next: bool, angle: bool, name: Symbol) -> Result<Option<Hit>, NotCovered> {
        let spelling = self.macros.symbols.spelling(name);
        let (origin, directory, level) =
            self.frames.last().map_or((Origin::Outside, self.sight.working_directory(), 0), |frame| {
                (frame.origin, frame.directory, frame.level)
            });
        if spelling.is_empty() {
            return Ok(None);
        }
        if spelling.starts_with(b"/") {
            let found = self.look(self.sight.working_directory(), spelling)?;
            return Ok(found.map(|found| Hit { found, origin: Origin::Outside, beside_includer: false }));
        }
        let angle_start = u32::try_from(self.task.search.quote.len()).unwrap_or(0);
        match origin {
            Origin::Chain(place) if next && level > 0 => return self.find_in_chain(name, place + 1),
            Origin::Includer if next && level > 0 => return self.find_in_chain(name, 0),
            _ if angle => return self.find_in_chain(name, angle_start),
            _ => {}
        }
        let key = Key::Beside(name, directory.0);
        if let Some(known) = self.lookups.get(&key) {
            if let Some(hit) = known {
                return Ok(Some(Hit { origin: self.origin_beside(origin), ..*hit }));
            }
            return self.find_in_chain(name, 0);
        }
        let found = self.look(directory, spelling)?;
        if let Some(found) = found.filter(|found| self.may_be_renamed(*found)) {
            let includer = self.file_macro().map_or(0, |file| self.macros.symbols.spelling(file).len());
            self.refuse_renamed(found, includer + spelling.len())?;
        }
        let hit = found.map(|found| Hit { found, origin: self.origin_beside(origin), beside_includer: true });
        self.lookups.insert(key, hit);
        if hit.is_some() { Ok(hit) } else { self.find_in_chain(name, 0) }
    }

    /// To clang a file lies for good where it was found first, under whatever name it is found later.
    fn look(&mut self, directory: DirId, name: &[u8]) -> Result<Option<Found>, NotCovered> {
        let found = self.sight.find(directory, name)?;
        if !self.clang {
            return Ok(found);
        }
        Ok(found.map(|Found { file, directory }| Found {
            file,
            directory: *self.homes.entry(file).or_insert(directory),
        }))
    }

    /// Whether it is a link to another directory, and gcc might follow it.
    fn may_be_renamed(&self, found: Found) -> bool {
        !self.clang
            && self.task.adds_to_the_system
            && self.sight.places.directory_of(found.file) != found.directory
    }

    /// In directories of the system gcc takes a header's canonical name where that is shorter than the `spelled` bytes of
    /// the other, and looks beside it.
    fn refuse_renamed(&self, found: Found, spelled: usize) -> Result<(), NotCovered> {
        let name = self.sight.places.file_name(found.file);
        if name.len() >= spelled {
            return Ok(());
        }
        let name = String::from_utf8_lossy(&name).into_owned();
        Err(NotCovered::new(
            "shorter-name",
            format!("gcc may call a link in a directory of the system {name}"),
        ))
    }

    /// clang goes on behind the includer's own directory of the chain, gcc at the chain's beginning.
    fn origin_beside(&self, includer: Origin) -> Origin {
        if self.clang { includer } else { Origin::Includer }
    }

    fn find_in_chain(&mut self, name: Symbol, start: u32) -> Result<Option<Hit>, NotCovered> {
        let key = Key::Chain(name, start);
        if let Some(known) = self.lookups.get(&key) {
            return Ok(*known);
        }
        let spelling = self.macros.symbols.spelling(name);
        let search = &self.task.search;
        let mut hit = None;
        for (place, directory) in (0..).zip(search.quote.iter().chain(&search.angle)).skip(start as usize) {
            if let Some(found) = self.look(directory.directory, spelling)? {
                if self.may_be_renamed(found) {
                    self.refuse_renamed(found, directory.spelling.len() + 1 + spelling.len())?;
                }
                hit = Some(Hit { found, origin: Origin::Chain(place), beside_includer: false });
                break;
            }
        }
        self.lookups.insert(key, hit);
        Ok(hit)
    }

    pub(crate) fn has_include(&mut self, next: bool, angle: bool, name: Symbol) -> Result<bool, NotCovered> {
        let hit = self.find(next, angle, name)?;
        self.probed.extend(hit.map(|hit| hit.found.file));
        Ok(hit.is_some())
    }

    /// The file named by `"..."`, or by `<` and all tokens up to `>`; nothing for anything else.
    pub(crate) fn header_name(&mut self, first: Token) -> Result<Option<(bool, Symbol)>, Trouble> {
        let symbols = self.macros.symbols;
        match first.kind {
            Kind::HeaderName => Ok(Some((true, first.symbol))),
            Kind::Text => {
                let name = symbols.spelling(first.symbol).strip_prefix(b"\"");
                let name = name.and_then(|name| name.strip_suffix(b"\""));
                Ok(name.map(|name| (false, symbols.intern(name))))
            }
            Kind::Less => {
                let mut name = Vec::new();
                loop {
                    let token = self.macros.next()?;
                    // gcc drops the blank before the bracket.
                    if token.has(SPACE) && (token.kind != Kind::Greater || self.clang) {
                        name.push(b' ');
                    }
                    match token.kind {
                        Kind::Greater => return Ok(Some((true, symbols.intern(&name)))),
                        Kind::End => return Ok(None),
                        _ if name.len() > 4096 => return Ok(None),
                        _ => {}
                    }
                    name.extend_from_slice(symbols.spelling(token.symbol));
                }
            }
            _ => Ok(None),
        }
    }

    /// Whether a name is a macro; nothing: it depends on a condition that is not known.
    pub(crate) fn is_defined(&mut self, name: Symbol) -> Result<Option<bool>, NotCovered> {
        match self.macros.table.get(name) {
            Meaning::Defined(_) => Ok(Some(true)),
            Meaning::Doubtful => Ok(None),
            Meaning::Undefined if (FIRST_BUILTIN..=LAST_BUILTIN).contains(&name) => {
                self.knows_builtin(name).map(Some)
            }
            Meaning::Undefined => self.may_be_builtin(name).map(Some),
        }
    }

    /// Whether this compiler has one of the macros without a definition.
    pub(crate) fn knows_builtin(&mut self, name: Symbol) -> Result<bool, NotCovered> {
        match name {
            FILE | BASE_FILE | LINE | INCLUDE_LEVEL | COUNTER | DATE | TIME | TIMESTAMP | PRAGMA => Ok(true),
            _ => self.sight.knows(&String::from_utf8_lossy(self.macros.symbols.spelling(name))),
        }
    }

    /// Whether a name that is no macro looks like a question that only newer compilers know, and this one does.
    pub(crate) fn may_be_builtin(&mut self, name: Symbol) -> Result<bool, NotCovered> {
        let spelling = self.macros.symbols.spelling(name);
        if !(spelling.starts_with(b"__has_") || spelling.starts_with(b"__is_")) {
            return Ok(false);
        }
        self.sight.knows(&String::from_utf8_lossy(spelling))
    }

    pub(crate) fn ask(&mut self, question: Symbol, argument: &[u8]) -> Result<Value, Trouble> {
        let question = String::from_utf8_lossy(self.macros.symbols.spelling(question));
        match self.sight.asks(&question, argument)? {
            Answer::Value(bits) => Ok(Value { bits, unsigned: false }),
            Answer::Unknown => Err(Trouble::Doubt("a question that the compiler could not be asked")),
        }
    }

    /// What `#elifdef` is to a compiler that does not know it cannot be said here.
    pub(crate) fn check_elifdef(&mut self) -> Result<(), NotCovered> {
        let (name, first) = if self.clang { (&b"__clang_major__"[..], 13) } else { (&b"__GNUC__"[..], 12) };
        let version = self.number_of(name);
        let strict = !self.clang
            && self.macros.table.get(self.macros.symbols.intern(b"__STRICT_ANSI__")) != Meaning::Undefined;
        match version {
            Some(version) if version >= first && (!strict || self.is_newest_standard()) => Ok(()),
            _ => Err(NotCovered::new("elifdef", "#elifdef with a compiler that may not know it")),
        }
    }

    /// C23 and C++23.
    fn is_newest_standard(&self) -> bool {
        self.number_of(b"__STDC_VERSION__").is_some_and(|version| version > 201_710)
            || self.number_of(b"__cplusplus").is_some_and(|version| version > 202_002)
    }

    /// Strict standards know no `, ## __VA_ARGS__`; clang asks that of C since C99 only.
    pub(crate) fn keeps_comma(&self) -> bool {
        let strict =
            self.macros.table.get(self.macros.symbols.intern(b"__STRICT_ANSI__")) != Meaning::Undefined;
        let since_c99 = self.number_of(b"__STDC_VERSION__").is_some_and(|version| version >= 199_901);
        strict && (!self.clang || since_c99)
    }

    /// The number that a macro's body is.
    fn number_of(&self, name: &[u8]) -> Option<u32> {
        let Meaning::Defined(place) = self.macros.table.get(self.macros.symbols.intern(name)) else {
            return None;
        };
        let file = &self.macros.files[place.file as usize];
        let body = file.definitions[place.index as usize].bytes(&file.bodies);
        std::str::from_utf8(body).ok()?.trim_end_matches('L').parse().ok()
    }

    pub(crate) fn characters(&self) -> Characters {
        let defined =
            |name: &[u8]| self.macros.table.get(self.macros.symbols.intern(name)) != Meaning::Undefined;
        Characters {
            unsigned_char: defined(b"__CHAR_UNSIGNED__"),
            unsigned_wide: defined(b"__WCHAR_UNSIGNED__"),
            unsigned_utf8: defined(b"__cpp_char8_t"),
        }
    }

    /// `__FILE__` of the file being read, with its quotes; nothing after `#line`.
    pub(crate) fn file_macro(&self) -> Option<Symbol> {
        let mut name: Vec<u8> = Vec::new();
        let mut directory_only = false;
        for frame in self.frames.iter().rev() {
            if frame.renumbered && !directory_only {
                return None;
            }
            let spelling = self.macros.symbols.spelling(frame.name);
            let kept = if directory_only { directory_of(spelling) } else { spelling };
            name.splice(0..0, kept.iter().copied());
            if let (Origin::Chain(place), false) = (frame.origin, frame.beside_includer) {
                prefix(&mut name, self.task.search.spelling(place));
            }
            if !frame.beside_includer {
                break;
            }
            directory_only = true;
        }
        Some(self.macros.symbols.intern(&quoted(&name)))
    }

    pub(crate) fn current_name(&self) -> String {
        let name = self.file_macro().map(|name| self.macros.symbols.spelling(name));
        String::from_utf8_lossy(name.unwrap_or(b"a file")).trim_matches('"').to_owned()
    }
}

/// A name as a string with its quotes.
pub(crate) fn quoted(name: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for byte in name {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    quoted
}

/// Up to and including the last slash.
fn directory_of(name: &[u8]) -> &[u8] {
    memchr::memrchr(b'/', name).map_or(&[], |slash| &name[..=slash])
}

fn prefix(name: &mut Vec<u8>, directory: &[u8]) {
    if directory.is_empty() {
        return;
    }
    if !directory.ends_with(b"/") {
        name.insert(0, b'/');
    }
    name.splice(0..0, directory.iter().copied());
}
