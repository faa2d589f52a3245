//! Which compilers there are below a root directory, by their names: distcc's own list, gcc's and clang's version
//! directories, and toolchains that no search path holds. Runs nothing, and knows nothing of links.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::{CONFIG, Config, Place};
use crate::daemon_path::daemon_path;
use crate::root::Root;

/// The compilers of one root directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compilers {
    /// Names that mean a compiler to whoever has /usr/bin in `PATH`.
    pub on_path: BTreeSet<String>,
    /// Directories of compilers whose names /usr/bin does not have.
    pub elsewhere: Vec<Toolchain>,
    /// Every directory in which a program would justify a link of its name.
    pub(crate) directories: BTreeSet<PathBuf>,
}

/// Compilers outside of /usr/bin: a daemon runs them only when its `PATH` or toolchains.toml has their directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// As seen from inside the root, e.g. /opt/x-tools8/aarch64-unknown-linux-gnu/bin.
    pub directory: PathBuf,
    /// Names that /usr/bin does not have, e.g. aarch64-unknown-linux-gnu-gcc.
    pub names: BTreeSet<String>,
    /// Whether a configured daemon has this directory in its `PATH`, or in toolchains.toml.
    pub on_daemon_path: bool,
}

/// Where a client's compilers are.
const BIN: &str = "/usr/bin";

/// `cpp` is missing although Arch links it: it only preprocesses, which distcc never sends anywhere.
const PLAIN: &[&str] = &[
    "c++", "c89", "c89-g++", "c89-gcc", "c99", "c99-g++", "c99-gcc", "cc", "clang", "clang++", "g++", "gcc",
];

/// What a compiler's name ends in, but for a version.
const KINDS: &[&str] = &["c++", "c89", "c99", "cc", "clang", "clang++", "g++", "gcc"];

/// With a target in front.
const TARGETED: &[&str] = &["c++", "cc", "clang", "clang++", "g++", "gcc"];

/// With a version behind; clang's are read from /usr/bin.
const VERSIONED: &[&str] = &["g++", "gcc"];

/// gcc keeps a directory per target here, and in it one per version.
const GCC: &[&str] =
    &["/usr/lib/gcc", "/usr/lib/gcc-cross", "/usr/lib/x86_64-linux-gnu/gcc", "/usr/libexec/gcc"];

/// Finds them.
///
/// # Errors
/// When the system fails; directories that are absent or closed to us hold no compilers.
pub fn find(root: &Root) -> io::Result<Compilers> {
    let mut on_path = BTreeSet::new();
    for name in candidates(root)? {
        if root.is_program(&Path::new(BIN).join(&name))? {
            on_path.insert(name);
        }
    }
    let daemon_path = daemon_path(root)?;
    let mut directories = BTreeSet::from([PathBuf::from(BIN), PathBuf::from("/usr/local/bin")]);
    let mut elsewhere = Vec::new();
    let configured = configured(root)?;
    let mut candidates = off_path(root)?;
    candidates.extend(
        configured.iter().filter(|directory| !candidates.contains(directory)).cloned().collect::<Vec<_>>(),
    );
    for directory in candidates {
        let mut names = compilers_in(root, &directory)?;
        if !configured.contains(&directory) && !is_for_compilers(&directory) {
            names.retain(|name| has_target(name));
        }
        if !names.is_empty() {
            let on_daemon_path = daemon_path.contains(&directory) || configured.contains(&directory);
            elsewhere.push(Toolchain { directory: directory.clone(), names, on_daemon_path });
        }
        directories.insert(directory);
    }
    directories.extend(daemon_path);
    Ok(Compilers { on_path, elsewhere, directories })
}

/// Whether a compiler may be called this: `gcc`, `clang++-14`, `aarch64-linux-gnu-g++-12.2`.
pub fn names_a_compiler(name: &str) -> bool {
    targets(name).any(|target| target.is_empty() || target.ends_with('-'))
}

/// Whether it is called as compilers for other machines are: not `gcc`, `c99-gcc` or `clang-17`.
fn has_target(name: &str) -> bool {
    targets(name).any(|target| target.ends_with('-') && !["c89-", "c99-", "llvm-"].contains(&target))
}

/// What may stand in front of the compiler's own name, without a version behind: the target and a dash.
fn targets(name: &str) -> impl Iterator<Item = &str> {
    let unversioned = match name.rsplit_once('-') {
        Some((before, version)) if is_version(version) => before,
        _ => name,
    };
    KINDS.iter().filter_map(move |kind| unversioned.strip_suffix(kind))
}

/// Names that compilers in /usr/bin would have.
fn candidates(root: &Root) -> io::Result<BTreeSet<String>> {
    let mut names: BTreeSet<String> = PLAIN.iter().map(|name| (*name).to_owned()).collect();
    for gcc in GCC.iter().map(Path::new) {
        for target in texts(root, gcc)? {
            names.extend(TARGETED.iter().map(|kind| format!("{target}-{kind}")));
            for version in texts(root, &gcc.join(&target))?.iter().flat_map(|version| shortened(version)) {
                for kind in VERSIONED {
                    names.insert(format!("{kind}-{version}"));
                    names.insert(format!("{target}-{kind}-{version}"));
                }
            }
        }
    }
    names.extend(texts(root, Path::new(BIN))?.into_iter().filter(|name| is_clang(name)));
    Ok(names)
}

/// `13.3.1`, `13.3`, `13`: gcc's program suffix may be any of them. Nothing for what is no version.
fn shortened(version: &str) -> impl Iterator<Item = &str> {
    let version = Some(version).filter(|version| is_version(version));
    std::iter::successors(version, |version| version.rsplit_once('.').map(|(shorter, _)| shorter))
}

fn is_version(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// `clang`, `clang++-14`, `llvm-clang-3.2`; not `clang-format` or `clang-cpp-14`.
fn is_clang(name: &str) -> bool {
    let name = name.strip_prefix("llvm-").unwrap_or(name);
    let Some(rest) = name.strip_prefix("clang") else { return false };
    let rest = rest.strip_prefix("++").unwrap_or(rest);
    rest.is_empty() || rest.strip_prefix('-').is_some_and(is_version)
}

/// Directories of compilers that are in nobody's `PATH` by default: /usr/lib/llvm17/bin (Arch), /usr/lib/llvm-14/bin
/// (Debian), /opt/x-tools8/aarch64-unknown-linux-gnu/bin as Arch Linux ARM unpacks its toolchains and crosstool-NG makes
/// them, and /opt/gcc-linaro-7.5.0/bin as Linaro's and ARM's are unpacked.
fn off_path(root: &Root) -> io::Result<Vec<PathBuf>> {
    let mut directories = Vec::new();
    let lib = Path::new(LIB);
    let llvm = texts(root, lib)?.into_iter().filter(|name| name.starts_with("llvm"));
    directories.extend(llvm.map(|name| lib.join(name).join("bin")));
    let opt = Path::new("/opt");
    for tools in texts(root, opt)?.into_iter().map(|tools| opt.join(tools)) {
        let targets = texts(root, &tools)?.into_iter().filter(|target| target.contains('-'));
        directories.extend(targets.map(|target| tools.join(target).join("bin")));
        directories.push(tools.join("bin"));
    }
    Ok(directories)
}

const LIB: &str = "/usr/lib";

/// Below /opt anything may be, as CUDA with a `gcc` of its own that is meant for nobody else.
fn is_for_compilers(directory: &Path) -> bool {
    directory.starts_with(LIB)
}

/// The directories of toolchains.toml. What is wrong with that file others say.
fn configured(root: &Root) -> io::Result<BTreeSet<PathBuf>> {
    let text = root.text(Path::new(CONFIG))?.unwrap_or_default();
    let config = Config::parse(&text, Path::new(CONFIG)).unwrap_or_default();
    let places = config.toolchains.into_iter().map(|entry| entry.place);
    Ok(places
        .filter_map(|place| if let Place::Directory(path) = place { Some(path) } else { None })
        .collect())
}

/// The compilers in `directory` that /usr/bin does not have.
fn compilers_in(root: &Root, directory: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for name in texts(root, directory)?.into_iter().filter(|name| names_a_compiler(name)) {
        if root.is_program(&directory.join(&name))? && !root.is_program(&Path::new(BIN).join(&name))? {
            names.insert(name);
        }
    }
    Ok(names)
}

/// The names in a directory; no compiler has one that is no text.
fn texts(root: &Root, directory: &Path) -> io::Result<Vec<String>> {
    Ok(root.names(directory)?.into_iter().filter_map(|name| name.into_string().ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_root::FakeRoot;

    fn check(files: &[&str], on_path: &[&str], elsewhere: &[(&str, &[&str])]) {
        let fake = FakeRoot::with(files);
        let found = find(&fake.root()).unwrap();
        let found_elsewhere: Vec<(&str, Vec<&str>)> = found
            .elsewhere
            .iter()
            .map(|one| (one.directory.to_str().unwrap(), one.names.iter().map(String::as_str).collect()))
            .collect();
        let expected: Vec<(&str, Vec<&str>)> =
            elsewhere.iter().map(|(directory, names)| (*directory, names.to_vec())).collect();
        assert_eq!(found.on_path.iter().map(String::as_str).collect::<Vec<_>>(), on_path, "{files:?}");
        assert_eq!(found_elsewhere, expected, "{files:?}");
    }

    #[test]
    fn what_is_on_the_path() {
        check(&[], &[], &[]);
        check(&["usr/bin/gcc*", "usr/bin/cpp*", "usr/bin/nvcc*", "usr/bin/g++"], &["gcc"], &[]);
        check(
            &["usr/bin/c89*", "usr/bin/c99-gcc*", "usr/bin/cc>gcc", "usr/bin/c++>nowhere"],
            &["c89", "c99-gcc"],
            &[],
        );
        check(
            &["usr/bin/cc>/etc/alternatives/cc", "etc/alternatives/cc>/usr/bin/gcc", "usr/bin/gcc*"],
            &["cc", "gcc"],
            &[],
        );
        check(
            &["usr/bin/clang*", "usr/bin/clang++-14*", "usr/bin/clang-cpp-14*", "usr/bin/clang-format*"],
            &["clang", "clang++-14"],
            &[],
        );
    }

    #[test]
    fn gcc_by_target_and_version() {
        let arch = [
            "usr/lib/gcc/x86_64-pc-linux-gnu/14.2.1/cc1",
            "usr/bin/x86_64-pc-linux-gnu-gcc*",
            "usr/bin/x86_64-pc-linux-gnu-c++*",
            "usr/bin/x86_64-pc-linux-gnu-gcc-14.2.1*",
            "usr/bin/x86_64-pc-linux-gnu-gcc-ar*",
            "usr/lib/gcc/x86_64-pc-linux-gnu/13.3.1/cc1",
            "usr/bin/g++-13*",
            "usr/bin/gcc-12*",
        ];
        check(
            &arch,
            &[
                "g++-13",
                "x86_64-pc-linux-gnu-c++",
                "x86_64-pc-linux-gnu-gcc",
                "x86_64-pc-linux-gnu-gcc-14.2.1",
            ],
            &[],
        );
        let cross = ["usr/lib/gcc-cross/arm-none-eabi/12/cc1", "usr/bin/arm-none-eabi-g++-12*"];
        check(&cross, &["arm-none-eabi-g++-12"], &[]);
    }

    #[test]
    fn toolchains_elsewhere() {
        check(
            &[
                "usr/bin/clang*",
                "usr/lib/llvm17/bin/clang*",
                "usr/lib/llvm17/bin/clang-17*",
                "usr/lib/llvm17/bin/clang-tidy*",
                "opt/x-tools8/aarch64-unknown-linux-gnu/bin/aarch64-unknown-linux-gnu-gcc*",
                "opt/x-tools8/aarch64-unknown-linux-gnu/bin/aarch64-unknown-linux-gnu-ld*",
                "opt/x-tools8/aarch64-unknown-linux-gnu/bin/aarch64-unknown-linux-gnu-g++-8.5.0*",
            ],
            &["clang"],
            &[
                ("/usr/lib/llvm17/bin", &["clang-17"]),
                (
                    "/opt/x-tools8/aarch64-unknown-linux-gnu/bin",
                    &["aarch64-unknown-linux-gnu-g++-8.5.0", "aarch64-unknown-linux-gnu-gcc"],
                ),
            ],
        );
    }

    #[test]
    fn toolchains_that_were_unpacked() {
        check(
            &[
                "opt/gcc-linaro-7.5.0/bin/arm-linux-gnueabihf-gcc*",
                "opt/gcc-linaro-7.5.0/bin/arm-linux-gnueabihf-gcc-7.5.0*",
                "opt/gcc-linaro-7.5.0/bin/gcc-ar*",
                "opt/cross/riscv64-unknown-elf/bin/riscv64-unknown-elf-g++*",
                "opt/cuda/bin/gcc*",
                "opt/cuda/bin/c99-gcc*",
                "opt/cuda/bin/clang++-17*",
                "opt/cuda/bin/avr-gcc",
            ],
            &[],
            &[
                ("/opt/cross/riscv64-unknown-elf/bin", &["riscv64-unknown-elf-g++"]),
                ("/opt/gcc-linaro-7.5.0/bin", &["arm-linux-gnueabihf-gcc", "arm-linux-gnueabihf-gcc-7.5.0"]),
            ],
        );
    }

    #[test]
    fn directories_of_the_configuration() {
        let config = "etc/distcc/toolchains.toml=[toolchain]\na.directory = '/mnt/bin'\nb.root = '/mnt/b'\n";
        let files = [config, "mnt/bin/gcc-9*", "mnt/bin/x*", "mnt/b/usr/bin/gcc*"];
        check(&files, &[], &[("/mnt/bin", &["gcc-9"])]);
        check(&["etc/distcc/toolchains.toml=garbage", "mnt/bin/gcc*"], &[], &[]);
        let found = find(&FakeRoot::with(&files).root()).unwrap();
        assert!(found.elsewhere.iter().all(|toolchain| toolchain.on_daemon_path));
    }

    #[test]
    fn what_the_daemon_knows() {
        let tools = "opt/x-tools8/a-b-c/bin/a-b-c-gcc*";
        for (file, expected) in [
            ("usr/bin/gcc*", false),
            ("etc/conf.d/distccd=PATH=/usr/bin:/opt/x-tools8/a-b-c/bin", true),
            ("etc/conf.d/distccd=PATH=/a:/usr/bin", false),
            ("etc/conf.d/distccd-armv8=PATH=/opt/x-tools8/a-b-c/bin", true),
        ] {
            let found = find(&FakeRoot::with(&[tools, file]).root()).unwrap();
            assert_eq!(found.elsewhere[0].on_daemon_path, expected, "{file}");
        }
    }

    #[test]
    fn names_of_compilers() {
        for (name, expected) in [
            ("gcc", true),
            ("g++-13", true),
            ("c99-gcc", true),
            ("x86_64-pc-linux-gnu-gcc-14.2.1", true),
            ("clang++-14", true),
            ("aarch64-linux-gnu-c++", true),
            ("nvcc", false),
            ("distcc", false),
            ("cpp", false),
            ("gcc-ar", false),
            ("clang-cpp-14", false),
            ("icx", false),
            ("14", false),
            ("-", false),
            ("", false),
        ] {
            assert_eq!(names_a_compiler(name), expected, "{name}");
        }
    }
}
