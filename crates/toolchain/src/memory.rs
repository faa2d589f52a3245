//! What was found out of compilers, kept in a directory for the next process of the same user: a file for each. Knows
//! nothing of how it is found out.

use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::unistd::geteuid;

use crate::evidence::Evidence;
use crate::hashes::Hashes;
use crate::identity::{Identity, Surroundings};
use crate::kept_file::{keep, ours, recall, with_care};
use crate::language::Language;
use crate::machine::Machine;
use crate::maker::Family;
use crate::prints::Prints;
use crate::root::Root;

/// A directory; nothing is done there before it is asked.
#[derive(Debug, Clone)]
pub struct Memory {
    directory: PathBuf,
}

/// So long that of a script is believed: what it runs may change at any time.
const BELIEVED: Duration = Duration::from_secs(600);

const LARGEST: usize = 1 << 18;

/// So long hashes of files are, even if their number never grows.
const HASHES_BELIEVED: Duration = Duration::from_secs(90 * 24 * 3600);

const FORMAT: &str = "distcc-arch compiler 2";

impl Memory {
    /// `directory` need not exist; others may write there.
    pub fn in_directory(directory: PathBuf) -> Memory {
        Memory { directory }
    }

    /// What is known of `program`, a path of this machine, of which `root` is the root, if nothing has changed since.
    pub fn recall(&self, root: &Root, program: &Path, around: &Surroundings) -> Option<(Identity, Evidence)> {
        let file = self.file(program, around, &machine_start().unwrap_or_default());
        let (file, about) = ours(with_care().read(true).open(file).ok()?).ok()?;
        // Files are replaced, not written again: this is all of it.
        let mut bytes = vec![0; usize::try_from(about.len()).ok().filter(|length| *length <= LARGEST)?];
        (&file).read_exact(&mut bytes).ok()?;
        let (identity, evidence) = parse(std::str::from_utf8(&bytes).ok()?)?;
        // What is from a time to come was written with a clock that was wrong.
        let age = || about.modified().ok()?.elapsed().ok();
        let believed = identity.is_certain() || age().is_some_and(|age| age < BELIEVED);
        (believed && evidence.still_holds(root)).then_some((identity, evidence))
    }

    /// What is known of the files of all compilers.
    pub fn hashes(&self) -> Hashes {
        let text = self.hashes_file().and_then(|file| recall(&file, LARGEST as u64, HASHES_BELIEVED));
        Hashes::decode(&text.unwrap_or_default())
    }

    /// Keeps what was found out of a compiler and its files. What cannot be kept is found out again.
    pub fn keep(
        &self,
        program: &Path,
        around: &Surroundings,
        (identity, evidence): (&Identity, &Evidence),
        hashes: &Hashes,
    ) {
        if let Some(file) = self.hashes_file().filter(|_| hashes.have_grown()) {
            // What another finds out meanwhile may be lost.
            keep(&file, hashes.encode().as_bytes());
        }
        let file = self.file(program, around, &machine_start().unwrap_or_default());
        keep(&file, written(identity, evidence).as_bytes());
    }

    /// One for each start of each machine: in images that are only read, files of another image may have the same stamps.
    fn hashes_file(&self) -> Option<PathBuf> {
        Some(self.directory.join(format!("hashes-{}-{}", geteuid(), machine_start()?)))
    }

    /// Likewise: what is found out comes from the hashes.
    fn file(&self, program: &Path, around: &Surroundings, start: &str) -> PathBuf {
        let Surroundings { search_path, library_path, compiler_path, exec_prefix } = around;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&geteuid().as_raw().to_le_bytes());
        // A chroot that has the same home, or another machine, has another program at this path.
        let id = fs::metadata(program).map_or((0, 0), |about| (about.dev(), about.ino()));
        hasher.update(&id.0.to_le_bytes()).update(&id.1.to_le_bytes()).update(start.as_bytes());
        for text in [program.as_os_str(), search_path, library_path, compiler_path, exec_prefix] {
            hasher.update(text.as_bytes()).update(b"\0");
        }
        self.directory.join(format!("ID-{}", &hasher.finalize().to_hex()[..32]))
    }
}

/// A word for the time since this machine was started; none where nobody tells.
pub fn machine_start() -> Option<String> {
    let start = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(start.chars().filter(char::is_ascii_hexdigit).collect()).filter(|start: &String| !start.is_empty())
}

fn written(identity: &Identity, evidence: &Evidence) -> String {
    let Identity { family, target, version, languages, machine } = identity;
    let family = family.map_or_else(|| "-".to_owned(), |family| family.to_string());
    let languages: Vec<String> = languages.iter().map(language_written).collect();
    let (bits, name, languages) = (machine.bits, &machine.name, languages.join(" "));
    let evidence = evidence.encode();
    format!("{FORMAT}\n{family}\n{target}\n{version}\n{bits} {name}\n{languages}\n{evidence}")
}

/// `c=WHOLE:CORE` or `c=-`
fn language_written((language, prints): (&Language, &Option<Prints>)) -> String {
    match prints {
        Some(Prints { whole, core }) => format!("{language}={whole}:{core}"),
        None => format!("{language}=-"),
    }
}

/// None when anything in it is not as it is written above.
fn parse(text: &str) -> Option<(Identity, Evidence)> {
    let mut lines = text.splitn(7, '\n');
    let mut line = || lines.next();
    line().filter(|format| *format == FORMAT)?;
    let family = match line()? {
        "-" => None,
        text => Some([Family::Gcc, Family::Clang].into_iter().find(|family| family.to_string() == text)?),
    };
    let (target, version) = (line()?.to_owned(), line()?.to_owned());
    let (bits, name) = line()?.split_once(' ')?;
    let machine = Machine { bits: bits.parse().ok()?, name: name.to_owned() };
    let languages = line()?.split_terminator(' ').map(language_read).collect::<Option<_>>()?;
    let evidence = line().filter(|evidence| evidence.ends_with('\n'))?;
    let identity = Identity { family, target, version, languages, machine };
    Some((identity, Evidence::decode(evidence)?))
}

fn language_read(text: &str) -> Option<(Language, Option<Prints>)> {
    let (language, prints) = text.split_once('=')?;
    let prints = match prints {
        "-" => None,
        prints => {
            let (whole, core) = prints.split_once(':')?;
            Some(Prints { whole: whole.parse().ok()?, core: core.parse().ok()? })
        }
    };
    Some((language.parse().ok()?, prints))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Fingerprint;
    use crate::sight::Sight;
    use proptest::prelude::*;
    use std::fs::{File, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::time::SystemTime;

    fn prints(byte: u8) -> Prints {
        Prints { whole: Fingerprint([byte; 32]), core: Fingerprint([byte ^ 1; 32]) }
    }

    fn identity(family: Option<Family>) -> Identity {
        Identity {
            family,
            target: "x86_64-pc-linux-gnu".to_owned(),
            version: "14.2.1".to_owned(),
            languages: family.map(|_| (Language::C, Some(prints(7)))).into_iter().collect(),
            machine: Machine { name: "x86_64".to_owned(), bits: 64 },
        }
    }

    /// A compiler that was seen, and a memory that knows it.
    struct Known {
        place: tempfile::TempDir,
        memory: Memory,
        program: PathBuf,
    }

    impl Known {
        fn new(identity: &Identity) -> Known {
            let place = tempfile::tempdir().unwrap();
            let program = place.path().join("gcc");
            fs::write(&program, "a compiler").unwrap();
            let memory = Memory::in_directory(place.path().join("compilers"));
            let root = Root::open(Path::new("/")).unwrap();
            let hashes = Hashes::default();
            let mut sight = Sight::of(&root, &hashes);
            sight.file(&program).unwrap().unwrap();
            let evidence = sight.evidence().unwrap();
            memory.keep(&program, &Surroundings::default(), (identity, &evidence), &hashes);
            Known { place, memory, program }
        }

        fn recall(&self) -> Option<Identity> {
            self.recall_of(&self.program, &Surroundings::default()).map(|(identity, _)| identity)
        }

        fn recall_of(&self, program: &Path, around: &Surroundings) -> Option<(Identity, Evidence)> {
            self.memory.recall(&Root::open(Path::new("/")).unwrap(), program, around)
        }

        fn file(&self) -> PathBuf {
            let files: Vec<_> = fs::read_dir(self.place.path().join("compilers")).unwrap().collect();
            assert_eq!(files.len(), 1, "{files:?}");
            files[0].as_ref().unwrap().path()
        }
    }

    #[test]
    fn what_is_kept_is_recalled() {
        for family in [Some(Family::Gcc), Some(Family::Clang), None] {
            let known = Known::new(&identity(family));
            assert_eq!(known.recall(), Some(identity(family)));
            assert_eq!(fs::metadata(known.file()).unwrap().permissions().mode() & 0o777, 0o600);
            let other = Surroundings { search_path: "/bin".into(), ..Surroundings::default() };
            assert_eq!(known.recall_of(&known.program, &other), None);
            assert_eq!(known.recall_of(Path::new("/usr/bin/gcc"), &Surroundings::default()), None);
        }
    }

    #[test]
    fn what_is_not_believed() {
        let file_of =
            |known: &Known, start: &str| known.memory.file(&known.program, &Surroundings::default(), start);
        let check = |what: &str, change: &dyn Fn(&Known)| {
            let known = Known::new(&identity(Some(Family::Gcc)));
            change(&known);
            assert_eq!(known.recall(), None, "{what}");
        };
        check("a changed compiler", &|known| fs::write(&known.program, "another").unwrap());
        check("nothing", &|known| fs::remove_file(known.file()).unwrap());
        check("an unfinished file", &|known| {
            let text = fs::read(known.file()).unwrap();
            fs::write(known.file(), &text[..text.len() - 1]).unwrap();
        });
        check("another format", &|known| {
            let text = fs::read_to_string(known.file()).unwrap().replace("compiler 2", "compiler 3");
            fs::write(known.file(), text).unwrap();
        });
        check("a link", &|known| {
            let away = known.place.path().join("away");
            fs::rename(known.file(), &away).unwrap();
            symlink(away, file_of(known, &machine_start().unwrap())).unwrap();
        });
        check("of another start", &|known| fs::rename(known.file(), file_of(known, "another")).unwrap());
        check("a pipe", &|known| {
            let file = known.file();
            fs::remove_file(&file).unwrap();
            nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
        });
        if geteuid().is_root() {
            check("another user's file", &|known| {
                std::os::unix::fs::chown(known.file(), Some(1), None).unwrap();
            });
        }
    }

    #[test]
    fn hashes_are_kept_until_the_next_start() {
        let known = Known::new(&identity(None));
        let hashes = Hashes::default();
        hashes.content(File::open("/etc/passwd").unwrap(), crate::hashes::Mark::None).unwrap();
        let (identity, evidence) = known.recall_of(&known.program, &Surroundings::default()).unwrap();
        assert_eq!(known.memory.hashes().encode(), Hashes::default().encode());
        known.memory.keep(&known.program, &Surroundings::default(), (&identity, &evidence), &hashes);
        assert_eq!(known.memory.hashes().encode(), hashes.encode());
        let file = known.memory.hashes_file().unwrap();
        fs::rename(&file, file.with_file_name(format!("hashes-{}", geteuid()))).unwrap();
        assert_eq!(known.memory.hashes().encode(), Hashes::default().encode());
    }

    #[test]
    fn scripts_are_not_believed_for_long() {
        let check = |family: Option<Family>, written: SystemTime, believed: bool| {
            let known = Known::new(&identity(family));
            let file = File::options().write(true).open(known.file()).unwrap();
            file.set_modified(written).unwrap();
            assert_eq!(known.recall().is_some(), believed, "{family:?} {written:?}");
        };
        let now = SystemTime::now();
        for (written, believed) in [(now, true), (now - BELIEVED, false), (now + BELIEVED, false)] {
            check(None, written, believed);
            check(Some(Family::Gcc), written, true);
        }
    }

    #[test]
    fn a_directory_that_cannot_be_written() {
        let known = Known::new(&identity(None));
        fs::set_permissions(known.program.parent().unwrap(), Permissions::from_mode(0o500)).unwrap();
        let memory = Memory::in_directory("/proc/nowhere/compilers".into());
        let (identity, evidence) = known.recall_of(&known.program, &Surroundings::default()).unwrap();
        memory.keep(&known.program, &Surroundings::default(), (&identity, &evidence), &Hashes::default());
        let root = Root::open(Path::new("/")).unwrap();
        assert_eq!(memory.recall(&root, &known.program, &Surroundings::default()), None);
    }

    proptest! {
        #[test]
        fn garbage_is_survived(lines in prop::collection::vec("(distcc-arch compiler 2|gcc|-|c=- c\\+\\+=-|64 x86_64|- /a|.{0,9})", 0..12)) {
            let _ = parse(&lines.join("\n"));
        }

        #[test]
        fn back_and_forth(target in "[a-z0-9_-]{0,20}", version in "[0-9.]{0,9}", bits: u8, c: Option<u8>, cxx: Option<u8>) {
            let machine = Machine { name: "machine 4711".to_owned(), bits };
            let languages = [(Language::C, c.map(prints)), (Language::Cxx, cxx.map(prints))].into();
            let before = Identity { target, version, machine, languages, ..identity(Some(Family::Gcc)) };
            let evidence = Evidence::decode("- /a\n").unwrap();
            prop_assert_eq!(parse(&written(&before, &evidence)), Some((before, evidence)));
        }
    }
}
