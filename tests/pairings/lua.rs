//! The sources of Lua, compiled by make into directories of objects. Knows nothing of who compiles.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use test_hosts::client::Client;
use test_hosts::process::{Outcome, Running, clean, run};
use test_hosts::workdir::Workdir;

const LONGEST_BUILD: Duration = Duration::from_secs(180);
/// Without -O, gcc puts in `nop`s according to columns, which preprocessed text has lost, whoever sends it.
const MAKEFILE: &str = "all: $(patsubst lua/%.c,$(OUT)/%.o,$(wildcard lua/*.c))\n\
                        $(OUT)/%.o: lua/%.c\n\t$(CC) -O1 -w -Ilua -c $< -o $@\n";

/// A copy of them.
pub(crate) struct Sources<'a> {
    work: &'a Workdir,
    objects: Vec<String>,
}

impl<'a> Sources<'a> {
    /// Copies them from Lua's tree.
    pub(crate) fn of(lua: &Path, work: &'a Workdir) -> Sources<'a> {
        let mut copy = clean("cp");
        copy.arg("-r").arg(lua.join("src")).arg(work.src().join("lua"));
        run(copy).good();
        work.write("Makefile", MAKEFILE);
        let entries = fs::read_dir(work.src().join("lua")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let objects = names.filter_map(|name| Some(format!("{}.o", name.strip_suffix(".c")?))).collect();
        Sources { work, objects }
    }

    /// The names of what is made of them.
    pub(crate) fn objects(&self) -> Vec<String> {
        self.objects.clone()
    }

    /// Where one of them is.
    pub(crate) fn object(&self, directory: &str, name: &str) -> PathBuf {
        self.work.src().join(directory).join(name)
    }

    /// Compiles them without distcc into the directory `here`.
    pub(crate) fn compile_here(&self, compiler: &str) {
        let state = Workdir::new();
        self.compile(&Client::new("distcc", &state, ""), compiler, "here");
    }

    /// Compiles them in the client's environment into a directory that is then made anew.
    pub(crate) fn compile(&self, calling: &Client, compiler: &str, directory: &str) -> Outcome {
        let place = self.work.src().join(directory);
        let _ = fs::remove_dir_all(&place);
        fs::create_dir(place).unwrap();
        let mut make = calling.command("make");
        make.args(["-s", "-j8", &format!("CC={compiler}"), &format!("OUT={directory}")]);
        make.current_dir(self.work.src());
        Running::start(make).finish(LONGEST_BUILD).good()
    }
}
