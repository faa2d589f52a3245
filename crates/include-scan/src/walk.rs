//! One translation unit, walked as the compiler would read it. Knows no disk: it asks the job's [`Sight`].

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::command_line::as_directives;
use crate::directive::{Directive, Directives, How, Tokens};
use crate::doubt::{Doubt, Once};
use crate::expression::truth;
use crate::lookup::{Hit, Key, Origin};
use crate::macros::{Here, Macros, Trouble};
use crate::not_covered::NotCovered;
use crate::sight::{DirId, FileId, Found, Sight};
use crate::symbol::{FIRST_BUILTIN, LAST_BUILTIN, Symbol, Symbols};
use crate::table::{Meaning, Place, Table};
use crate::task::Task;

/// The memory of a walk, worth keeping for the next one: the table of macros needs no clearing.
#[derive(Default)]
pub struct Scratch {
    table: Table,
}

impl Scratch {
    /// About how many bytes of memory this takes.
    pub fn memory(&self) -> usize {
        self.table.memory()
    }
}

/// Walks a unit; afterwards `sight` has found every file that the compiler would read or probe for.
///
/// # Errors
/// Something was met that the scanner cannot promise to see as the compiler does.
pub fn walk(
    task: &Task,
    symbols: &Symbols,
    sight: &mut Sight<'_>,
    scratch: &mut Scratch,
) -> Result<(), NotCovered> {
    scratch.table.begin();
    let mut walk = Walk {
        task,
        macros: Macros::new(symbols, &mut scratch.table),
        sight,
        frames: Vec::new(),
        loaded: Vec::new(),
        once: Vec::new(),
        once_contents: FxHashMap::default(),
        doubts: Vec::new(),
        once_log: Vec::new(),
        doubted: false,
        lookups: FxHashMap::default(),
        probed: Vec::new(),
        homes: FxHashMap::default(),
        includes: 0,
        clang: false,
    };
    walk.run_text(task.predefined.clone())?;
    walk.clang = walk.macros.table.get(symbols.intern(b"__clang__")) != Meaning::Undefined;
    walk.macros.keeps_comma = walk.keeps_comma();
    let words = as_directives(&task.macros, task.dialect, symbols);
    if let Some(reason) = words.alarms.reason(task.dialect) {
        return Err(reason);
    }
    walk.run_text(Arc::new(words))?;
    for name in task.imacros.iter().chain(&task.include) {
        walk.run_command_file(name)?;
    }
    walk.run_source()
}

/// The state of one walk.
pub(crate) struct Walk<'w, 's> {
    pub(crate) task: &'w Task,
    pub(crate) macros: Macros<'w>,
    pub(crate) sight: &'w mut Sight<'s>,
    pub(crate) frames: Vec<Frame>,
    /// By file: its place among the walk's files.
    pub(crate) loaded: Vec<Option<u32>>,
    /// By file: whether it is read no second time.
    pub(crate) once: Vec<Once>,
    pub(crate) once_contents: FxHashMap<u64, FileId>,
    pub(crate) doubts: Vec<Doubt>,
    /// Files that became [`Once::Yes`] in an open doubt.
    pub(crate) once_log: Vec<FileId>,
    pub(crate) doubted: bool,
    pub(crate) lookups: FxHashMap<Key, Option<Hit>>,
    /// Files that `__has_include` found.
    pub(crate) probed: Vec<FileId>,
    /// Where clang found each file first.
    pub(crate) homes: FxHashMap<FileId, DirId>,
    pub(crate) includes: u32,
    pub(crate) clang: bool,
}

/// What a condition says.
pub(crate) struct Verdict {
    /// Nothing: not known.
    pub(crate) is_read: Option<bool>,
    /// Where the next group begins.
    pub(crate) next: usize,
}

/// A file being read.
pub(crate) struct Frame {
    /// Its place among the walk's files.
    pub(crate) file: u32,
    /// Its own number; nothing for what is no file.
    pub(crate) id: Option<FileId>,
    /// The directive to go on with.
    at: usize,
    /// Where its own `"..."` are looked for first.
    pub(crate) directory: DirId,
    pub(crate) origin: Origin,
    /// As the directive or the command spells it.
    pub(crate) name: Symbol,
    /// `__FILE__` begins with the includer's directory instead of a search directory.
    pub(crate) beside_includer: bool,
    /// 0 for the source.
    pub(crate) level: u32,
    /// After `#line`.
    pub(crate) renumbered: bool,
}

impl Walk<'_, '_> {
    /// Macros that stand in no file.
    fn run_text(&mut self, directives: Arc<Directives>) -> Result<(), NotCovered> {
        let file = self.add(directives);
        let directory = self.sight.working_directory();
        self.run(Frame::root(file, None, directory, crate::symbol::EMPTY, 1))
    }

    /// An operand of `-include` or `-imacros`: looked for as if the working directory included it.
    fn run_command_file(&mut self, name: &[u8]) -> Result<(), NotCovered> {
        let name = self.macros.symbols.intern(name);
        let directory = self.sight.working_directory();
        let nowhere = self.add(Arc::new(Directives::parse(b"", self.task.dialect, self.macros.symbols)));
        self.frames.push(Frame::root(nowhere, None, directory, crate::symbol::EMPTY, 0));
        self.include(How::Include, false, name)?;
        self.walk_frames()
    }

    fn run_source(&mut self) -> Result<(), NotCovered> {
        let directory = self.sight.working_directory();
        let Some(Found { file, directory }) = self.sight.find(directory, &self.task.source)? else {
            let name = String::from_utf8_lossy(&self.task.source).into_owned();
            return Err(NotCovered::new("no-source", format!("{name} is no file")));
        };
        self.homes.insert(file, directory);
        let name = self.macros.symbols.intern(&self.task.source);
        let place = self.load(file)?;
        self.run(Frame::root(place, Some(file), directory, name, 0))
    }

    pub(crate) fn add(&mut self, directives: Arc<Directives>) -> u32 {
        self.macros.files.push(directives);
        u32::try_from(self.macros.files.len() - 1).expect("includes are limited")
    }

    fn run(&mut self, frame: Frame) -> Result<(), NotCovered> {
        self.frames.push(frame);
        self.walk_frames()
    }

    fn walk_frames(&mut self) -> Result<(), NotCovered> {
        while let Some(frame) = self.frames.last() {
            let place = frame.file;
            let mut at = frame.at;
            let depth = self.frames.len();
            let file = self.macros.files[place as usize].clone();
            while self.frames.len() == depth {
                match file.list.get(at) {
                    Some(directive) => at = self.step(&file, place, at, *directive)?,
                    None if self.closes_doubt(at) => at = self.close_branch(&file, at)?,
                    None => {
                        self.frames.pop();
                    }
                }
            }
            // What was entered is read first; this file goes on behind it.
            if self.frames.len() > depth {
                self.frames[depth - 1].at = at;
            }
        }
        Ok(())
    }

    /// Obeys one directive; gives the place of the next one.
    fn step(
        &mut self,
        file: &Directives,
        place: u32,
        at: usize,
        directive: Directive,
    ) -> Result<usize, NotCovered> {
        match directive {
            Directive::If { .. } | Directive::IfDefined { .. } => return self.choose(file, at),
            Directive::Elif { .. }
            | Directive::ElifDefined { .. }
            | Directive::Else { .. }
            | Directive::Endif => {
                if matches!(directive, Directive::ElifDefined { .. }) {
                    self.check_elifdef()?;
                }
                return if self.closes_doubt(at) {
                    self.close_branch(file, at)
                } else {
                    Ok(behind(file, at))
                };
            }
            Directive::Define(index) => {
                let name = file.definitions[index as usize].name;
                self.macros.table.set(name, Meaning::Defined(Place { file: place, index }));
            }
            Directive::Undefine(name) => self.undefine(name)?,
            Directive::Include { how, angle, name } => self.include(how, angle, name)?,
            Directive::IncludeComputed { how, tokens } => {
                self.include_computed(how, tokens, file.lines[at])?;
            }
            Directive::Once => self.mark_once(),
            Directive::Push(name) | Directive::Pop(name) => {
                if !self.doubts.is_empty() {
                    return Err(NotCovered::new(
                        "doubtful",
                        "push_macro under a condition that is not known",
                    ));
                }
                match directive {
                    Directive::Push(_) => self.macros.table.push(name),
                    _ => self.macros.table.pop(name),
                }
            }
            Directive::Line => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.renumbered = true;
                }
            }
            Directive::Error if self.doubts.is_empty() => {
                return Err(NotCovered::new("error-directive", format!("#error in {}", self.current_name())));
            }
            Directive::Error => {}
            Directive::Broken(what) => {
                return Err(NotCovered::new("directive", format!("{what} in {}", self.current_name())));
            }
        }
        Ok(at + 1)
    }

    /// From a conditional's directive to the first one of the group that is read.
    pub(crate) fn choose(&mut self, file: &Directives, mut at: usize) -> Result<usize, NotCovered> {
        loop {
            let Some(Verdict { is_read, next }) = self.verdict(file, at)? else { return Ok(at + 1) };
            match is_read {
                Some(true) => return Ok(at + 1),
                Some(false) => at = next,
                None => {
                    self.doubted = true;
                    self.open_doubt(next);
                    return Ok(at + 1);
                }
            }
        }
    }

    /// What is known of the group that begins here; nothing for `#else`, `#endif` and the end of the file.
    pub(crate) fn verdict(&mut self, file: &Directives, at: usize) -> Result<Option<Verdict>, NotCovered> {
        let (is_read, next) = match file.list.get(at).copied() {
            Some(Directive::If { condition, next } | Directive::Elif { condition, next }) => {
                (self.condition(condition, file.lines[at])?, next)
            }
            Some(Directive::IfDefined { name, negated, next }) => {
                (self.is_defined(name)?.map(|defined| defined != negated), next)
            }
            Some(Directive::ElifDefined { name, negated, next }) => {
                self.check_elifdef()?;
                (self.is_defined(name)?.map(|defined| defined != negated), next)
            }
            _ => return Ok(None),
        };
        Ok(Some(Verdict { is_read, next: next as usize }))
    }

    fn condition(&mut self, tokens: Tokens, line: u32) -> Result<Option<bool>, NotCovered> {
        let (place, here) = self.here(line);
        self.macros.begin(place, tokens, here);
        match truth(self) {
            Ok(truth) => Ok(Some(truth)),
            Err(Trouble::Doubt(_)) => Ok(None),
            Err(Trouble::NotCovered(reason)) => Err(reason),
        }
    }

    pub(crate) fn here(&self, line: u32) -> (u32, Here) {
        let Some(frame) = self.frames.last() else { return (0, Here::default()) };
        let line = if frame.renumbered { 0 } else { line };
        let level = frame.level;
        (frame.file, Here { line, level, file: None, base_file: None })
    }

    fn undefine(&mut self, name: Symbol) -> Result<(), NotCovered> {
        let builtin = (FIRST_BUILTIN..=LAST_BUILTIN).contains(&name);
        if builtin && self.macros.table.get(name) == Meaning::Undefined {
            return Err(NotCovered::new("undefined-builtin", "#undef of a macro of the compiler's own"));
        }
        self.macros.table.set(name, Meaning::Undefined);
        Ok(())
    }
}

/// Behind the `#endif` of the group that ends here.
pub(crate) fn behind(file: &Directives, mut at: usize) -> usize {
    loop {
        match file.list.get(at) {
            Some(
                Directive::Elif { next, .. } | Directive::ElifDefined { next, .. } | Directive::Else { next },
            ) => at = *next as usize,
            _ => return at + 1,
        }
    }
}

impl Frame {
    pub(crate) fn root(file: u32, id: Option<FileId>, directory: DirId, name: Symbol, level: u32) -> Frame {
        Frame {
            file,
            id,
            at: 0,
            directory,
            origin: Origin::Outside,
            name,
            beside_includer: false,
            level,
            renumbered: false,
        }
    }
}

#[cfg(test)]
mod tests;
