//! One set of changes as it lies in the journal: `record.toml`, the bytes of files before and after beside it, and empty
//! files that say how far it came. Knows nothing of the places that are changed.

use crate::failure::Failure;
use crate::state::{Owner, State};
use crate::step::{Action, Step};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const FORMAT: u32 = 1;
const TEXT: &str = "record.toml";
/// There until all of the set is in place; what is found with it was cut off.
const UNFINISHED: &str = "unfinished";
/// There until what was put beside the changed files is gone.
const UNTIDY: &str = "untidy";
const HEADER: &str = "\
# A set of changes, and what was there before it. The bytes of files lie beside this file: 1.before and 1.after are those
# of the first step. Taking the changes back removes the record.
";

#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) directory: PathBuf,
    pub(crate) id: u32,
    pub(crate) takes_back: Option<TakesBack>,
    pub(crate) steps: Vec<Step>,
    pub(crate) actions: Vec<Action>,
}

/// Set for a record of an undo.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct TakesBack {
    pub(crate) records: Vec<u32>,
    /// Something could not be taken back, so the records stay.
    pub(crate) keeps: bool,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: u32,
    takes_back: Option<TakesBack>,
    #[serde(default, rename = "step")]
    steps: Vec<StepText>,
    #[serde(default, rename = "action")]
    actions: Vec<Action>,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
enum StepText {
    Set { path: PathBuf, before: StateText, after: StateText },
    Rename { from: PathBuf, to: PathBuf },
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "is", rename_all = "lowercase")]
enum StateText {
    Absent,
    File { bytes: String, size: usize, mode: String, user: u32, group: u32 },
    Link { target: PathBuf, user: u32, group: u32 },
    Directory { mode: String, user: u32, group: u32 },
}

impl Record {
    /// Writes all of it durably; `directory` must not exist yet. Only its caller makes it count, by renaming it.
    pub(crate) fn write(&self) -> Result<(), Failure> {
        let failed = |error| Failure::of_io("write", &self.directory, &error);
        fs::create_dir(&self.directory).map_err(failed)?;
        let mut steps = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            steps.push(self.write_step(index + 1, step)?);
        }
        let text = Text {
            format: FORMAT,
            takes_back: self.takes_back.clone(),
            steps,
            actions: self.actions.clone(),
        };
        let text = toml::to_string(&text).map_err(|error| Failure::new(format!("cannot record: {error}")))?;
        self.put(TEXT, format!("{HEADER}{text}").as_bytes(), 0o644)?;
        self.put(UNFINISHED, b"", 0o644)?;
        self.put(UNTIDY, b"", 0o644)?;
        self.sync()
    }

    fn write_step(&self, number: usize, step: &Step) -> Result<StepText, Failure> {
        Ok(match step {
            Step::Rename { from, to } => StepText::Rename { from: from.clone(), to: to.clone() },
            Step::Set { path, before, after } => StepText::Set {
                path: path.clone(),
                before: self.write_state(&format!("{number}.before"), before)?,
                after: self.write_state(&format!("{number}.after"), after)?,
            },
        })
    }

    fn write_state(&self, bytes: &str, state: &State) -> Result<StateText, Failure> {
        Ok(match state {
            State::Absent => StateText::Absent,
            State::Link { target, owner: Owner { user, group } } => {
                StateText::Link { target: target.clone(), user: *user, group: *group }
            }
            State::Directory { mode, owner: Owner { user, group } } => {
                StateText::Directory { mode: octal(*mode), user: *user, group: *group }
            }
            State::File { contents, mode, owner: Owner { user, group } } => {
                // What others may not read there, they must not read here.
                let private = mode & 0o004 == 0;
                self.put(bytes, contents, if private { 0o600 } else { 0o644 })?;
                let (bytes, size, mode) = (bytes.to_owned(), contents.len(), octal(*mode));
                StateText::File { bytes, size, mode, user: *user, group: *group }
            }
        })
    }

    /// Reads the record of this number below `journal`.
    pub(crate) fn read(journal: &Path, id: u32) -> Result<Record, Failure> {
        let directory = journal.join(id.to_string());
        let path = directory.join(TEXT);
        let text = fs::read_to_string(&path).map_err(|error| Failure::of_io("read", &path, &error))?;
        let text = understand(&text, &path)?;
        let steps = text
            .steps
            .into_iter()
            .map(|step| read_step(step, &directory, &path))
            .collect::<Result<_, _>>()?;
        Ok(Record { directory, id, takes_back: text.takes_back, steps, actions: text.actions })
    }

    pub(crate) fn is_unfinished(&self) -> bool {
        self.directory.join(UNFINISHED).exists()
    }

    pub(crate) fn is_untidy(&self) -> bool {
        self.directory.join(UNTIDY).exists()
    }

    /// From here on it is not taken back when found, but counts as made. Needs no room on the disk.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        self.drop_mark(UNFINISHED)
    }

    pub(crate) fn is_tidy_now(&self) -> Result<(), Failure> {
        self.drop_mark(UNTIDY)
    }

    /// Notes that an action is about to run, counted from 0.
    pub(crate) fn start_action(&self, action: usize) -> Result<(), Failure> {
        self.put(&started(action), b"", 0o644)?;
        self.sync()
    }

    /// The actions that may have run, in order.
    pub(crate) fn started_actions(&self) -> Vec<&Action> {
        let has_started = |number: &usize| self.directory.join(started(*number)).exists();
        (0..self.actions.len()).filter(has_started).map(|number| &self.actions[number]).collect()
    }

    /// The actions have been taken back, and the rest of the record stays.
    pub(crate) fn forget_actions(&self) -> Result<(), Failure> {
        (0..self.actions.len()).try_for_each(|action| self.drop_mark(&started(action)))
    }

    fn drop_mark(&self, mark: &str) -> Result<(), Failure> {
        let path = self.directory.join(mark);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::of_io("remove", &path, &error)),
            _ => self.sync(),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], mode: u32) -> Result<(), Failure> {
        let path = self.directory.join(name);
        let write = || {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|error| Failure::of_io("write", &path, &error))
    }

    fn sync(&self) -> Result<(), Failure> {
        sync_directory(&self.directory)
    }
}

pub(crate) fn sync_directory(directory: &Path) -> Result<(), Failure> {
    let synced = File::open(directory).and_then(|opened| opened.sync_all());
    synced.map_err(|error| Failure::of_io("write", directory, &error))
}

fn started(action: usize) -> String {
    format!("action-{}-started", action + 1)
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

fn understand(text: &str, path: &Path) -> Result<Text, Failure> {
    let garbled = |error: toml::de::Error| {
        Failure::new(format!("cannot understand {}: {}", path.display(), error.message()))
    };
    let Format { format } = toml::from_str(text).map_err(garbled)?;
    if format != FORMAT {
        let shown = path.display();
        return Err(Failure::new(format!(
            "{shown} is of format {format}, which this version does not know: use the version that wrote it"
        )));
    }
    toml::from_str(text).map_err(garbled)
}

fn read_step(text: StepText, directory: &Path, path: &Path) -> Result<Step, Failure> {
    let step = match text {
        StepText::Rename { from, to } => Step::Rename { from, to },
        StepText::Set { path: of, before, after } => Step::Set {
            path: of,
            before: read_state(before, directory, path)?,
            after: read_state(after, directory, path)?,
        },
    };
    if step.path().is_absolute() { Ok(step) } else { Err(unlike_us(path)) }
}

fn read_state(text: StateText, directory: &Path, path: &Path) -> Result<State, Failure> {
    let from_octal = |mode: &str| u32::from_str_radix(mode, 8).map_err(|_| unlike_us(path));
    Ok(match text {
        StateText::Absent => State::Absent,
        StateText::Link { target, user, group } => State::Link { target, owner: Owner { user, group } },
        StateText::Directory { mode, user, group } => {
            State::Directory { mode: from_octal(&mode)?, owner: Owner { user, group } }
        }
        StateText::File { bytes, size, mode, user, group } => {
            if bytes.contains('/') {
                return Err(unlike_us(path));
            }
            let bytes = directory.join(bytes);
            let contents = fs::read(&bytes).map_err(|error| Failure::of_io("read", &bytes, &error))?;
            if contents.len() != size {
                return Err(Failure::new(format!(
                    "{} has {} bytes instead of {size}",
                    bytes.display(),
                    contents.len()
                )));
            }
            State::File { contents, mode: from_octal(&mode)?, owner: Owner { user, group } }
        }
    })
}

fn unlike_us(path: &Path) -> Failure {
    Failure::new(format!("cannot understand {}: it was edited", path.display()))
}
