//! Compiles for the very processor of this machine, done elsewhere: what a compile here makes, and nobody else hears of
//! `native`. Knows nothing of how processors are told apart.

use std::fs;
use std::path::Path;

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup, make_executable};
use test_hosts::need;
use test_hosts::objects::assert_same_bytes;
use test_hosts::project::{LUA, Place, Project, objects_in};
use test_hosts::relay::Relay;
use test_hosts::workdir::{Workdir, names_in};

const DISTCC: &str = env!("CARGO_BIN_EXE_distcc");
const DISTCCD: &str = env!("CARGO_BIN_EXE_distccd");

/// What the vector units, the tuning and the macros of a processor have a say in.
const SOURCE: &str = "\
#include \"h.h\"
float dot(const float *a, const float *b, int n) { float s = 0; for (int i = 0; i < n; i++) s += a[i] * b[i]; return s; }
void copy(char *a, const char *b) { __builtin_memcpy(a, b, 300); }
int bits(unsigned long x) { return SQUARE(__builtin_popcountl(x)); }
#ifdef __AVX2__
int avx2 = 1;
#endif
double fused(double a, double b, double c) { return a * b + c; }
";

/// One daemon behind a recorder, and a client's directories.
struct Scene {
    work: Workdir,
    daemon: Distccd,
    relay: Relay,
    hosts: String,
    check: &'static str,
    served: usize,
}

impl Scene {
    fn new(options: &str) -> Scene {
        Scene::of(&Setup::of(DISTCCD), options)
    }

    fn of(setup: &Setup, options: &str) -> Scene {
        let daemon = Distccd::start(setup);
        let relay = Relay::start(&daemon.host());
        let hosts = format!("{}{options}", relay.host());
        let work = Workdir::new();
        work.write("x.c", SOURCE);
        work.write("h.h", "#define SQUARE(x) ((x) * (x))\n");
        Scene { work, daemon, relay, hosts, check: "strict", served: 0 }
    }

    fn client(&self) -> Client<'_> {
        Client::new(DISTCC, &self.work, &self.hosts).env("DISTCC_TOOLCHAIN_CHECK", self.check)
    }

    /// The command, run here and through the client, makes and says the same, and is done elsewhere or not.
    #[track_caller]
    fn check(&mut self, command: &str, is_sent: bool) {
        let words: Vec<&str> = command.split_whitespace().chain(["-c", "x.c", "-o", "x.o"]).collect();
        let object = self.work.src().join("x.o");
        let plain = self.client().run_plain(&words);
        let expected = fs::read(&object).unwrap_or_default();
        let _ = fs::remove_file(&object);
        let through = self.client().run(&words);
        assert_eq!((through.code(), through.err()), (plain.code(), plain.err()), "{command}");
        assert!(fs::read(&object).unwrap_or_default() == expected, "{command} makes something else");
        self.served += usize::from(is_sent);
        self.daemon.assert_served(self.served);
    }

    /// Why the command stays here, as a word, or `remote`.
    #[track_caller]
    fn check_reason(&self, command: &str, reason: &str) {
        let words: Vec<&str> = ["--why"].into_iter().chain(command.split_whitespace()).collect();
        let said = self.client().run(&[&words[..], &["-c", "x.c"]].concat()).out();
        let told = said.strip_prefix("local: ").unwrap_or(&said).split(':').next();
        assert_eq!(told, Some(reason), "{command}: {said}");
    }

    fn answers(&self) -> Vec<String> {
        let names = names_in(&self.work.distcc_dir().join("compilers"));
        names.into_iter().filter(|name| name.starts_with("native-")).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // The include server ends when its socket is gone.
        let place = self.work.distcc_dir();
        let servers = names_in(&place).into_iter().filter(|name| name.starts_with("pump-"));
        servers.for_each(|name| drop(fs::remove_dir_all(place.join(name))));
        let requests = String::from_utf8_lossy(&self.relay.requests()).into_owned();
        assert!(!requests.contains("=native") || std::thread::panicking(), "a host has heard of it");
    }
}

const ALIKE: &[&str] = &[
    "gcc -march=native",
    "gcc -O3 -march=native -ffast-math",
    "gcc -O2 -mtune=native",
    "gcc -O2 -march=native -mtune=generic",
    "gcc -O2 -mtune=generic -march=x86-64 -march=native",
    "gcc -O2 -march=native -march=x86-64",
    "gcc -O3 -march=native -mno-avx512f -mno-fma",
    "gcc -O3 -mno-avx2 -march=native -mprefer-vector-width=128 --param=l1-cache-size=64",
    "gcc -O2 -march=native -g -gno-record-gcc-switches -gno-column-info",
    "gcc -O2 -march=native -S",
    "g++ -O2 -x c++ -march=native",
    "cc -O2 -march=native @words",
    "clang -O2 -march=native",
    "clang -O2 -mtune=native -march=x86-64-v2",
    "clang -O3 -mno-avx2 -march=native -ffast-math",
    "clang -O3 -mno-sse3 -march=native",
    "clang -O2 -flto -march=native -Xclang -target-feature -Xclang -avx2",
    "clang++ -O2 -x c++ -std=c++17 -march=native",
    "clang -O2 -march=native @words",
    "clang -O4 -march=native -fno-ivopts",
];

/// Text has lost the columns of what comes out of macros.
const WITHOUT_MACROS: &str = "static inline int SQUARE(int x) { return x * x; }\n";

/// Their outputs tell of the compiler's words, so that only a daemon that is told of this processor makes the same.
const TOLD: &[&str] = &[
    "gcc -g -march=native",
    "gcc -O2 -ggdb -mtune=native",
    "gcc -O2 -g1 -march=native -mtune=generic -mno-avx2",
    "gcc -O2 -g -mtune=native -march=x86-64 -march=native",
    "gcc -O2 -g -march=native -march=x86-64",
    "g++ -O2 -g -x c++ -march=native -mtune=native",
    "gcc -O2 -flto -frandom-seed=1 -march=native",
    "gcc -O2 -g -flto=auto -ffat-lto-objects -frandom-seed=2 -march=native @words",
    "gcc-11 -O2 -g -march=native",
];

#[test]
fn text_with_words_makes_what_is_made_here() {
    let mut scene = Scene::new("");
    scene.work.write("words", "-DX -mtune=native\n");
    scene.work.write("h.h", WITHOUT_MACROS);
    TOLD.iter().for_each(|command| scene.check(command, true));
}

#[test]
fn sources_with_words_make_what_is_made_here() {
    for place in ["auto", "mirror"] {
        let words = [format!("--pump={place}")];
        let setup = Setup { words: &words.each_ref().map(String::as_str), ..Setup::of(DISTCCD) };
        let mut scene = Scene::of(&setup, ",lzo,cpp");
        scene.work.write("words", "-DX -mtune=native\n");
        scene.work.write("h.h", WITHOUT_MACROS);
        // A mirror does nothing for the linker's optimisation.
        let done = TOLD.iter().filter(|command| place == "auto" || !command.contains("-flto"));
        done.for_each(|command| scene.check(command, true));
    }
}

#[test]
fn text_makes_what_is_made_here() {
    let mut scene = Scene::new("");
    scene.work.write("words", "-DX -mtune=native\n");
    ALIKE.iter().for_each(|command| scene.check(command, true));
}

#[test]
fn sources_make_what_is_made_here() {
    let mut scene = Scene::new(",lzo,cpp");
    scene.work.write("words", "-DX -mtune=native\n");
    ALIKE.iter().for_each(|command| scene.check(command, true));
    scene.check("clang -O2 -march=native -g", true);
    let as_text = scene.relay.versions().iter().filter(|version| **version != 3).count();
    assert_eq!(as_text, 1, "but for clang's bitcode, whose names nobody can check, all went as sources");
}

#[test]
fn what_would_differ_stays() {
    let mut scene = Scene::new("");
    for command in ["gcc -O2 -march=native -fverbose-asm -S", "clang -mcpu=native"] {
        scene.check(command, false);
    }
    scene.check_reason("gcc -march=native -fverbose-asm -S", "native-recorded");
    scene.check_reason("gcc -march=native -g", "remote");
    scene.check_reason("clang -g -march=native -grecord-command-line", "march-native");
    for command in ["gcc -mcpu=native", "clang -mcpu=native", "gcc -Wp,-march=native", "gcc -march=nativeish"]
    {
        scene.check_reason(command, "march-native");
    }
    scene.check_reason("gcc -march=native -fplugin=x.so", "loads-code");
    scene.check_reason("gcc -march=native -g0", "remote");
    let local =
        scene.client().env("DISTCC_NATIVE", "local").run(&["--why", "gcc", "-march=native", "-c", "x.c"]);
    assert!(local.out().starts_with("local: march-native: "), "{}", local.out());
}

#[test]
fn who_cannot_be_told_gets_other_files() {
    let Some(c) = need::c_distcc() else { return };
    let (mut scene, c) = (Scene::new(""), Distccd::start(&Setup::of(c.distccd)));
    scene.work.write("h.h", WITHOUT_MACROS);
    let ours = scene.hosts.clone();
    scene.hosts = format!("{}/9 {ours}/1", c.host());
    for command in ["gcc -g -march=native", "gcc -flto -frandom-seed=1 -march=native"] {
        scene.check(command, true);
        scene.check_reason(command, "remote");
    }
    scene.hosts = c.host();
    for command in ["gcc -ggdb -mtune=native", "gcc -g -march=native"] {
        scene.check(command, false);
        scene.check_reason(command, "native-recorded");
    }
    assert!(c.jobs().iter().all(|job| job.source.as_deref() != Some("x.c")), "{:?}", c.jobs());
    (scene.hosts, scene.check) = (ours, "off");
    scene.check_reason("gcc -flto -march=native", "native-recorded");
}

/// A compiler that counts how often it is asked what it would run.
#[test]
fn a_compiler_is_asked_once_for_commands_of_a_kind() {
    let scene = Scene::new("");
    let asked = scene.work.src().join("asked");
    let script =
        format!("#!/bin/sh\ncase \"$*\" in *'###'*) echo x >>{};; esac\nexec gcc \"$@\"\n", asked.display());
    let compiler = scene.work.write("gcc-99", script);
    make_executable(&compiler);
    let compile = |words: &str, times: usize| {
        let words = format!("--why {} {words} -c x.c", compiler.display());
        let said = scene.client().run(&words.split(' ').collect::<Vec<_>>()).out();
        assert!(said.starts_with("remote: "), "{said}");
        let count = fs::read_to_string(&asked).unwrap_or_default().lines().count();
        assert_eq!(count, times, "{words}");
    };
    compile("-march=native -O2", 2);
    compile("-march=native -O2 -DA=1 -Wall -I. -o y.o -MD", 2);
    compile("-march=native -O3", 4);
    assert_eq!(scene.answers().len(), 2);
    for name in scene.answers() {
        fs::write(scene.work.distcc_dir().join("compilers").join(name), "whole\n/bin/sh\n").unwrap();
    }
    compile("-march=native -O2", 6);
    compile("-march=native -O2", 6);
}

/// As gcc for ARM has no specs for the processor, and would find out what the machine elsewhere is.
#[test]
fn a_compiler_that_heeds_no_specs_is_not_told() {
    let scene = Scene::new("");
    let script = "#!/bin/bash\nfor word; do case $word in -specs=*) shift;; esac; done\nexec gcc \"$@\"\n";
    let compiler = scene.work.write("gcc-99", script);
    make_executable(&compiler);
    scene.check_reason(&format!("{} -march=native", compiler.display()), "remote");
    scene.check_reason(&format!("{} -g -march=native", compiler.display()), "native-recorded");
}

/// It tells what it makes of the word, and then nothing more.
#[test]
fn what_is_not_told_now_is_asked_again_soon() {
    let scene = Scene::new("");
    let script = "#!/bin/sh\ncase \"$*\" in *native*) ;; *'###'*) exit 1;; esac\nexec gcc \"$@\"\n";
    let compiler = scene.work.write("gcc-99", script);
    make_executable(&compiler);
    scene.check_reason(&format!("{} -march=native", compiler.display()), "march-native");
    for name in scene.answers() {
        let said = fs::read_to_string(scene.work.distcc_dir().join("compilers").join(name)).unwrap();
        assert_eq!(said, "silent\n");
    }
    assert_eq!(scene.answers().len(), 1);
}

#[test]
fn a_compiler_that_does_not_tell_is_not_asked_for_each_file() {
    let scene = Scene::new("");
    let asked = scene.work.src().join("asked");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *'###'*) echo x >>{}; exit 1;; esac\nexec gcc \"$@\"\n",
        asked.display()
    );
    let compiler = scene.work.write("gcc-99", script);
    make_executable(&compiler);
    for options in ["-march=native -O2", "-march=native -O2 -DA", "-O2 -Wall -march=native"] {
        scene.check_reason(&format!("{} {options}", compiler.display()), "march-native");
    }
    assert_eq!(fs::read_to_string(&asked).unwrap().lines().count(), 2, "once for each order of the words");
}

/// The part that decompresses: the other one takes longer and is C of the same kind.
const fn zstd(compiler: &'static str) -> Project {
    Project {
        name: "libzstd",
        files: &[],
        configure: None,
        make: &[
            "-C",
            "lib",
            "BUILD_DIR=obj",
            "ZSTD_NO_ASM=1",
            "ZSTD_LIB_COMPRESSION=0",
            "ZSTD_LIB_DICTBUILDER=0",
            "ZSTD_LIB_DEPRECATED=0",
            "ZSTD_LEGACY_SUPPORT=0",
            "libzstd.a",
        ],
        compiler: ("CC", compiler),
        flags: "CFLAGS",
        proof: "test -s lib/libzstd.a",
    }
}

static ZSTD: Project = zstd("gcc");
static ZSTD_BY_CLANG: Project = zstd("clang");
/// What the linker would make of it takes long, and is none of ours.
static LUA_WITHOUT_THE_LINKER: Project = Project { make: &["linux", "MYLDFLAGS=-fno-lto"], ..LUA };
static LUA_BY_CLANG: Project = Project {
    name: "lua5.4",
    files: &[],
    configure: None,
    make: &["linux"],
    compiler: ("CC", "clang -std=gnu99"),
    flags: "MYCFLAGS",
    proof: "src/lua -v",
};

#[test]
fn lua_by_gcc() {
    check_build(&LUA, "gcc", "", "-O2 -march=native");
}

#[test]
fn lua_by_clang_with_debug_information() {
    check_build(&LUA_BY_CLANG, "clang", ",lzo,cpp", "-O2 -g -march=native");
}

/// As makepkg builds packages.
#[test]
fn lua_by_gcc_with_debug_information_and_for_the_linker() {
    let flags = "-O1 -g -flto=auto -ffat-lto-objects -frandom-seed=1 -march=native";
    check_build(&LUA_WITHOUT_THE_LINKER, "gcc", ",lzo,cpp", flags);
}

#[test]
fn zstd_by_gcc() {
    check_build(&ZSTD, "gcc", ",lzo,cpp", "-O2 -march=native");
}

#[test]
fn zstd_by_clang() {
    check_build(&ZSTD_BY_CLANG, "clang", ",lzo", "-O2 -march=native -mtune=native");
}

/// Every job is done elsewhere, and every object is what a local build makes.
fn check_build(project: &'static Project, compiler: &str, options: &str, flags: &str) {
    let Some(source) = need::source(project.name) else { return };
    let name = format!("{}-{compiler}{options}", project.name);
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("native").join(name);
    let mut place = Place::prepare(project, &source, root);
    let local = place.local(4, flags);
    let expected = objects_in(&local);
    let scene = Scene::new(options);
    place.build(scene.client().command("make"), 4, DISTCC, flags).good();
    assert_eq!(objects_in(&place.tree()), expected);
    for object in &expected {
        assert_same_bytes(&place.tree().join(object), &local.join(object));
    }
    place.prove();
    scene.daemon.assert_served(expected.len());
}
