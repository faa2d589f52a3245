//! The client's variables, one after the other: what each changes and what it leaves as it was.

use std::fs;
use std::time::Duration;

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup, make_executable};
use test_hosts::process::Outcome;
use test_hosts::stub::Stub;
use test_hosts::workdir::{Workdir, names_in};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");
const NOWHERE: &str = "127.0.0.1:1";
const GCC: [&str; 5] = ["gcc", "-c", "x.c", "-o", "x.o"];

/// A daemon and a source that compiles.
struct Scene {
    work: Workdir,
    daemon: Distccd,
}

impl Scene {
    fn new() -> Scene {
        let scene = Scene { work: Workdir::new(), daemon: Distccd::start(&Setup::of(DISTCCD)) };
        scene.work.write("x.c", "int x;\n");
        scene.work.write("bad.c", "int x = y;\n");
        scene
    }

    fn client(&self, variables: &[(&str, &str)]) -> Client<'_> {
        let client = Client::new(DISTCC, &self.work, &self.daemon.host()).env("DISTCC_FALLBACK", "0");
        variables.iter().fold(client, |client, (name, value)| client.env(name, value))
    }

    /// Without this, a compile error is answered as though by `DISTCC_FALLBACK=0`.
    fn falling_back(&self, variables: &[(&str, &str)]) -> Client<'_> {
        self.client(variables).env("DISTCC_FALLBACK", "1")
    }
}

#[track_caller]
fn check_said(outcome: Outcome, expected: &[&str]) {
    let said = outcome.err();
    let (lines, count) = (said.lines().collect::<Vec<_>>(), expected.len());
    assert!(
        lines.len() == count && lines.iter().zip(expected).all(|(line, part)| line.contains(part)),
        "{said}"
    );
}

#[test]
fn distcc_verbose() {
    let scene = Scene::new();
    for value in ["0", "", "2", "yes"] {
        check_said(scene.client(&[("DISTCC_VERBOSE", value)]).run(&GCC).good(), &[]);
    }
    let verbose = scene.client(&[("DISTCC_VERBOSE", "1")]);
    check_said(verbose.run(&GCC).good(), &["] compile x.c on 127.0.0.1:"]);
    check_said(verbose.run(&["gcc", "x.o", "-shared", "-o", "x.so"]).good(), &["] local: link: "]);
}

#[test]
fn distcc_log() {
    let scene = Scene::new();
    let log = scene.work.path().join("log");
    fs::write(&log, "before\n").unwrap();
    check_said(scene.client(&[("DISTCC_LOG", log.to_str().unwrap())]).run(&GCC).good(), &[]);
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.starts_with("before\ndistcc[") && text.ends_with(" completed ok\n"), "{text}");

    check_said(scene.client(&[("DISTCC_LOG", "")]).run(&GCC).good(), &[]);
    let nowhere = scene.client(&[("DISTCC_LOG", "/nowhere/log")]);
    check_said(nowhere.run(&GCC).good(), &["ERROR: failed to open logfile /nowhere/log: No such file"]);
    // It outranks the descriptor that ccache names, and is made where it is missing.
    let made = scene.work.path().join("made");
    let both = scene.client(&[("DISTCC_LOG", made.to_str().unwrap()), ("UNCACHED_ERR_FD", "2")]);
    check_said(both.run(&GCC).good(), &[]);
    assert!(fs::read_to_string(made).unwrap().ends_with(" completed ok\n"));
}

#[test]
fn distcc_skip_local_retry() {
    let scene = Scene::new();
    let words = ["gcc", "-c", "bad.c"];
    let failed = "failed with exit code 1";
    let (retry, skip) = (("DISTCC_VERBOSE", "1"), ("DISTCC_SKIP_LOCAL_RETRY", ""));
    let plain = scene.falling_back(&[]).run_plain(&words);
    let retried = scene.falling_back(&[]).run(&words);
    assert_eq!((retried.code(), retried.err()), (plain.code(), plain.err()));
    // Only a compiler that has the file can quote it.
    assert!(plain.err().contains("int x = y;"));
    let skipped = scene.falling_back(&[skip, retry]).run(&words);
    assert_eq!(skipped.code(), Some(1));
    assert!(skipped.err().contains(failed) && !skipped.err().contains("int x = y;"), "{}", skipped.err());
    assert!(skipped.err().contains("bad.c:1:9: error: "), "{}", skipped.err());
}

#[test]
fn distcc_no_rewrite_cross() {
    let scene = Scene::new();
    let check = |variables: &[(&str, &str)], compiler: &str| {
        let why = scene.client(variables).run(&["--why", "gcc", "-c", "x.c"]).good().out();
        assert!(why.starts_with(&format!("remote: {compiler} ")), "{why}");
        scene.client(variables).run(&GCC).good();
    };
    let cross = format!("{}-linux-gnu-gcc", std::env::consts::ARCH);
    if std::path::Path::new("/usr/bin").join(&cross).exists() {
        check(&[], &cross);
        scene.daemon.assert_served(1);
        assert!(scene.daemon.log().contains(&format!("ms {cross} x.c\n")));
    }
    let served = scene.daemon.count("COMPILE_OK");
    check(&[("DISTCC_NO_REWRITE_CROSS", "")], "gcc");
    scene.daemon.assert_served(served + 1);
    assert!(scene.daemon.log().contains("ms gcc x.c\n"), "{}", scene.daemon.log());
}

/// In distcc 3.4 it is how long a client sleeps that finds no free slot.
#[test]
fn distcc_pause_time_msec() {
    let scene = Scene::new();
    let stub = Stub::new(&scene.work, "0.2");
    let hosts = format!("{}/1", scene.daemon.host());
    let client = scene.client(&[("DISTCC_PAUSE_TIME_MSEC", "60000"), ("DISTCC_HOSTS", &hosts)]);
    let outputs = ["1.o", "2.o", "3.o"];
    let waiting = outputs.map(|output| client.start(&[stub.word(), "-c", "x.c", "-o", output]));
    for client in waiting {
        client.finish(Duration::from_secs(20)).good();
    }
    assert_eq!(stub.diary().most, 1);
}

#[test]
fn distcc_save_temps() {
    let scene = Scene::new();
    scene.work.write("x.cc", "#define NAME y\nint NAME;\n");
    let kept = || names_in(&scene.work.tmp());
    scene.client(&[("DISTCC_SAVE_TEMPS", "0")]).run(&GCC).good();
    assert_eq!(kept(), [""; 0]);
    let client = scene.client(&[("DISTCC_SAVE_TEMPS", "1"), ("DISTCC_VERBOSE", "1")]);
    let said = client.run(&["g++", "-c", "x.cc"]).good().err();
    let [name] = &kept()[..] else { panic!("{:?}", kept()) };
    let path = scene.work.tmp().join(name);
    assert!(name.starts_with("distcc_") && name.ends_with(".ii"), "{name}");
    assert!(said.contains(&format!("kept the preprocessed text: {}\n", path.display())), "{said}");
    assert!(fs::read_to_string(path).unwrap().ends_with("int y;\n"));
    // Where nothing can be kept the job goes on.
    let nowhere = scene.client(&[("DISTCC_SAVE_TEMPS", "1"), ("TMPDIR", "/nowhere")]);
    check_said(nowhere.run(&GCC).good(), &["Warning: cannot keep the preprocessed text in /nowhere: "]);
}

#[test]
fn distcc_backoff_period_leaves_a_failed_host_alone() {
    let scene = Scene::new();
    let hosts = format!("{NOWHERE} {}", scene.daemon.host());
    let check = |period: &str, second: &[&str]| {
        let _ = fs::remove_dir_all(scene.work.distcc_dir().join("lock"));
        let client = scene.client(&[("DISTCC_HOSTS", &hosts), ("DISTCC_BACKOFF_PERIOD", period)]);
        let failed = ["Warning: cannot compile x.c on 127.0.0.1:1: "];
        check_said(client.run(&GCC).good(), &failed);
        check_said(client.run(&GCC).good(), second);
    };
    check("60", &[]);
    check("", &[]);
    check("0", &["Warning: cannot compile x.c on 127.0.0.1:1: "]);
}

/// A preprocessor finds headers as it does without us.
#[test]
fn cpath() {
    let scene = Scene::new();
    fs::create_dir(scene.work.src().join("include")).unwrap();
    scene.work.write("include/far.h", "int far;\n");
    for (name, source) in [("CPATH", "x.c"), ("C_INCLUDE_PATH", "x.c"), ("CPLUS_INCLUDE_PATH", "x.cc")] {
        scene.work.write(source, "#include <far.h>\n");
        scene.client(&[(name, "include")]).run(&["gcc", "-c", source]).good();
    }
    scene.daemon.assert_served(3);
}

/// `PATH` is where compilers are looked for, `HOME` where locks are when DISTCC_DIR does not say otherwise.
#[test]
fn path_and_home() {
    let scene = Scene::new();
    let bin = scene.work.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("gcc"), "#!/bin/sh\nexec /usr/bin/gcc -DFROM_BIN \"$@\"\n").unwrap();
    make_executable(&bin.join("gcc"));
    scene.work.write("x.c", "#ifdef FROM_BIN\nint x;\n#else\n#error not from bin\n#endif\n");
    let path = format!("{}:/usr/bin:/bin", bin.display());
    scene.client(&[("PATH", &path), ("DISTCC_NO_REWRITE_CROSS", "")]).run(&GCC).good();
    let mut command = scene.client(&[("PATH", &path)]).command(DISTCC);
    command.args(GCC).env_remove("DISTCC_DIR");
    test_hosts::process::run(command).good();
    assert!(scene.work.home().join(".distcc/lock").exists());
}

/// A build is never told; who asks is, and so is whoever reads logs.
#[test]
fn variables_without_effect() {
    let scene = Scene::new();
    let check = |name: &str, missed: bool| {
        check_said(scene.client(&[(name, "1")]).run(&GCC).good(), &[]);
        let told = format!("{name} has no effect: ");
        let verbose = scene.client(&[(name, "1"), ("DISTCC_VERBOSE", "1")]);
        assert!(verbose.run(&GCC).good().err().contains(&told), "{name}");
        for question in [&["--why", "gcc", "-c", "x.c"][..], &["--show-hosts"], &["-j"]] {
            let said = scene.client(&[(name, "1")]).run(question).good().err();
            assert_eq!(said.contains(&format!("Warning: {told}")), missed, "{name} {question:?}: {said}");
        }
    };
    for name in ["DISTCC_PRINCIPAL", "DISTCC_ENABLE_DISCREPANCY_EMAIL", "DISTCC_EMAILLOG_WHOM_TO_BLAME"] {
        check(name, true);
    }
    for name in ["DISTCC_TCP_CORK", "DISTCC_PAUSE_TIME_MSEC", "INCLUDE_SERVER_STUB"] {
        check(name, false);
    }
}
