//! The 296 bytes of a state file, to and from a `Task`: the memory of distcc 3.4's C struct on x86-64. Knows no files.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// What a job is doing. The numbers are those of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Nothing is known yet.
    Startup = 0,
    /// Waits for a slot.
    Blocked = 1,
    /// Connects to the host.
    Connect = 2,
    /// Preprocesses here.
    Preprocess = 3,
    /// Sends the source.
    Send = 4,
    /// The compiler runs, there or here.
    Compile = 5,
    /// Receives the object.
    Receive = 6,
    /// Over; monitors do not show it.
    Done = 7,
}

const PHASES: [(Phase, &str); 8] = [
    (Phase::Startup, "Startup"),
    (Phase::Blocked, "Blocked"),
    (Phase::Connect, "Connect"),
    (Phase::Preprocess, "Preprocess"),
    (Phase::Send, "Send"),
    (Phase::Compile, "Compile"),
    (Phase::Receive, "Receive"),
    (Phase::Done, "Done"),
];

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(PHASES[*self as usize].1)
    }
}

/// One process's job at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The client process.
    pub pid: u32,
    /// The source file without its directory; at most 127 bytes of it are kept.
    pub file: OsString,
    /// The host's name without port or options, or `localhost`; at most 127 bytes of it are kept.
    pub host: String,
    /// Which of the host's slots, from 0.
    pub slot: u32,
    /// What the job is doing.
    pub phase: Phase,
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyNot {
    /// Fewer than 296 bytes; a file that is just being written, nothing to speak of.
    Short,
    /// Written by a program with another layout, such as a 32-bit one; holds the size it states.
    Size(u64),
    /// Not a state file; holds what stands where the magic number should.
    Magic(u64),
    /// No process has such a number.
    Pid(u64),
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            WhyNot::Short => write!(f, "shorter than {SIZE} bytes"),
            WhyNot::Size(size) => write!(f, "states a size of {size} bytes, not {SIZE}"),
            WhyNot::Magic(magic) => write!(f, "starts with the magic number {magic:#x}, not {MAGIC:#x}"),
            WhyNot::Pid(pid) => write!(f, "names the impossible process {pid}"),
        }
    }
}

impl std::error::Error for WhyNot {}

/// How long a state file is.
pub(crate) const SIZE: usize = 296;
const MAGIC: u64 = 0x4449_4800;
const NAME: usize = 128;

// Offsets; the last eight bytes are a pointer in the C program's memory and stay zero.
const AT_SIZE: usize = 0;
const AT_MAGIC: usize = 8;
const AT_PID: usize = 16;
const AT_FILE: usize = 24;
const AT_HOST: usize = AT_FILE + NAME;
const AT_SLOT: usize = AT_HOST + NAME;
const AT_PHASE: usize = AT_SLOT + 4;

/// The whole content of a state file, in this machine's byte order.
#[must_use]
pub fn encode(task: &Task) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    put(&mut bytes, AT_SIZE, &(SIZE as u64).to_ne_bytes());
    put(&mut bytes, AT_MAGIC, &MAGIC.to_ne_bytes());
    put(&mut bytes, AT_PID, &u64::from(task.pid).to_ne_bytes());
    put(&mut bytes, AT_FILE, as_c_string(task.file.as_bytes()));
    put(&mut bytes, AT_HOST, as_c_string(task.host.as_bytes()));
    put(&mut bytes, AT_SLOT, &task.slot.to_ne_bytes());
    put(&mut bytes, AT_PHASE, &(task.phase as u32).to_ne_bytes());
    bytes
}

/// Reads a state file's content; what follows the record is ignored, and an unknown phase counts as compiling.
///
/// # Errors
/// See [`WhyNot`].
pub fn decode(bytes: &[u8]) -> Result<Task, WhyNot> {
    let bytes: &[u8; SIZE] = bytes.first_chunk().ok_or(WhyNot::Short)?;
    let size = number(bytes, AT_SIZE);
    if size != SIZE as u64 {
        return Err(WhyNot::Size(size));
    }
    let magic = number(bytes, AT_MAGIC);
    if magic != MAGIC {
        return Err(WhyNot::Magic(magic));
    }
    let pid = number(bytes, AT_PID);
    let phase = small_number(bytes, AT_PHASE);
    Ok(Task {
        pid: u32::try_from(pid).map_err(|_| WhyNot::Pid(pid))?,
        file: OsString::from_vec(name(bytes, AT_FILE).to_owned()),
        host: String::from_utf8_lossy(name(bytes, AT_HOST)).into_owned(),
        slot: small_number(bytes, AT_SLOT),
        phase: PHASES.get(phase as usize).map_or(Phase::Compile, |(phase, _)| *phase),
    })
}

fn put(bytes: &mut [u8; SIZE], at: usize, field: &[u8]) {
    bytes[at..at + field.len()].copy_from_slice(field);
}

/// What fits into a name field and leaves room for its NUL.
fn as_c_string(text: &[u8]) -> &[u8] {
    let text = until_nul(text);
    &text[..text.len().min(NAME - 1)]
}

fn name(bytes: &[u8; SIZE], at: usize) -> &[u8] {
    until_nul(&bytes[at..at + NAME])
}

fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn number(bytes: &[u8; SIZE], at: usize) -> u64 {
    u64::from_ne_bytes(*bytes[at..].first_chunk().expect("the offset is a constant below the size"))
}

fn small_number(bytes: &[u8; SIZE], at: usize) -> u32 {
    u32::from_ne_bytes(*bytes[at..].first_chunk().expect("the offset is a constant below the size"))
}

/// The part of a path that a state file shows.
pub(crate) fn basename(path: &OsStr) -> &OsStr {
    let last = path.as_bytes().rsplit(|byte| *byte == b'/').next();
    OsStr::from_bytes(last.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn task(file: &str, host: &str) -> Task {
        Task { pid: 28877, file: file.into(), host: host.into(), slot: 3, phase: Phase::Compile }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn bytes_are_those_of_the_c_program() {
        let mut expected = [0; 296];
        put(&mut expected, 0, &[0x28, 1]);
        put(&mut expected, 8, b"\0HID");
        put(&mut expected, 16, &[0xcd, 0x70]);
        put(&mut expected, 24, b"hello.c");
        put(&mut expected, 152, b"red");
        put(&mut expected, 280, &[3, 0, 0, 0, 5]);
        assert_eq!(encode(&task("hello.c", "red")), expected);
    }

    #[track_caller]
    fn check_names(file: &str, host: &str, kept_file: &str, kept_host: &str) {
        assert_eq!(decode(&encode(&task(file, host))), Ok(task(kept_file, kept_host)));
    }

    #[test]
    fn names_are_cut_to_their_fields() {
        let (n127, n128, n500) = ("x".repeat(127), "x".repeat(128), "x".repeat(500));
        check_names("", "", "", "");
        check_names("hello.c", "localhost", "hello.c", "localhost");
        check_names(&n127, &n127, &n127, &n127);
        check_names(&n128, &n500, &n127, &n127);
        check_names("a\0b", "c\0", "a", "c");
    }

    #[track_caller]
    fn check_damage(at: usize, byte: u8, expected: Result<Phase, WhyNot>) {
        let mut bytes = encode(&task("hello.c", "red"));
        bytes[at] = byte;
        assert_eq!(decode(&bytes).map(|task| task.phase), expected);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn what_is_not_a_record() {
        check_damage(0, 0x18, Err(WhyNot::Size(280)));
        check_damage(8, 1, Err(WhyNot::Magic(0x4449_4801)));
        check_damage(20, 1, Err(WhyNot::Pid((1 << 32) + 28877)));
        check_damage(284, 2, Ok(Phase::Connect));
        check_damage(284, 8, Ok(Phase::Compile));
        check_damage(287, 255, Ok(Phase::Compile));
        check_damage(295, 255, Ok(Phase::Compile));
        assert_eq!(decode(&[]), Err(WhyNot::Short));
        assert_eq!(decode(&encode(&task("a", "b"))[..295]), Err(WhyNot::Short));
    }

    #[test]
    fn the_table_of_phases_is_in_order() {
        for (number, (phase, name)) in PHASES.iter().enumerate() {
            assert_eq!((*phase as usize, phase.to_string()), (number, format!("{phase:?}")));
            assert_eq!(&phase.to_string(), name);
        }
        assert_eq!(format!("{:<11}|", Phase::Send), "Send       |");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode(&bytes);
            let mut framed = encode(&task("a", "b"));
            let body = bytes.len().min(SIZE - AT_PID);
            put(&mut framed, AT_PID, &bytes[..body]);
            if let Ok(task) = decode(&framed) {
                prop_assert_eq!(decode(&encode(&task)).map(|again| again.file), Ok(task.file));
            }
        }
    }
}
