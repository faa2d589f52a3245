//! What the environment says about this test run. Knows nothing of what the answers are used for.

use std::env;
use std::path::PathBuf;

/// The search path of everything that a test starts, so that a developer's ccache or distcc links play no part.
pub const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

/// How thorough a run is, and where its prepared material lies.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `DISTCC_ARCH_TESTS=all`: what a test lacks is a failure, not a skip.
    pub everything: bool,
    /// `DISTCC_ARCH_EXCUSED="netns lua5.4"`: what tests/run could not set up, and has said so.
    pub excused: Vec<String>,
    /// `DISTCC_ARCH_MATRIX="2 17"`: these groups of the matrix only; empty: all.
    pub matrix_groups: Vec<u32>,
    /// `DISTCC_ARCH_CORPUS=all`: heavy libraries under every setting, and many more random projects.
    pub whole_corpus: bool,
    /// Where tests/run unpacks the sources of the programs that are built: one folder each.
    pub sources: PathBuf,
    /// Where tests/run keeps the image that machines boot from.
    pub image: PathBuf,
    /// Where tests/run keeps a 32-bit system with a compiler in it.
    pub i386: PathBuf,
    /// Where tests/run keeps a system for ARM with a compiler in it.
    pub arm64: PathBuf,
    /// Where tests/run keeps a system of this machine's kind with the cross compiler of that release.
    pub cross: PathBuf,
    /// Where what took long to make is kept between runs.
    pub cache: PathBuf,
    /// `CARGO_HOME`: where cargo keeps the sources of dependencies.
    pub cargo_home: PathBuf,
}

impl Settings {
    /// Reads the environment.
    pub fn from_environment() -> Settings {
        let words = |name| -> Vec<String> {
            env::var(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
        };
        let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = set("XDG_CACHE_HOME")
            .or_else(|| set("HOME").map(|home| home.join(".cache")))
            .unwrap_or_else(|| PathBuf::from("/var/cache"));
        let cache = cache.join("distcc-arch-tests");
        let cargo_home = set("CARGO_HOME").or_else(|| set("HOME").map(|home| home.join(".cargo")));
        Settings {
            everything: env::var("DISTCC_ARCH_TESTS").is_ok_and(|value| value == "all"),
            excused: words("DISTCC_ARCH_EXCUSED"),
            matrix_groups: words("DISTCC_ARCH_MATRIX")
                .iter()
                .map(|word| word.parse().unwrap_or_else(|_| panic!("DISTCC_ARCH_MATRIX: {word} is no group")))
                .collect(),
            whole_corpus: env::var("DISTCC_ARCH_CORPUS").is_ok_and(|value| value == "all"),
            sources: cache.clone(),
            image: cache.join("image"),
            i386: cache.join("i386"),
            arm64: cache.join("arm64"),
            cross: cache.join("cross"),
            cache,
            cargo_home: cargo_home.unwrap_or_else(|| PathBuf::from("/usr/local/cargo")),
        }
    }
}
