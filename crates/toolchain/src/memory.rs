//! What was found out of compilers, kept in a directory for the next process of the same user: a file for each. Knows
//! nothing of how it is found out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::unistd::geteuid;

use crate::evidence::Evidence;
use crate::identity::{Identity, Languages, Surroundings};
use crate::machine::Machine;
use crate::maker::Family;
use crate::root::Root;

/// A directory; nothing is done there before it is asked.
#[derive(Debug, Clone)]
pub struct Memory {
    directory: PathBuf,
}

/// So long that of a script is believed: what it runs may change at any time.
const BELIEVED: Duration = Duration::from_secs(600);

const LARGEST: u64 = 1 << 18;

const FORMAT: &str = "distcc-arch compiler 1";

impl Memory {
    /// `directory` need not exist; others may write there.
    pub fn in_directory(directory: PathBuf) -> Memory {
        Memory { directory }
    }

    /// What is known of `program`, a path of this machine, if nothing has changed since.
    pub fn recall(&self, program: &Path, around: &Surroundings) -> Option<(Identity, Evidence)> {
        let file = self.file(program, around);
        let file = with_care().read(true).open(file).ok()?;
        let about = file.metadata().ok()?;
        if !about.is_file() || about.uid() != geteuid().as_raw() {
            return None;
        }
        let mut text = String::new();
        file.take(LARGEST).read_to_string(&mut text).ok()?;
        let (identity, evidence) = parse(&text)?;
        let age = about.modified().ok()?.elapsed().ok()?;
        let believed = identity.fingerprint.is_some() || age < BELIEVED;
        (believed && evidence.still_holds(&Root::open(Path::new("/")).ok()?)).then_some((identity, evidence))
    }

    /// Keeps what was found out. What cannot be kept is found out again.
    pub fn keep(&self, program: &Path, around: &Surroundings, identity: &Identity, evidence: &Evidence) {
        let file = self.file(program, around);
        let text = written(identity, evidence);
        if write(&file, &text).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            let _ = fs::create_dir(&self.directory).and_then(|()| write(&file, &text));
        }
    }

    fn file(&self, program: &Path, around: &Surroundings) -> PathBuf {
        let Surroundings { search_path, library_path, compiler_path, exec_prefix } = around;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&geteuid().as_raw().to_le_bytes());
        for text in [program.as_os_str(), search_path, library_path, compiler_path, exec_prefix] {
            hasher.update(text.as_bytes()).update(b"\0");
        }
        self.directory.join(format!("ID-{}", &hasher.finalize().to_hex()[..32]))
    }
}

/// Readers find either the old or the new text, whole.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let _ = fs::remove_file(&unfinished);
    let mut opened = with_care().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let written = opened.write_all(text.as_bytes()).and_then(|()| fs::rename(&unfinished, file));
    written.inspect_err(|_| drop(fs::remove_file(&unfinished)))
}

/// Neither a pipe nor a link of another user is to hold us up or lead us elsewhere.
fn with_care() -> OpenOptions {
    let mut options = File::options();
    options.custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW).bits());
    options
}

fn written(identity: &Identity, evidence: &Evidence) -> String {
    let Identity { family, target, version, languages, machine, fingerprint } = identity;
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let family = or_none(family.map(|family| family.to_string()));
    let fingerprint = or_none(fingerprint.map(|fingerprint| fingerprint.to_string()));
    let (bits, name) = (machine.bits, &machine.name);
    format!(
        "{FORMAT}\n{family}\n{target}\n{version}\n{languages}\n{bits} {name}\n{fingerprint}\n{}",
        evidence.encode()
    )
}

/// None when anything in it is not as it is written above.
fn parse(text: &str) -> Option<(Identity, Evidence)> {
    let mut lines = text.splitn(8, '\n');
    let mut line = || lines.next();
    line().filter(|format| *format == FORMAT)?;
    let family = match line()? {
        "-" => None,
        text => Some([Family::Gcc, Family::Clang].into_iter().find(|family| family.to_string() == text)?),
    };
    let (target, version) = (line()?.to_owned(), line()?.to_owned());
    let languages = languages(line()?);
    let (bits, name) = line()?.split_once(' ')?;
    let machine = Machine { bits: bits.parse().ok()?, name: name.to_owned() };
    let fingerprint = match line()? {
        "-" => None,
        digits => Some(digits.parse().ok()?),
    };
    let evidence = line().filter(|evidence| evidence.ends_with('\n'))?;
    let identity = Identity { family, target, version, languages, machine, fingerprint };
    Some((identity, Evidence::decode(evidence)?))
}

fn languages(text: &str) -> Languages {
    let has = |name: &str| text.split(' ').any(|word| word == name);
    Languages { c: has("c"), cxx: has("c++"), objc: has("objc"), objcxx: has("objc++") }
}
