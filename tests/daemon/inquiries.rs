//! What the daemon tells of its compilers, and jobs that only one certain compiler may do. Knows nothing of our client.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;
use std::thread;

use nix::libc;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use test_hosts::distccd::{Distccd, Setup, make_executable};
use test_hosts::need;
use test_hosts::process::{clean, run};
use test_hosts::stub::Stub;
use test_hosts::wait::{wait_for, wait_until};
use test_hosts::workdir::Workdir;

use crate::daemon::{Daemon, SOON};
use crate::wire::{answer, connect, exchange, read_all, request};

/// It makes code for no x86.
const CROSS: &str = "aarch64-linux-gnu-gcc";

const SOURCE: &str = "int f(int a) { return a + 1; }\n";

/// What the daemon tells whoever asks about these compilers.
#[track_caller]
pub(crate) fn told(daemon: &Daemon, names: &[&str]) -> String {
    text_of(&exchange(daemon.address(), &inquiry(names)))
}

pub(crate) fn inquiry(names: &[&str]) -> Vec<u8> {
    let text: String = names.iter().map(|name| format!("compiler {name}\n")).collect();
    format!("DIST0000da01ASKT{:08x}{text}", text.len()).into_bytes()
}

/// What stands under the TELL of an answer.
#[track_caller]
pub(crate) fn text_of(answer: &[u8]) -> String {
    let answer = String::from_utf8(answer.to_vec()).unwrap();
    let (length, text) = answer.strip_prefix("DONE0000da01TELL").expect(&answer).split_at(8);
    assert_eq!(usize::from_str_radix(length, 16).unwrap(), text.len());
    text.to_owned()
}

/// The fingerprint of what compiles C in the first line about this compiler; `-` if it has none.
#[track_caller]
pub(crate) fn fingerprint(told: &str, name: &str) -> String {
    let line = told.lines().find(|line| line.starts_with(&format!("compiler {name} "))).expect(told);
    let mut languages = line.split(' ').filter_map(|word| word.strip_prefix("language="));
    let c = languages.find(|language| language.split(':').next().unwrap().split(',').any(|name| name == "c"));
    c.and_then(|c| c.split(':').nth(1)).unwrap_or("-").to_owned()
}

pub(crate) fn proof(fingerprint: &str) -> Vec<u8> {
    proof_that_says(&format!("fingerprint {fingerprint}\n"))
}

fn proof_that_says(text: &str) -> Vec<u8> {
    format!("DIST0000da01PROV{:08x}{text}", text.len()).into_bytes()
}

/// A copy of gcc's driver, which can be replaced.
fn own_gcc(work: &Workdir) -> String {
    let gcc = work.open_dir("bin").join("gcc");
    fs::copy("/usr/bin/gcc", &gcc).unwrap();
    // It looks for its parts beside itself.
    symlink("/usr/lib", work.path().join("lib")).unwrap();
    gcc.to_str().unwrap().to_owned()
}

/// Puts another program in its place, which does the same.
fn replace(gcc: &str) {
    let other = Path::new(gcc).with_extension("new");
    fs::copy(gcc, &other).unwrap();
    OpenOptions::new().append(true).open(&other).unwrap().write_all(b"other").unwrap();
    fs::rename(other, gcc).unwrap();
}

#[test]
fn what_there_is() {
    let daemon = Daemon::insecure(&["--jobs", "3"]);
    let mut machine = clean("gcc");
    machine.arg("-dumpmachine");
    let target = run(machine).out();
    let other = format!("{}-gcc", target.trim());
    let text = told(&daemon, &["gcc", &other, "no-such-cc"]);
    let lines: Vec<&str> = text.lines().collect();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        lines[..3],
        [format!("server distcc-arch {version}").as_str(), "slots 3", "features lzo native pump"]
    );
    let arch = std::env::consts::ARCH;
    assert!(lines[3].starts_with("targets ") && lines[3].contains(&format!(" {arch}-")), "{text}");
    assert!(lines[4].starts_with(&format!("compiler gcc target={arch}-")), "{text}");
    assert!(lines[4].contains(&format!(" machine={arch} language=c")), "{text}");
    assert_eq!(fingerprint(&text, "gcc").len(), 64, "{text}");
    assert_eq!(fingerprint(&text, &other), fingerprint(&text, "gcc"));
    assert!(text.ends_with("\nmissing no-such-cc no-such-cc: no such program on the PATH of this server\n"));
    daemon.wait_for_log("] told what there is here (from 127.0.0.1:");
    assert!(!daemon.log().contains("(dcc_job_summary)"), "{}", daemon.log());
    assert!(told(&Daemon::insecure(&["--pump=off"]), &["no-such-cc"]).contains("\nfeatures lzo native\n"));
}

#[test]
fn who_names_nothing_is_told_of_all_that_may_be_run() {
    let work = Workdir::new();
    let list = work.write("list", "/usr/bin/gcc\n");
    let daemon = Daemon::start(&[], &[("DISTCC_CMDLIST", list.to_str().unwrap())]);
    let text = told(&daemon, &[]);
    let compilers: Vec<&str> = text.lines().filter(|line| line.starts_with("compiler ")).collect();
    assert!(compilers.len() == 1 && compilers[0].starts_with("compiler gcc "), "{text}");
    assert!(!text.contains("missing "), "{text}");
    assert!(told(&daemon, &["clang"]).contains("\nmissing clang clang is not permitted here\n"));
}

/// What a job could not have is not even asked what it is.
#[test]
fn a_path_means_what_it_means_in_a_job() {
    let work = Workdir::new();
    let was_run = work.open_dir("traces").join("trace");
    let other = work.write("gcc-9", format!("#!/bin/sh\n: > {}\n", was_run.display()));
    make_executable(&other);
    let list = work.write("list", "/usr/bin/gcc\n");
    let listed = Daemon::start(&[], &[("DISTCC_CMDLIST", list.to_str().unwrap())]);
    let [other, above] = [other.to_str().unwrap().to_owned(), "../gcc".to_owned()];
    for (daemon, name) in [(&listed, &other), (&Daemon::insecure(&[]), &above)] {
        let told = told(daemon, &[name]);
        let missing = format!("\nmissing {name} {name} is not permitted here\n");
        assert!(told.contains(&missing) && !told.contains("\ncompiler "), "{told}");
    }
    assert!(!was_run.exists());
}

#[test]
fn an_inquiry_waits_for_no_compiler() {
    let daemon = Daemon::insecure(&["--jobs", "1"]);
    let stub = Stub::new(&daemon.work, "600");
    let mut busy = connect(daemon.address());
    busy.write_all(&request(&[stub.word(), "-c", "t.c", "-o", "t.o"], b"")).unwrap();
    wait_until(SOON, "a compiler at work", || stub.running().len() == 1);
    assert!(told(&daemon, &["gcc"]).contains("\ncompiler gcc "));
}

#[test]
fn a_proof_that_holds() {
    let daemon = Daemon::insecure(&[]);
    let gcc = request(&["gcc", "-c", "t.c", "-o", "t.o"], SOURCE.as_bytes());
    let fits = proof(&fingerprint(&told(&daemon, &["gcc"]), "gcc"));
    assert!(exchange(daemon.address(), &[fits, gcc.clone()].concat()) == exchange(daemon.address(), &gcc));
    daemon.wait_for_log(" COMPILE_OK exit:0 sig:0 core:0 ret:0 time:");
}

#[test]
fn words_for_the_processor_of_the_client() {
    let daemon = Daemon::insecure(&[]);
    let told = told(&daemon, &["gcc", "clang", CROSS]);
    let answer = |name: &str, processor: &str, options: &[&str]| {
        let proof = proof_that_says(&format!("processor {} {processor}\n", fingerprint(&told, name)));
        let args = [&[name], options, &["-c", "t.c", "-o", "t.o"]].concat();
        exchange(daemon.address(), &[proof, request(&args, SOURCE.as_bytes())].concat())
    };
    let plain = request(&["gcc", "-march=haswell", "-mno-fma", "-c", "t.c", "-o", "t.o"], SOURCE.as_bytes());
    let plain = exchange(daemon.address(), &plain);
    assert!(answer("gcc", "-march=haswell -mno-fma", &["-march=client"]) == plain);
    assert!(answer("gcc", "-march=haswell", &["-march=client", "-mno-fma", "-mtune=client"]) == plain);
    let unproven = request(&["gcc", "-march=client", "-c", "t.c", "-o", "t.o"], SOURCE.as_bytes());
    let unproven = exchange(daemon.address(), &unproven);
    assert!(String::from_utf8_lossy(&unproven).contains("-march="), "only a proof gives it a meaning");
    let refused = |name: &str, processor: &str, expected: &str| {
        let text = text_of(&answer(name, processor, &["-march=client"]));
        assert_eq!(text, format!("refused compiler {expected}\n"));
    };
    refused("gcc", "-mavx %x", "\"%x\" says nothing of a processor");
    refused("gcc", &"-mavx ".repeat(301), "301 words of 1806 bytes for a processor");
    refused("clang", "-mavx", "/usr/bin/clang cannot be told of processors");
    if let Some(cross) = need::program(CROSS, "install gcc-aarch64-linux-gnu (Debian)") {
        refused(CROSS, "-march=armv8-a", &format!("{} cannot be told of processors", cross.display()));
    }
}

#[test]
fn a_proof_that_does_not_hold() {
    let daemon = Daemon::insecure(&[]);
    let refused = |name: &str, expected: &str| {
        let args = [name, "-c", "t.c", "-o", "t.o"];
        let long = " ".repeat(5_000_000) + SOURCE;
        let message = [proof(&"5".repeat(64)), request(&args, long.as_bytes())].concat();
        let mut stream = connect(daemon.address());
        stream.write_all(&message).expect("all is read, though none is wanted");
        let text = text_of(&read_all(&mut stream));
        assert!(text.starts_with(&format!("refused compiler {expected}")), "{text}");
    };
    refused("gcc", "gcc is not the client's here, but gcc 1");
    refused("no-such-cc", "no-such-cc: no such program here; it has gcc ");
    daemon.wait_for_log(" OTHER exit:0 sig:0 core:0 ret:100 time:");
    daemon.wait_for_log("Warning: gcc is not the client's here, but gcc 1");
    daemon.wait_for_empty_spool();
}

/// It says the same of itself as gcc, but hides what compiles.
#[test]
fn a_script_proves_nothing() {
    let work = Workdir::new();
    let script = work.write("gcc", "#!/bin/sh\nexec /usr/bin/gcc -O1 \"$@\"\n");
    make_executable(&script);
    let daemon = Daemon::insecure(&[]);
    let [real, script] =
        ["gcc", script.to_str().unwrap()].map(|name| fingerprint(&told(&daemon, &[name]), name));
    assert_eq!((real.len(), script.as_str()), (64, "-"));
}

#[test]
fn a_compiler_that_is_replaced_between_two_jobs() {
    let work = Workdir::new();
    let gcc = own_gcc(&work);
    let daemon = Daemon::insecure(&[]);
    let job = request(&[&gcc, "-c", "t.c", "-o", "t.o"], SOURCE.as_bytes());
    let before = fingerprint(&told(&daemon, &[&gcc]), &gcc);
    let with = |fingerprint: &str| exchange(daemon.address(), &[proof(fingerprint), job.clone()].concat());
    assert_eq!(answer(&with(&before)).status, 0);
    replace(&gcc);
    assert!(text_of(&with(&before)).starts_with(&format!("refused compiler {gcc} is not the client's here")));
    let after = fingerprint(&told(&daemon, &[&gcc]), &gcc);
    assert_ne!(after, before);
    assert_eq!(answer(&with(&after)).status, 0);
}

/// The answer to a job with a proof, under which its compiler is changed: its assembler reads a pipe until that is closed.
fn done_during_a_job(work: &Workdir, gcc: &str, change: impl Fn(&str)) -> Vec<u8> {
    let pipe = work.open_dir("pipe").join("pipe");
    mkfifo(&pipe, Mode::S_IRUSR).unwrap();
    fs::set_permissions(&pipe, Permissions::from_mode(0o666)).unwrap();
    let daemon = Daemon::insecure(&[]);
    let fits = proof(&fingerprint(&told(&daemon, &[gcc]), gcc));
    let source = format!("asm(\".include \\\"{}\\\"\");\n", pipe.display());
    let mut stream = connect(daemon.address());
    let job = request(&[gcc, "-c", "t.c", "-o", "t.o"], source.as_bytes());
    stream.write_all(&[fits, job].concat()).unwrap();
    let write = || OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(&pipe).ok();
    let writer = wait_for(SOON, "an assembler that waits", write);
    change(gcc);
    drop(writer);
    read_all(&mut stream)
}

#[test]
fn a_compiler_that_is_replaced_during_a_job() {
    let work = Workdir::new();
    let gcc = own_gcc(&work);
    let text = text_of(&done_during_a_job(&work, &gcc, replace));
    assert_eq!(text, format!("refused compiler {gcc} has been replaced while it compiled\n"));
}

#[test]
fn a_compiler_that_is_written_anew_during_a_job() {
    let work = Workdir::new();
    let gcc = own_gcc(&work);
    let same_again = |gcc: &str| {
        let copy = Path::new(gcc).with_extension("copy");
        fs::copy(gcc, &copy).unwrap();
        fs::rename(copy, gcc).unwrap();
    };
    assert_eq!(answer(&done_during_a_job(&work, &gcc, same_again)).status, 0);
}

#[test]
fn many_ask_at_once() {
    let daemon = Daemon::insecure(&[]);
    let all: Vec<String> = thread::scope(|scope| {
        let asking: Vec<_> = (0..20).map(|_| scope.spawn(|| told(&daemon, &["gcc", "g++"]))).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(all.iter().all(|text| text == &all[0] && text.contains("\ncompiler g++ ")), "{all:?}");
}

#[test]
fn a_daemon_of_distcc_3_closes_at_once() {
    let Some(c) = need::c_distcc() else { return };
    let daemon = Distccd::start(&Setup::of(c.distccd));
    let at = daemon.host().parse().unwrap();
    assert_eq!(exchange(at, b"DIST0000da01ASKT00000000"), b"");
    assert_eq!(
        answer(&exchange(at, &request(&["gcc", "-c", "t.c", "-o", "t.o"], SOURCE.as_bytes()))).status,
        0
    );
    daemon.comes_to_tell("REJ_BAD_REQ", 1);
}
