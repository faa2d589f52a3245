//! Compilers inside another root, run by a daemon outside: what they make is what they make in there, and nothing of it
//! stays. Knows nothing of clients but their bytes.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::thread;

use nix::sys::signal::Signal;
use test_hosts::need;
use test_hosts::process::{clean, run};
use test_hosts::wait::wait_until;
use test_hosts::workdir::Workdir;

use crate::daemon::{DISTCCD, Daemon, SOON};
use crate::project::Project;
use crate::wire::{Answer, answer, ask, connect, exchange, read_all, request};

const GCC: &str = "i686-linux-gnu-gcc";
const GXX: &str = "i686-linux-gnu-g++";

/// As a preprocessor leaves it that was called with -g in /the/client.
const TEXT: &str =
    "# 1 \"src/t.c\"\n# 1 \"/the/client//\"\n# 1 \"src/t.c\"\nlong f(long a) { return a * 3 + sizeof a; }\n";

/// Runs a shell script with the root as its `/`, and this directory of ours at its own path; mounts are this process's
/// alone and go with it.
fn inside(root: &Path, directory: &Path, script: &str) -> Command {
    const ENTER: &str = r#"mount -t tmpfs tmpfs "$1/tmp" && mkdir -p "$1$2" && mount --bind "$2" "$1$2" &&
        exec chroot "$1" sh -c 'cd "$1" && eval "$2"' sh "$2" "$3""#;
    let mut command = clean("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", ENTER, "sh"]);
    command.args([root, directory]).arg(script).env("PWD", directory);
    command
}

/// A daemon that has no compilers but those of this root, which it sees at `DIRECTORY/root`: where the root is, only we
/// may go.
fn daemon_for(root: &Path, options: &[&str]) -> (Daemon, Workdir) {
    let work = Workdir::new();
    fs::create_dir(work.path().join("root")).unwrap();
    let daemon = daemon_in(&work, "root", Some(root), Jail::None, options);
    (daemon, work)
}

/// What a daemon is in.
#[derive(PartialEq, Eq)]
enum Jail {
    None,
    /// The kernel gives no namespaces to those whose `/` was changed.
    WithoutNamespaces,
}

/// The same of `DIRECTORY/NAME`, with this one seen at `DIRECTORY/root` if there is one.
fn daemon_in(work: &Workdir, name: &str, bound: Option<&Path>, jail: Jail, options: &[&str]) -> Daemon {
    let [toolchains, at, named] = ["toolchains.toml", "root", name].map(|name| work.path().join(name));
    fs::write(&toolchains, format!("[toolchain.i686]\nroot = \"{}\"\n", named.display())).unwrap();
    let toolchains = toolchains.to_str().unwrap();
    let mut command = clean("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c"]);
    command.arg(r#"mount --bind "$1" "$2" && eval "$3" && shift 3 && exec $change_root "$@""#).arg("sh");
    command.args([bound.unwrap_or(&at), &at]);
    let jail = jail == Jail::WithoutNamespaces;
    command.arg(if jail { "mount --rbind / /mnt && change_root='chroot /mnt'" } else { "" }).arg(DISTCCD);
    Daemon::start_by(command, options, &[("DISTCCD_TOOLCHAINS", toolchains), ("DISTCCD_PATH", "/nowhere")])
}

#[track_caller]
fn assert_is_i386(object: &[u8]) {
    const CLASS_32: u8 = 1;
    const EM_386: [u8; 2] = [3, 0];
    assert_eq!(object.get(..4), Some(&b"\x7fELF"[..]));
    assert_eq!((object[4], &object[18..20]), (CLASS_32, &EM_386[..]));
}

/// Every file of a root with its size and its times, but for those of reading.
fn listing(root: &Path) -> String {
    let mut find = clean("find");
    find.arg(root).args(["-xdev", "-printf", "%P %y %m %U %G %s %T@ %C@ %l\\n"]);
    run(find).good().out()
}

/// What of these directories is mounted where a process sees it.
fn mounts(process: u32, of: [&Path; 2]) -> Vec<String> {
    let all = fs::read_to_string(format!("/proc/{process}/mountinfo")).unwrap();
    let ours = |line: &&str| of.iter().any(|path| line.contains(path.to_str().unwrap()));
    all.lines().filter(ours).map(str::to_owned).collect()
}

#[test]
fn text_is_compiled_as_in_there() {
    let Some(root) = need::i386_root() else { return };
    let (daemon, _toolchains) = daemon_for(&root, &[]);
    for words in ["-c", "-c -O2", "-c -O2 -g", "-c -g3 -fPIC", "-c -O2 -frecord-gcc-switches", "-S -O1"] {
        let words: Vec<&str> = words.split(' ').collect();
        let work = Workdir::new();
        let text = work.write("t.i", TEXT);
        let script = format!("gcc {} t.i -o t.o", words.join(" "));
        run(inside(&root, text.parent().unwrap(), &script)).good();
        let expected = fs::read(work.src().join("t.o")).unwrap();
        let args = [&[GCC], &words[..], &["src/t.c", "-o", "out/t.o"]].concat();
        let Answer { status, stderr, object, .. } = ask(daemon.address(), &args, TEXT);
        assert_eq!((status, stderr.as_str()), (0, ""), "{args:?}\n{}", daemon.log());
        assert!(object == expected, "{args:?}");
        if words[0] == "-c" {
            assert_is_i386(&object);
        }
    }
}

#[test]
fn messages_name_the_clients_file() {
    let Some(root) = need::i386_root() else { return };
    let (daemon, _toolchains) = daemon_for(&root, &[]);
    let args = [GCC, "-c", "src/t.c", "-o", "t.o"];
    let answer = ask(daemon.address(), &args, "# 1 \"src/t.c\"\nint f(\n");
    assert_eq!((answer.status, answer.object.len()), (0x100, 0));
    assert!(answer.stderr.starts_with("src/t.c:"), "{}", answer.stderr);
    assert!(!answer.stderr.contains("distccd"), "{}", answer.stderr);
}

#[test]
fn sources_are_compiled_as_in_there() {
    let Some(root) = need::i386_root() else { return };
    let mut project = Project::new(&[
        (
            "x.c",
            "#include <stdio.h>\n#include <limits.h>\n#include \"a.h\"\nlong l = LONG_MAX + A; const char *f = __FILE__;\n",
        ),
        (
            "x.cc",
            "#include <vector>\nstd::vector<long> v; unsigned long n() { return v.size() + sizeof(long); }\n",
        ),
        ("a.h", "#define A 0\n"),
    ]);
    project.add_all();
    // What can be done in a mirror of ours cannot be done in another root.
    for pump in ["--pump=auto", "--pump=mirror"] {
        let (daemon, _toolchains) = daemon_for(&root, &[pump]);
        for words in ["gcc -c x.c", "gcc -O2 -g -Wall -c x.c", "gcc -g3 -I@ -c @/x.c", "g++ -O2 -g -c x.cc"] {
            let script =
                format!("{} -o x.o -MMD -MF x.d", words.replace('@', project.directory().to_str().unwrap()));
            run(inside(&root, &project.directory(), &script)).good();
            let read = |name: &str| fs::read(project.directory().join(name)).unwrap();
            let (object, rules) = (read("x.o"), String::from_utf8(read("x.d")).unwrap());
            let _ = ["x.o", "x.d"].map(|name| fs::remove_file(project.directory().join(name)));
            let sent = words.replace("g++", GXX).replace("gcc", GCC);
            let made = project.compile_there(daemon.address(), &sent);
            let made = made.unwrap_or_else(|| panic!("{words} refused:\n{}", daemon.log()));
            assert_eq!((made.status, made.stderr.as_str()), (0, ""), "{words}");
            assert_eq!(made.rules, rules, "{words}");
            assert!(made.object == object, "{words}");
            assert_is_i386(&made.object);
        }
    }
}

/// Roots that are not what they are said to be, each made in a directory of its own.
#[test]
fn roots_of_no_use() {
    let compilers = ["usr/bin/gcc", "usr/bin/i686-linux-gnu-gcc"];
    let link_all = |root: &Path, target: &str| {
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        compilers.iter().for_each(|name| symlink(target, root.join(name)).unwrap());
    };
    /// Makes what is in a root.
    type Make<'a> = &'a dyn Fn(&Path);
    let cases: [(&str, Make); 5] = [
        ("is empty", &|_| {}),
        ("leads to our compiler", &|root| link_all(root, "/usr/bin/../../usr/bin/x86_64-linux-gnu-gcc")),
        ("climbs to our compiler", &|root| {
            link_all(root, "../../../../../../../../usr/bin/x86_64-linux-gnu-gcc");
        }),
        ("is our system by a link", &|root| symlink("/usr", root.join("usr")).unwrap()),
        ("has a loop", &|root| link_all(root, "gcc")),
    ];
    for (what, make) in cases {
        let work = Workdir::new();
        let root = work.path().join("root");
        fs::create_dir(&root).unwrap();
        make(&root);
        let daemon = daemon_in(&work, "root", None, Jail::None, &["--enable-tcp-insecure"]);
        for name in ["gcc", GCC] {
            let bytes = exchange(daemon.address(), &request(&[name, "-c", "t.c", "-o", "t.o"], b"int i;"));
            let made = if bytes.is_empty() { 0 } else { answer(&bytes).object.len() };
            assert_eq!(made, 0, "a root that {what}: {}", daemon.log());
        }
    }
}

#[test]
fn a_root_that_goes_away() {
    let Some(root) = need::i386_root() else { return };
    let work = Workdir::new();
    let [link, at] = ["link", "root"].map(|name| work.path().join(name));
    fs::create_dir(&at).unwrap();
    symlink(&at, &link).unwrap();
    let daemon = daemon_in(&work, "link", Some(&root), Jail::None, &[]);
    let args = [GCC, "-c", "src/t.c", "-o", "t.o"];
    assert_eq!(ask(daemon.address(), &args, TEXT).status, 0, "{}", daemon.log());
    fs::remove_file(&link).unwrap();
    let bytes = exchange(daemon.address(), &request(&args, TEXT.as_bytes()));
    assert!(bytes.is_empty() || answer(&bytes).object.is_empty());
    daemon.wait_for_log("compiler \"i686-linux-gnu-gcc\" refused: ");
    symlink(&at, &link).unwrap();
    assert_eq!(ask(daemon.address(), &args, TEXT).status, 0, "{}", daemon.log());
}

#[test]
fn a_machine_without_namespaces() {
    let Some(root) = need::i386_root() else { return };
    let work = Workdir::new();
    fs::create_dir(work.path().join("root")).unwrap();
    let daemon = daemon_in(&work, "root", Some(&root), Jail::WithoutNamespaces, &[]);
    let bytes = exchange(daemon.address(), &request(&[GCC, "-c", "src/t.c", "-o", "t.o"], TEXT.as_bytes()));
    assert!(bytes.is_empty() || answer(&bytes).object.is_empty());
    daemon.wait_for_log("root cannot be run: no namespaces of its own: Operation not permitted; let what");
}

#[test]
fn nothing_of_a_job_stays_in_the_root() {
    let Some(root) = need::i386_root() else { return };
    let before = listing(&root);
    for end in [Signal::SIGTERM, Signal::SIGKILL] {
        let (mut daemon, toolchains) = daemon_for(&root, &["-j4"]);
        let ours = [root.as_path(), toolchains.path()];
        let mounted = mounts(daemon.pid(), ours);
        let args = [GXX, "-x", "c++", "-O2", "-c", "t.cc", "-o", "t.o"];
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(ask(daemon.address(), &args, "int i;").status, 0));
            }
        });
        let mut long = connect(daemon.address());
        long.write_all(&request(&args, &slow_text())).unwrap();
        wait_until(SOON, "a compiler at work", || compilers_of(&daemon) > 0);
        assert_eq!(mounts(daemon.pid(), ours), mounted);
        daemon.signal(end);
        assert_eq!(daemon.wait_for_end(), Some(end as i32));
        let _ = read_all(&mut long);
        assert_eq!(mounts(std::process::id(), ours), [""; 0]);
    }
    assert!(listing(&root) == before, "the root has changed");
}

/// Long enough to be at work when the daemon is ended.
fn slow_text() -> Vec<u8> {
    let function = |number: u32| {
        format!(
            "template <int n> struct S{number} {{ static const long v = S{number}<n - 1>::v + n; }};\n\
        template <> struct S{number}<0> {{ static const long v = 0; }};\nlong f{number}() {{ return S{number}<800>::v; }}\n"
        )
    };
    (0..30).map(function).collect::<String>().into_bytes()
}

/// How many compilers in roots run for a daemon: those whose HOME is the place of work that all of them have.
fn compilers_of(daemon: &Daemon) -> usize {
    let home = format!("HOME=/distccd-{}-work\0", daemon.pid());
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            fs::read(process.path().join("environ"))
                .is_ok_and(|environ| environ.windows(home.len()).any(|part| part == home.as_bytes()))
        })
        .count()
}
