//! A server's native gcc in place of an i686 compiler that it does not have. Knows nothing of how it is told to.

use std::fs;

use test_hosts::distccd::make_executable;
use test_hosts::need;
use test_hosts::process::Outcome;
use test_hosts::workdir::Workdir;

use crate::toolbox::Toolbox;
use crate::{DISTCCD, SOURCE, STRANGER, client, daemon};

/// What the client has, and the server has not.
const I686: &str = "i686-pc-linux-gnu-gcc";

/// A client with a gcc 12 for i686, as far as anybody can tell.
struct Site {
    work: Workdir,
    path: String,
    host: String,
}

impl Site {
    /// Compiles with these words, and panics unless it comes to what the client's own compiler makes.
    #[track_caller]
    fn compile(&self, words: &[&str]) -> Outcome {
        let words = [&[I686], words, &["-c", "x.c", "-o", "x.o"]].concat();
        let object = self.work.src().join("x.o");
        let client = client(&self.work, &self.host).env("PATH", &self.path);
        client.run_plain(&words).good();
        let expected = fs::read(&object).expect("an object");
        let outcome = client.run(&words).good();
        assert!(fs::read(&object).expect("an object") == expected, "{words:?}: {}", outcome.err());
        outcome
    }
}

#[test]
fn only_where_the_objects_are_the_same() {
    if !cfg!(target_arch = "x86_64") || need::program("gcc-11", "install gcc-11 (Debian)").is_none() {
        return;
    }
    let work = Workdir::new();
    work.write("x.c", SOURCE);
    let bin = work.open_dir("bin");
    // Like one for that target it has no -m32 in its commands, which only -g would show.
    let here = "#!/bin/sh\ncase \" $* \" in *' -march='*) words=;; *) words='-march=i686 -mtune=generic';; esac\n\
        exec /usr/bin/gcc-12 $words \"$@\" -m32\n";
    let compiler = bin.join(I686);
    fs::write(&compiler, here).expect("a directory of ours");
    make_executable(&compiler);
    let toolchains = work.write("toolchains.toml", "multilib = true\n");
    let started = bin.join("distccd");
    let start = format!("#!/bin/sh\nDISTCCD_TOOLCHAINS='{}' exec {DISTCCD} \"$@\"\n", toolchains.display());
    fs::write(&started, start).expect("a directory of ours");
    make_executable(&started);
    let native = Toolbox::of("gcc-12");
    let daemon = daemon(started.to_str().expect("a name of ours"), &native);
    let path = format!("{}:{}", bin.display(), test_hosts::settings::PATH);
    let site = Site { work, path, host: daemon.host() };
    let done = || daemon.log().matches("gcc x.c on localhost completed ok").count();
    assert_eq!(site.compile(&["-O2"]).err(), "");
    assert_eq!(site.compile(&["-O2", "-march=pentium4"]).err(), "");
    assert_eq!(done(), 2, "{}", daemon.log());
    // Another job is still welcome there.
    let told = site.compile(&["-O2", "-g"]).err();
    assert_eq!((done(), told.matches(STRANGER).count()), (2, 0), "{told}{}", daemon.log());
    assert_eq!(
        told.matches(&format!("does not compile x.c: gcc -m32 stands in for {I686}")).count(),
        1,
        "{told}"
    );
    assert_eq!(site.compile(&["-O2"]).err(), "");
    assert_eq!(done(), 3, "{}", daemon.log());
    // What is known of it is not what it proves any more.
    native.put("gcc-11");
    let told = site.compile(&["-O2"]).err();
    assert_eq!((done(), told.matches(STRANGER).count()), (3, 1), "{told}{}", daemon.log());
}
