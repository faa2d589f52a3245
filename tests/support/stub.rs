//! Stand-ins for compilers: scripts that take their time, say where they are, and produce known bytes. Know nothing of C.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::distccd::make_executable;
use crate::workdir::Workdir;

/// A compiler that a test can hold and watch.
pub struct Stub {
    path: PathBuf,
    diary: PathBuf,
}

/// Its name in the directory that holds the others.
const NAME: &str = "stub-cc";

/// What the script notes when a compile starts and ends, one line each: a sign, and the process that did it.
const SCRIPT: &str = r#"#!/bin/sh
# With -E: the source as it is, at once or after a noted while. Otherwise: a noted while, then an object of known bytes.
out= in= expand=
note() { echo "$1 $$" >>DIARY; }
# Like a compiler driver, it takes its child along when a signal ends it.
work() {
    sleep "$1" &
    for signal in HUP INT TERM; do trap "kill $!; trap - $signal; kill -$signal $$" $signal; done
    # Not before: whoever reads this may send a signal at once.
    note +
    wait $!
    note -
}
while [ $# -gt 0 ]; do
    case $1 in
    -o) out=$2; shift ;;
    -E) expand=1 ;;
    *.c | *.i) in=$1 ;;
    esac
    shift
done
if [ "$expand" ]; then
    if [ EXPANDING != 0 ]; then work EXPANDING; fi
    if [ "$out" ]; then exec cat "$in" >"$out"; else exec cat "$in"; fi
fi
work COMPILING
printf 'object\n' >"$out"
"#;

/// The object that a stub compiler makes of anything.
pub const OBJECT: &[u8] = b"object\n";

impl Stub {
    /// A compiler whose compiles take `seconds` and whose preprocessor takes no time.
    pub fn new(work: &Workdir, seconds: &str) -> Stub {
        Stub::write(work, "0", seconds)
    }

    /// A compiler whose preprocessor takes `seconds`; only that is noted.
    pub fn with_slow_preprocessor(work: &Workdir, seconds: &str) -> Stub {
        Stub::write(work, seconds, "0")
    }

    fn write(work: &Workdir, expanding: &str, compiling: &str) -> Stub {
        let diary = work.open_dir("diary").join("diary");
        fs::write(&diary, "").expect("a file in a directory of ours");
        fs::set_permissions(&diary, Permissions::from_mode(0o666)).expect("a file of ours");
        let path = work.path().join(NAME);
        let script = SCRIPT.replace("DIARY", &diary.to_string_lossy());
        let script = script.replace("EXPANDING", expanding).replace("COMPILING", compiling);
        fs::write(&path, script).expect("a file in a directory of ours");
        make_executable(&path);
        Stub { path, diary }
    }

    /// Whether there is one.
    pub(crate) fn is_in(work: &Workdir) -> bool {
        work.path().join(NAME).exists()
    }

    /// The compiler's absolute path, as a word of a command line.
    pub fn word(&self) -> &str {
        self.path.to_str().expect("temporary paths are plain")
    }

    /// What has happened so far.
    pub fn diary(&self) -> Diary {
        Diary::parse(&fs::read_to_string(&self.diary).expect("a file of ours"))
    }

    /// Which compiles run now, by process.
    pub fn running(&self) -> Vec<u32> {
        self.diary().open.into_iter().filter(|&pid| is_alive(pid)).collect()
    }
}

/// A process that has ended and only waits to be asked how is not alive.
fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// The course of all compiles of one stub.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Diary {
    /// How many have started.
    pub started: usize,
    /// How many have come to their end.
    pub ended: usize,
    /// How many at most ran at the same time.
    pub most: usize,
    /// Those that have started and not ended: they run, or were killed.
    pub open: Vec<u32>,
}

impl Diary {
    fn parse(text: &str) -> Diary {
        let mut diary = Diary::default();
        for (sign, pid) in text.lines().filter_map(|line| line.split_once(' ')) {
            let pid = pid.parse().expect("the script writes its process id");
            if sign == "+" {
                diary.started += 1;
                diary.open.push(pid);
            } else {
                diary.ended += 1;
                diary.open.retain(|&open| open != pid);
            }
            diary.most = diary.most.max(diary.open.len());
        }
        diary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, started: usize, ended: usize, most: usize, open: &[u32]) {
        assert_eq!(Diary::parse(text), Diary { started, ended, most, open: open.to_vec() });
    }

    #[test]
    fn counts_what_runs_at_once() {
        check("", 0, 0, 0, &[]);
        check("+ 1\n+ 2\n- 1\n+ 3\n- 3\n- 2\n", 3, 3, 2, &[]);
        check("+ 1\n+ 2\n+ 3\n- 2\n", 3, 1, 3, &[1, 3]);
    }
}
