//! What compilers say about themselves: predefined macros, directories, and what they have; each asked once for a set of
//! words and again when the compiler or one of the directories has become another one. Judges no command.

#[cfg(test)]
mod tests;

use crate::command::Words;
use crate::dialect::Dialect;
use crate::dialects;
use crate::directive::Directives;
use crate::features::{Features, Questions};
use crate::memory::Memory;
use crate::not_covered::NotCovered;
use crate::predefined;
use crate::question::{Printed, Question};
use crate::search_list::SearchList;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// A compiler that takes longer for an empty file is no use.
const PATIENCE: Duration = Duration::from_secs(10);
/// A compiler that did not answer is left alone for as long, or all jobs of a build would wait for it in turn.
const SILENCE: Duration = Duration::from_secs(2);
/// More sets of words than any build has; then all are asked again.
const MOST_ANSWERS: usize = 512;
/// Directories in these are the command's own, as those after -I are.
const DIRECTORIES_FROM_ENVIRONMENT: [&str; 5] =
    ["CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "OBJC_INCLUDE_PATH", "OBJCPLUS_INCLUDE_PATH"];
/// With these a compiler writes files wherever it runs.
const OUTPUTS_FROM_ENVIRONMENT: [&str; 2] = ["DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES"];

/// All that was ever asked, shared by all jobs.
#[derive(Default)]
pub(crate) struct Compilers {
    answers: Mutex<HashMap<Key, Slot>>,
}

/// Filled by whoever asks first; the others wait.
type Slot = Arc<Mutex<Asked>>;

#[derive(Default)]
enum Asked {
    #[default]
    Never,
    Answered(Arc<Answer>),
    InVain(Instant, NotCovered),
}

/// What a command's compiler does with its words.
pub(crate) struct Setting {
    /// Where it looks for headers, with what the command adds.
    pub(crate) search: SearchList,
    /// What it says without the directories that the command adds or leaves out.
    pub(crate) own: Arc<Answer>,
    /// Whose macros hold: without the system's directories, libc's are not among them.
    pub(crate) macros: Arc<Answer>,
}

/// The answer to one set of words.
pub(crate) struct Answer {
    pub(crate) search: SearchList,
    /// As -dM prints them.
    predefined: Vec<u8>,
    pub(crate) dialect: Dialect,
    /// gcc includes a header of libc's by itself.
    pub(crate) is_clang: bool,
    /// Where the compiler is installed: `/usr` for `/usr/bin/gcc`, links followed.
    pub(crate) prefix: Option<PathBuf>,
    pub(crate) features: Features,
    /// For the memory whose spellings it uses.
    parsed: Mutex<Option<(Weak<Memory>, Arc<Directives>)>>,
    compiler: Option<Identity>,
    /// The directories of the list when the compiler looked.
    directories: Vec<(PathBuf, Option<Identity>)>,
}

/// What decides the answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) compiler: PathBuf,
    pub(crate) language: &'static str,
    pub(crate) words: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Where the compiler runs; `/` where that makes no difference.
    pub(crate) directory: PathBuf,
}

/// A file or directory that is still the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    /// Size and time of the last change, which say nothing of a directory.
    content: Option<(i64, i64, u64)>,
}

impl Compilers {
    /// Asks what is not known yet.
    pub(crate) fn setting(
        &self,
        words: &Words,
        directory: &Path,
        environment: &[(OsString, OsString)],
    ) -> Result<Setting, NotCovered> {
        let own = self.answer(Key::own(words, directory, environment))?;
        let adds_directories = !words.places.is_empty() || environment.iter().any(|(name, _)| adds(name));
        let whole = if adds_directories {
            self.answer(Key::whole(words, directory, environment))?
        } else {
            Arc::clone(&own)
        };
        let macros = Arc::clone(if words.leaves_out_the_system() { &whole } else { &own });
        Ok(Setting { search: whole.search.clone(), own, macros })
    }

    fn answer(&self, key: Key) -> Result<Arc<Answer>, NotCovered> {
        let slot = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if answers.len() > MOST_ANSWERS {
                answers.clear();
            }
            match answers.get(&key) {
                Some(slot) => Arc::clone(slot),
                None => Arc::clone(answers.entry(key.clone()).or_default()),
            }
        };
        // Whoever needs the same answer waits for it; nobody else does.
        let mut asked = slot.lock().unwrap_or_else(PoisonError::into_inner);
        match &*asked {
            Asked::Answered(known) if known.still_holds(&key.compiler) => return Ok(Arc::clone(known)),
            Asked::InVain(when, why) if when.elapsed() < SILENCE => return Err(why.clone()),
            _ => {}
        }
        let answer = Answer::ask(key).map(Arc::new);
        *asked = match &answer {
            Ok(answer) => Asked::Answered(Arc::clone(answer)),
            Err(why) => Asked::InVain(Instant::now(), why.clone()),
        };
        answer
    }
}

impl Key {
    /// Without the command's directories.
    fn own(words: &Words, directory: &Path, environment: &[(OsString, OsString)]) -> Key {
        let keeps = |name: &OsStr| !adds(name) && !writes(name);
        Key {
            compiler: words.compiler.clone(),
            language: words.language_name(),
            words: words.manner.clone(),
            environment: environment.iter().filter(|(name, _)| keeps(name)).cloned().collect(),
            directory: if words.depends_on_directory { directory.to_owned() } else { "/".into() },
        }
    }

    /// With them. A path in the environment may be relative, and an empty element is the working directory.
    fn whole(words: &Words, directory: &Path, environment: &[(OsString, OsString)]) -> Key {
        let is_here = |value: &OsStr| {
            let mut places = value.as_bytes().split(|b| *b == b':');
            !value.is_empty() && places.any(|place| !place.starts_with(b"/"))
        };
        let depends = words.depends_on_directory
            || environment.iter().any(|(name, value)| adds(name) && is_here(value));
        Key {
            words: words.manner.iter().chain(&words.places).cloned().collect(),
            environment: environment.iter().filter(|(name, _)| !writes(name)).cloned().collect(),
            directory: if depends { directory.to_owned() } else { "/".into() },
            ..Key::own(words, directory, environment)
        }
    }

    /// Runs the compiler on what its standard input holds.
    pub(crate) fn run(&self, words: &[&str], input: Vec<u8>) -> Result<Printed, NotCovered> {
        let mut all = self.words.clone();
        all.extend(["-x", self.language].map(OsString::from));
        all.extend(words.iter().map(OsString::from));
        let question = Question {
            compiler: &self.compiler,
            words: all,
            directory: &self.directory,
            environment: self.environment.clone(),
            input,
            patience: PATIENCE,
        };
        question.ask().map_err(|error| self.silent(&error.to_string()))
    }

    fn silent(&self, why: &str) -> NotCovered {
        let compiler = self.compiler.display();
        NotCovered::new(
            "compiler-is-silent",
            format!("{compiler} does not say where it looks for headers: {why}"),
        )
    }
}

impl Answer {
    fn ask(key: Key) -> Result<Answer, NotCovered> {
        let compiler = Identity::of_file(&key.compiler);
        // Everything in one run: starting a compiler is what costs.
        const ALL: [&str; 6] = ["-v", "-E", "-dD", "-P", "-w", "-"];
        let mut questions = Questions::ever_asked();
        let mut printed = key.run(&ALL, questions.text())?;
        if !printed.status.success() {
            // A question that it takes amiss is no reason for it to say nothing.
            questions = Questions::default();
            printed = key.run(&ALL, questions.text())?;
        }
        if !printed.status.success() {
            let complaint = printed.stderr.split(|b| *b == b'\n').find(|line| contains(line, b"error:"));
            return Err(key.silent(&String::from_utf8_lossy(complaint.unwrap_or(b"it fails"))));
        }
        let search =
            SearchList::parse(&printed.stderr).ok_or_else(|| key.silent("its list is another one"))?;
        let look = |name: &[u8]| {
            let path = key.directory.join(OsStr::from_bytes(name));
            let identity = Identity::of_directory(&path);
            (path, identity)
        };
        let directories: Vec<_> = search.all().map(|(name, _)| look(name)).collect();
        let was_there = search.all().map(|(_, there)| there);
        if directories.iter().zip(was_there).any(|((_, found), there)| found.is_some() != there) {
            return Err(key.silent("a directory came or went meanwhile"));
        }
        let predefined = predefined::macros(&printed.stdout);
        let dialect = dialects::of(&predefined, &key.words);
        let prefix = key.compiler.canonicalize().ok();
        let prefix = prefix.and_then(|path| path.parent()?.parent().map(Path::to_owned));
        let features = Features::of(key, questions, &printed.stdout);
        let is_clang = contains(&predefined, b"#define __clang__ ");
        let parsed = Mutex::default();
        Ok(Answer { search, predefined, dialect, is_clang, prefix, features, parsed, compiler, directories })
    }

    /// The predefined macros as directives.
    pub(crate) fn macros(&self, memory: &Arc<Memory>) -> Arc<Directives> {
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, directives)) = parsed.as_ref()
            && of.as_ptr() == Arc::as_ptr(memory)
        {
            return Arc::clone(directives);
        }
        let directives = Arc::new(Directives::parse(&self.predefined, self.dialect, &memory.symbols));
        *parsed = Some((Arc::downgrade(memory), Arc::clone(&directives)));
        directives
    }

    fn still_holds(&self, compiler: &Path) -> bool {
        let same = |(path, identity): &(PathBuf, Option<Identity>)| Identity::of_directory(path) == *identity;
        Identity::of_file(compiler) == self.compiler && self.directories.iter().all(same)
    }
}

impl Identity {
    fn of_file(path: &Path) -> Option<Identity> {
        let stat = rustix::fs::stat(path).ok()?;
        let content = Some((stat.st_size, stat.st_ctime, stat.st_ctime_nsec));
        Some(Identity { device: stat.st_dev, inode: stat.st_ino, content })
    }

    fn of_directory(path: &Path) -> Option<Identity> {
        let stat = rustix::fs::stat(path).ok()?;
        let is_directory = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir();
        is_directory.then_some(Identity { device: stat.st_dev, inode: stat.st_ino, content: None })
    }
}

fn adds(name: &OsStr) -> bool {
    DIRECTORIES_FROM_ENVIRONMENT.iter().any(|adds| name == *adds)
}

fn writes(name: &OsStr) -> bool {
    OUTPUTS_FROM_ENVIRONMENT.iter().any(|writes| name == *writes)
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    line.windows(part.len()).any(|window| window == part)
}
