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
        includes: 0,
        clang: false,
    };
    walk.run_text(task.predefined.clone())?;
    walk.clang = walk.macros.table.get(symbols.intern(b"__clang__")) != Meaning::Undefined;
    walk.run_text(Arc::new(as_directives(&task.macros, task.dialect, symbols)))?;
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
    loaded: Vec<Option<u32>>,
    /// By file: whether it is read no second time.
    pub(crate) once: Vec<Once>,
    once_contents: FxHashMap<u64, FileId>,
    pub(crate) doubts: Vec<Doubt>,
    /// Files that became [`Once::Yes`] in an open doubt.
    pub(crate) once_log: Vec<FileId>,
    doubted: bool,
    pub(crate) lookups: FxHashMap<Key, Option<Hit>>,
    includes: u32,
    pub(crate) clang: bool,
}

/// A file being read.
pub(crate) struct Frame {
    /// Its place among the walk's files.
    pub(crate) file: u32,
    /// Its own number; nothing for what is no file.
    id: Option<FileId>,
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

/// What gcc allows by default.
const MOST_FRAMES: usize = 200;
const MOST_INCLUDES: u32 = 100_000;

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
        let name = self.macros.symbols.intern(&self.task.source);
        let place = self.load(file)?;
        self.run(Frame::root(place, Some(file), directory, name, 0))
    }

    fn add(&mut self, directives: Arc<Directives>) -> u32 {
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
                self.include_computed(how, tokens, file.lines[at])?
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
            let Some((verdict, next)) = self.verdict(file, at)? else { return Ok(at + 1) };
            match verdict {
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

    /// Whether the group that begins here is read (nothing inside: not known), and where the next one begins;
    /// nothing at all for `#else`, `#endif` and the end of the file.
    #[allow(clippy::type_complexity, reason = "read in two places, right below and in doubt.rs")]
    pub(crate) fn verdict(
        &mut self,
        file: &Directives,
        at: usize,
    ) -> Result<Option<(Option<bool>, usize)>, NotCovered> {
        let (verdict, next) = match file.list.get(at).copied() {
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
        Ok(Some((verdict, next as usize)))
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

    fn here(&self, line: u32) -> (u32, Here) {
        let Some(frame) = self.frames.last() else { return (0, Here::default()) };
        let line = if frame.renumbered { 0 } else { line };
        let level = frame.level;
        (frame.file, Here { line, level, file: None })
    }

    fn undefine(&mut self, name: Symbol) -> Result<(), NotCovered> {
        let builtin = (FIRST_BUILTIN..=LAST_BUILTIN).contains(&name);
        if builtin && self.macros.table.get(name) == Meaning::Undefined {
            return Err(NotCovered::new("undefined-builtin", "#undef of a macro of the compiler's own"));
        }
        self.macros.table.set(name, Meaning::Undefined);
        Ok(())
    }

    fn include_computed(&mut self, how: How, tokens: Tokens, line: u32) -> Result<(), NotCovered> {
        let (place, mut here) = self.here(line);
        here.file = self.file_macro();
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

    fn include(&mut self, how: How, angle: bool, name: Symbol) -> Result<(), NotCovered> {
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
    fn load(&mut self, file: FileId) -> Result<u32, NotCovered> {
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

    fn mark_once(&mut self) {
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
    fn root(file: u32, id: Option<FileId>, directory: DirId, name: Symbol, level: u32) -> Frame {
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
