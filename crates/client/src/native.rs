//! `-march=native` and the like spelled out, so that other machines make code for this one: asks the compiler here, and
//! remembers what it said. Knows nothing of hosts.

use crate::compile::Job;
use crate::interrupts::{Broken, Interrupts};
use crate::settings::ToolchainCheck;
use crate::source::NoSource;
use crate::{dependencies, local, question, source};
use cc_args::{Compilation, NativeCompilation, WhyLocal};
use nix::sys::signal::raise;
use nix::unistd::geteuid;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;
use toolchain::{Commands, Family, Likeness, Processor, kept_file, machine_start};

/// So long an answer is believed: a file of the compiler's own options may change and nobody would see it.
const BELIEVED: Duration = Duration::from_secs(3600);

/// So long a compiler is not asked again that gave no answer: it may have been the machine that was busy.
const LEFT_ALONE: Duration = Duration::from_secs(300);

/// What is kept then.
const SILENT: &str = "silent\n";

/// What the names of files of answers begin with.
const PREFIX: &str = "native-";

/// clang's answer has a hundred features.
const LONGEST: u64 = 1 << 16;

/// What ends the file; without it, it is not whole.
const END: &str = ".";

/// What the compiler here makes of `native`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    likeness: Likeness,
    /// The words that say the same on any machine.
    words: Vec<String>,
    /// With so many of them for what the compiler finds out itself, it runs what it runs with `native`; 0 if it does not, or
    /// nobody has tried.
    found_out: usize,
}

/// What was remembered.
enum Remembered {
    Answer(Answer),
    /// There are no such words.
    None,
}

impl Job<'_> {
    /// The compile as another machine can do it.
    ///
    /// # Errors
    /// Why it has to run here.
    pub(crate) fn spell_out(&self, native: NativeCompilation) -> Result<Compilation, WhyLocal> {
        let answer = self.answer(&native).ok_or_else(|| WhyLocal::MarchNative(native.word().into()))?;
        let explicit: Vec<OsString> = answer.words.iter().map(OsString::from).collect();
        match native.recorder() {
            Some(why) if answer.likeness != Likeness::Whole => {
                if answer.found_out == 0 || self.settings.toolchain_check == ToolchainCheck::Off {
                    return Err(why);
                }
                native.told(answer.words[..answer.found_out].to_vec(), &explicit, why)
            }
            _ => native.spelled_out(&explicit),
        }
    }

    fn answer(&self, native: &NativeCompilation) -> Option<Answer> {
        let family = match native.as_typed().family() {
            cc_args::Family::Gcc => Family::Gcc,
            cc_args::Family::Clang => Family::Clang,
            cc_args::Family::Unknown => return None,
        };
        let name = self.typed_name(native.as_typed());
        let question = native.question();
        let memory = self.settings.state_dir.as_ref().and_then(|directory| {
            let program = self.call.path.find(name)?.program;
            Some(directory.path.join("compilers").join(file_name(&program, &question)?))
        });
        match memory.as_deref().and_then(recall) {
            Some(Remembered::Answer(answer)) => return Some(answer),
            Some(Remembered::None) => return None,
            None => {}
        }
        let asked = self.ask(name, &question).and_then(|said| {
            let answer = self.judge(&said, native, family)?;
            Some((said, answer))
        });
        match (&memory, &asked) {
            (Some(file), Some((said, answer))) => remember(file, said.compiler(), answer.as_ref()),
            (Some(file), None) => kept_file::keep(file, SILENT.as_bytes()),
            (None, _) => {}
        }
        asked?.1
    }

    /// What follows from what the compiler has `said`, if other words can say the same; None where it does not tell.
    fn judge(&self, said: &Commands, native: &NativeCompilation, family: Family) -> Option<Option<Answer>> {
        let Some(words) = said.explicit(family) else { return Some(None) };
        let name = self.typed_name(native.as_typed());
        let explicit: Vec<_> = words.iter().map(OsString::from).collect();
        let with_explicit = self.ask(name, &native.question_with(&explicit))?;
        let Some(likeness) = said.likeness(&with_explicit, family) else { return Some(None) };
        let found_out = said.found_out().filter(|found_out| words.starts_with(found_out.words()));
        let is_recorded = likeness == Likeness::Code && native.recorder().is_some();
        let found_out = match found_out.filter(|_| is_recorded) {
            Some(processor) if self.takes(&processor, said, native)? => processor.words().len(),
            _ => 0,
        };
        Some(Some(Answer { likeness, words, found_out }))
    }

    /// Whether the compiler runs what it has `said` when it is told of `processor`, and heeds that; None where it does not
    /// tell.
    fn takes(&self, processor: &Processor, said: &Commands, native: &NativeCompilation) -> Option<bool> {
        // By our own process id: the compiler does not inherit the descriptor.
        let descriptors = format!("/proc/{}/fd", std::process::id());
        if !Path::new(&descriptors).is_dir() {
            return Some(false);
        }
        let with = |processor: &Processor| {
            let mut specs = source::memory("specs").ok()?;
            specs.write_all(processor.specs().as_bytes()).ok()?;
            let option = format!("-specs={descriptors}/{}", specs.as_raw_fd());
            let words: Vec<_> = std::iter::once(OsString::from(option)).chain(native.question()).collect();
            self.ask(self.typed_name(native.as_typed()), &words)
        };
        Some(said.is_whole(&with(processor)?) && !said.is_whole(&with(&processor.without_last())?))
    }

    fn ask(&self, name: &OsStr, question: &[OsString]) -> Option<Commands> {
        let mut command = local::command(name, question, &self.call.path, self.settings.depth);
        command.env("LC_ALL", "C");
        dependencies::ask_for_none(&mut command);
        let interrupts = Interrupts::catch().ok()?;
        match question::answer(command, &interrupts) {
            Ok(said) => Commands::parse(&said.messages),
            Err(NoSource::Broken(Broken::Interrupted(signal))) => {
                // It acts as before again and ends us, who hold nothing yet.
                drop(interrupts);
                let _ = raise(signal);
                None
            }
            Err(_) => None,
        }
    }
}

/// Where the answer of `program` to `question` is kept: another file for each that may have another one. The processor is the
/// same until the machine starts again, and to ask it itself takes long where the machine is a virtual one.
fn file_name(program: &Path, question: &[OsString]) -> Option<String> {
    let mut hasher = DefaultHasher::new();
    let us = env!("CARGO_PKG_VERSION");
    (us, machine_start()?, program, mark(program)?, geteuid().as_raw(), question).hash(&mut hasher);
    Some(format!("{PREFIX}{:016x}", hasher.finish()))
}

/// An upgrade changes it.
fn mark(program: &Path) -> Option<String> {
    let about = fs::metadata(program).ok()?;
    let (modified, changed) = ((about.mtime(), about.mtime_nsec()), (about.ctime(), about.ctime_nsec()));
    Some(format!("{} {} {} {modified:?} {changed:?}", about.dev(), about.ino(), about.size()))
}

/// What another user of a shared directory has put there is not believed, nor what was said of another compiler: a script or
/// a launcher may have started it.
fn recall(file: &Path) -> Option<Remembered> {
    let text = kept_file::recall(file, LONGEST, BELIEVED)?;
    if text == SILENT {
        return kept_file::recall(file, LONGEST, LEFT_ALONE).map(|_| Remembered::None);
    }
    let mut lines = text.strip_suffix(&format!("{END}\n"))?.lines();
    let (likeness, compiler, was) = (lines.next()?, lines.next()?, lines.next()?);
    if mark(Path::new(compiler))? != was {
        return None;
    }
    let words: Vec<String> = lines.map(str::to_owned).collect();
    let (likeness, found_out) = match likeness.split_once(' ') {
        None if likeness == "none" => return Some(Remembered::None),
        Some(("whole", found_out)) => (Likeness::Whole, found_out),
        Some(("code", found_out)) => (Likeness::Code, found_out),
        _ => return None,
    };
    let found_out = found_out.parse().ok().filter(|count| *count <= words.len())?;
    Some(Remembered::Answer(Answer { likeness, words, found_out }))
}

/// What cannot be remembered is asked for again.
fn remember(file: &Path, compiler: &str, answer: Option<&Answer>) {
    let Some(mark) = mark(Path::new(compiler)).filter(|_| Path::new(compiler).is_absolute()) else { return };
    let likeness = match answer {
        Some(Answer { likeness: Likeness::Whole, found_out, .. }) => format!("whole {found_out}"),
        Some(Answer { likeness: Likeness::Code, found_out, .. }) => format!("code {found_out}"),
        None => "none".to_owned(),
    };
    let mut lines = vec![likeness.as_str(), compiler, &mark];
    lines.extend(answer.iter().flat_map(|answer| &answer.words).map(String::as_str));
    if lines.iter().any(|line| line.contains('\n')) {
        return;
    }
    let text = format!("{}\n{END}\n", lines.join("\n"));
    kept_file::keep(file, text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::time::SystemTime;

    fn kept(file: &Path) -> Option<Option<Vec<String>>> {
        recall(file).map(|kept| match kept {
            Remembered::Answer(answer) => Some(answer.words),
            Remembered::None => None,
        })
    }

    #[test]
    fn what_is_remembered_is_recalled_while_it_holds() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::write(at("cc1"), "compiler").unwrap();
        let (compiler, file) = (at("cc1").display().to_string(), at("compilers/native-0"));
        let words = vec!["-march=z".to_owned(), "-mtune=z".to_owned()];
        let answer = Answer { likeness: Likeness::Code, words: words.clone(), found_out: 2 };
        assert_eq!(kept(&file), None);
        remember(&file, &compiler, None);
        assert_eq!(kept(&file), Some(None));
        remember(&file, &compiler, Some(&answer));
        assert_eq!(kept(&file), Some(Some(words)));
        let text = fs::read_to_string(&file).unwrap();
        for broken in [
            &text[..text.len() - 2],
            "",
            "code 2\n",
            &text.replace("code 2", "code 3"),
            &text.replace("code", "odd"),
        ] {
            fs::write(&file, broken).unwrap();
            assert_eq!(kept(&file), None, "{broken}");
        }
        fs::write(&file, &text).unwrap();
        fs::write(at("cc1"), "another compiler").unwrap();
        assert_eq!(kept(&file), None);
    }

    #[test]
    fn what_is_old_or_odd_is_not_believed() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("native-0");
        let (old, link) = (place.path().join("native-1"), place.path().join("native-2"));
        remember(&old, "/proc/self/exe", None);
        symlink(&old, &link).unwrap();
        assert_eq!((kept(&old), kept(&link)), (Some(None), None));
        let age = |file: &Path, age: Duration| {
            let then = SystemTime::now() - age;
            fs::File::options().write(true).open(file).unwrap().set_modified(then).unwrap();
        };
        age(&old, BELIEVED);
        assert_eq!(kept(&old), None);
        kept_file::keep(&file, SILENT.as_bytes());
        assert_eq!(kept(&file), Some(None));
        age(&file, LEFT_ALONE);
        assert_eq!(kept(&file), None);
        fs::remove_file(&file).unwrap();
        remember(&file, "cc1", None);
        assert_eq!(kept(&file), None, "a compiler that is not found in one place is not remembered");
        remember(&file, "/proc/self/exe", None);
        assert_eq!(kept(&file), Some(None));
    }
}
