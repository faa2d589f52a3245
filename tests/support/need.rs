//! What a test needs beyond a Rust toolchain, and what happens when it is not there: a loud skip, or a failure in tests/run.
//! Knows nothing of the tests that ask.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use nix::unistd::geteuid;

use crate::machine_box::MachineBox;
use crate::netns::Network;
use crate::process::{clean, run};
use crate::settings::{PATH, Settings};
use crate::{C_DISTCC, Programs, netns};

/// Something that this machine lacks.
struct Lack {
    /// The word that DISTCC_ARCH_EXCUSED takes for it.
    name: String,
    why: String,
    remedy: &'static str,
}

/// The C programs; None after a skip has been announced. A distcc of another make in their place does not count.
pub fn c_distcc() -> Option<Programs> {
    let lack = |why: String| Lack {
        name: "c-distcc".to_owned(),
        why,
        remedy: "install distcc 3.4 (Debian, Arch: package distcc)",
    };
    granted((|| {
        for program in [C_DISTCC.distcc, C_DISTCC.distccd] {
            if !Path::new(program).exists() {
                return Err(lack(format!("{program} is not there")));
            }
        }
        let version = run(with_word(C_DISTCC.distcc, "--version")).out();
        let first = version.lines().next().unwrap_or_default();
        if first.starts_with("distcc 3.") { Ok(C_DISTCC) } else { Err(lack(format!("that is \"{first}\""))) }
    })())
}

/// The C pump, repaired where a distribution's does not work; None after a skip has been announced.
pub fn c_pump() -> Option<PathBuf> {
    c_distcc()?;
    let repaired = Settings::from_environment().cache.join("c-pump/pump");
    let packaged = PathBuf::from("/usr/bin/pump");
    let is_debian = Path::new("/etc/debian_version").exists();
    let found = [repaired, packaged]
        .into_iter()
        .find(|pump| pump.is_file())
        .filter(|pump| !is_debian || !pump.starts_with("/usr"));
    granted(found.ok_or_else(|| Lack {
        name: "c-pump".to_owned(),
        why: "its include server's extension is not repaired".to_owned(),
        remedy: "tests/run does it on Debian; on Arch install distcc",
    }))
}

/// A program on the search path, as an absolute path; None after a skip has been announced.
pub fn program(name: &'static str, remedy: &'static str) -> Option<PathBuf> {
    granted(on_path(name).ok_or_else(|| Lack {
        name: name.to_owned(),
        why: format!("{name} is not on {PATH}"),
        remedy,
    }))
}

/// A part of gcc for another language than C and C++; false after a skip has been announced.
pub fn gcc_front_end(name: &'static str, remedy: &'static str) -> bool {
    let mut gcc = clean("gcc");
    gcc.arg(format!("-print-prog-name={name}"));
    // gcc repeats the bare name of what it does not find.
    let found = Path::new(run(gcc).out().trim()).is_absolute();
    let lack = || Lack { name: name.to_owned(), why: format!("gcc has no {name}"), remedy };
    granted(if found { Ok(()) } else { Err(lack()) }).is_some()
}

/// Python with this module; None after a skip has been announced.
pub fn python_module(module: &'static str, remedy: &'static str) -> Option<PathBuf> {
    let python = program("python3", "install python3")?;
    let mut import = clean(&python);
    import.args(["-c", &format!("import {module}")]);
    let found = if run(import).code() == Some(0) { Ok(python) } else { Err(format!("no module {module}")) };
    granted(found.map_err(|why| Lack { name: module.to_owned(), why, remedy }))
}

/// The right to make hosts of network namespaces; false after a skip has been announced.
pub fn network_namespaces() -> bool {
    let allowed = netns::try_one();
    let remedy = "run as root, with iproute2 installed";
    granted(allowed.map_err(|why| Lack { name: "netns".to_owned(), why, remedy })).is_some()
}

/// The right to make whole machines of namespaces and an overlay of this one's files; false after a skip has been
/// announced.
pub fn machines() -> bool {
    if !network_namespaces() {
        return false;
    }
    let booted = MachineBox::try_boot("survey", Network::new(0).builder());
    let remedy = "run as root, on a kernel with overlayfs, where a file system on / may lie under it";
    granted(booted.map_err(|why| Lack { name: "machines".to_owned(), why, remedy })).is_some()
}

/// The rights of root; false after a skip has been announced.
pub fn root() -> bool {
    let found = if geteuid().is_root() { Ok(()) } else { Err("this is not root".to_owned()) };
    granted(found.map_err(|why| Lack { name: "root".to_owned(), why, remedy: "run as root" })).is_some()
}

/// The image that machines boot from, and the right to boot them; None after a skip has been announced.
pub fn bootable_image() -> Option<PathBuf> {
    let nspawn = program("systemd-nspawn", "install systemd-container (Debian)");
    if !root() || !network_namespaces() || nspawn.is_none() {
        return None;
    }
    let image = Settings::from_environment().image;
    let lack = || Lack {
        name: "image".to_owned(),
        why: format!("no image at {}", image.display()),
        remedy: "tests/run makes it, on Debian with mmdebstrap",
    };
    granted(if image.join("usr/lib/systemd/systemd").exists() { Ok(image.clone()) } else { Err(lack()) })
}

/// A 32-bit system with a compiler in a directory, and the right to enter it; None after a skip has been announced.
pub fn i386_root() -> Option<PathBuf> {
    if !root() {
        return None;
    }
    let i386 = Settings::from_environment().i386;
    let mut try_it = clean("chroot");
    try_it.arg(&i386).args(["gcc", "-dumpmachine"]);
    let lack = |why: String| Lack {
        name: "i386".to_owned(),
        why,
        remedy: "tests/run makes it, on Debian with mmdebstrap, on a processor that runs 32-bit programs",
    };
    let target = run(try_it);
    let found = target.out().starts_with("i686-") || target.out().starts_with("i386-");
    let why = || lack(format!("no compiler runs in {}: {}", i386.display(), target.err().trim()));
    granted(if found { Ok(i386.clone()) } else { Err(why()) })
}

/// A system for ARM, a root with the cross compiler of its release, and what runs its programs here; None after a skip has
/// been announced.
pub fn arm64_and_cross_roots() -> Option<[PathBuf; 2]> {
    if !root() {
        return None;
    }
    program("qemu-aarch64-static", "install qemu-user-static")?;
    let Settings { arm64, cross, .. } = Settings::from_environment();
    let has_compiler = |root: &PathBuf| root.join("usr/bin/aarch64-linux-gnu-gcc-14").exists();
    let lack = || Lack {
        name: "arm64".to_owned(),
        why: format!("no compiler of Debian trixie in {} and {}", arm64.display(), cross.display()),
        remedy: "tests/run makes both, on Debian with mmdebstrap",
    };
    let found = has_compiler(&arm64) && has_compiler(&cross);
    granted(if found { Ok([arm64, cross]) } else { Err(lack()) })
}

/// IPv6 on the loopback interface; false after a skip has been announced.
pub fn ipv6() -> bool {
    let found = std::net::TcpListener::bind("[::1]:0").map(drop).map_err(|error| error.to_string());
    let remedy = "let the kernel have IPv6";
    granted(found.map_err(|why| Lack { name: "ipv6".to_owned(), why, remedy })).is_some()
}

/// A link that permits a daemon to run the compiler of this name; false after a skip has been announced.
pub fn compiler_link(compiler: &str) -> bool {
    let linked = ["/usr/lib/distcc", "/usr/lib/distcc/bin"]
        .iter()
        .any(|links| Path::new(links).join(compiler).exists());
    let lack = || Lack {
        name: "compiler-links".to_owned(),
        why: format!("/usr/lib/distcc has no link named {compiler}"),
        remedy: "update-distcc-symlinks",
    };
    granted(if linked { Ok(()) } else { Err(lack()) }).is_some()
}

/// The unpacked source of a program that tests/run fetches; None after a skip has been announced.
pub fn source(name: &'static str) -> Option<PathBuf> {
    let tree = Settings::from_environment().sources.join(name);
    let build_files = ["Makefile", "Makefile.in", "CMakeLists.txt"];
    let found = if build_files.iter().any(|file| tree.join(file).exists()) {
        Ok(tree)
    } else {
        let why = format!("its source is not at {}", tree.display());
        Err(Lack { name: name.to_owned(), why, remedy: "tests/run fetches it" })
    };
    granted(found)
}

/// A file that a package or the kernel brings, by the name under which tests/run excuses it; None after a skip has been announced.
pub fn file<'a>(name: &'static str, path: &'a Path, remedy: &'static str) -> Option<&'a Path> {
    let lack = || Lack { name: name.to_owned(), why: format!("{} is not there", path.display()), remedy };
    granted(if path.exists() { Ok(path) } else { Err(lack()) })
}

fn granted<T>(asked: Result<T, Lack>) -> Option<T> {
    let lack = match asked {
        Ok(found) => return Some(found),
        Err(lack) => lack,
    };
    let test = thread::current().name().unwrap_or("a test").to_owned();
    match verdict(&Settings::from_environment(), &test, &lack) {
        Ok(line) => {
            // Written past libtest's capture, which only catches the printing macros: a skip is never silent.
            let _ = std::io::stderr().write_all(line.as_bytes());
            None
        }
        Err(line) => panic!("{line}"),
    }
}

/// The line to print for a skip, or the words of a failure. tests/run counts lines that hold "SKIPPED test ".
fn verdict(settings: &Settings, test: &str, lack: &Lack) -> Result<String, String> {
    let Lack { name, why, remedy } = lack;
    if settings.everything && !settings.excused.contains(name) {
        return Err(format!("{name} is missing: {why}. To get it: {remedy}"));
    }
    Ok(format!("SKIPPED test {test}: {name} is missing: {why}. To get it: {remedy}\n"))
}

fn on_path(name: &str) -> Option<PathBuf> {
    PATH.split(':').map(|directory| Path::new(directory).join(name)).find(|candidate| candidate.is_file())
}

fn with_word(program: &str, word: &str) -> Command {
    let mut command = clean(program);
    command.arg(word);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(everything: bool, excused: &[&str], expected: Result<&str, &str>) {
        let settings = Settings {
            everything,
            excused: excused.iter().map(|word| (*word).to_owned()).collect(),
            matrix_groups: Vec::new(),
            whole_corpus: false,
            sources: PathBuf::new(),
            image: PathBuf::new(),
            i386: PathBuf::new(),
            arm64: PathBuf::new(),
            cross: PathBuf::new(),
            cache: PathBuf::new(),
            cargo_home: PathBuf::new(),
        };
        let lack = Lack { name: "netns".to_owned(), why: "not root".to_owned(), remedy: "be root" };
        let got = verdict(&settings, "t", &lack);
        assert_eq!(got.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn what_is_missing_is_a_skip_or_a_failure() {
        let skip = Ok("SKIPPED test t: netns is missing: not root. To get it: be root\n");
        check(false, &[], skip);
        check(true, &["lua5.4", "netns"], skip);
        check(true, &["lua5.4"], Err("netns is missing: not root. To get it: be root"));
    }
}
