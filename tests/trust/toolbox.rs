//! A directory of compilers that comes first on a search path. Knows nothing of who looks there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use test_hosts::distccd::make_executable;
use test_hosts::process::{clean, run};
use test_hosts::settings::PATH;
use test_hosts::workdir::{Workdir, names_in};

use crate::GCC;

/// Everybody may look into it.
pub(crate) struct Toolbox {
    work: Workdir,
}

impl Toolbox {
    /// Nothing in front of what the machine has.
    pub(crate) fn empty() -> Toolbox {
        let work = Workdir::new();
        work.open_dir("bin");
        Toolbox { work }
    }

    /// gcc, by its short and its long name, is `compiler` of the machine.
    pub(crate) fn of(compiler: &str) -> Toolbox {
        let toolbox = Toolbox::empty();
        toolbox.put(compiler);
        toolbox
    }

    /// From now on gcc is `compiler`. At no time is there none.
    pub(crate) fn put(&self, compiler: &str) {
        for name in ["gcc", GCC] {
            let new = self.place().join("new");
            symlink(Path::new("/usr/bin").join(compiler), &new).expect("a new name");
            fs::rename(new, self.place().join(name)).expect("a directory of ours");
        }
    }

    /// gcc is this script.
    pub(crate) fn put_script(&self, script: &str) {
        for name in ["gcc", GCC] {
            let file = self.place().join(name);
            fs::write(&file, script).expect("a directory of ours");
            make_executable(&file);
        }
    }

    /// gcc is a copy of the machine's whose compiler proper has been changed by `spoil`.
    pub(crate) fn put_copy(&self, spoil: impl Fn(&mut [u8])) {
        let proper = |name: &str| {
            let mut gcc = clean("gcc");
            gcc.arg(format!("-print-prog-name={name}"));
            PathBuf::from(run(gcc).good().out().trim())
        };
        let cc1 = proper("cc1");
        let inside = cc1.strip_prefix("/usr").expect("a compiler of Debian's");
        let copy = self.work.path().join(inside);
        fs::create_dir_all(copy.parent().expect("a file's")).expect("a directory of ours");
        // What else belongs to it stays where it is.
        for part in names_in(cc1.parent().expect("a file's")).iter().filter(|part| *part != "cc1") {
            symlink(cc1.with_file_name(part), copy.with_file_name(part)).expect("a new name");
        }
        let mut bytes = fs::read(&cc1).expect("a compiler");
        spoil(&mut bytes);
        fs::write(&copy, bytes).expect("a directory of ours");
        make_executable(&copy);
        for name in ["gcc", GCC] {
            let file = self.place().join(name);
            fs::copy("/usr/bin/gcc", &file).expect("gcc");
            make_executable(&file);
        }
    }

    /// The copy does without this part of gcc.
    pub(crate) fn remove_part(&self, name: &str) {
        let mut gcc = clean(self.place().join("gcc"));
        gcc.arg(format!("-print-prog-name={name}"));
        let part = PathBuf::from(run(gcc).good().out().trim());
        assert!(part.starts_with(self.work.path()), "{}", part.display());
        fs::remove_file(part).expect("a directory of ours");
    }

    /// This, and then what the machine has.
    pub(crate) fn path(&self) -> String {
        format!("{}:{PATH}", self.place().display())
    }

    fn place(&self) -> PathBuf {
        self.work.path().join("bin")
    }
}
