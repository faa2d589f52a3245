//! The programs that are configured, and the ways to put a compiler in their hands. Knows nothing of what is compared.

use std::path::Path;
use std::process::Command;

use test_hosts::settings::PATH;

/// A program to configure.
pub(crate) struct Project {
    /// The folder of its source.
    pub(crate) name: &'static str,
    /// What must be installed.
    pub(crate) programs: &'static [&'static str],
    /// A shell script that configures the tree that it is run in, with $CC and $CXX.
    pub(crate) configure: &'static str,
    /// Files, and lines in files, that differ between two plain runs, or tell how the compiler was called.
    pub(crate) unsteady: &'static [Unsteady],
    /// A file and a line of it, without which the comparison would prove nothing.
    pub(crate) found: (&'static str, &'static str),
    /// How many compiles are no probes.
    pub(crate) compiles: usize,
    /// At least so many probes can be sent away.
    pub(crate) probes: usize,
    /// $CC of two words is kept in two places, so that only headers can be the same.
    pub(crate) headers_only: bool,
}

/// The end of a path, and how the lines begin that are left out; all of the file where that is empty.
pub(crate) type Unsteady = (&'static str, &'static str);

pub(crate) static PROJECTS: [Project; 4] = [
    Project {
        name: "libffi",
        programs: &["make"],
        configure: "./configure --quiet --config-cache",
        unsteady: &[
            ("config.log", ""),
            // The number of the processor that the probe happened to run on is a part of it.
            ("config.cache", "ax_cv_gcc_x86_cpuid_1="),
        ],
        found: ("config.cache", "lt_cv_prog_compiler_pic_works=${lt_cv_prog_compiler_pic_works=yes}"),
        compiles: 0,
        probes: 20,
        headers_only: false,
    },
    Project {
        name: "json-c",
        programs: &["cmake", "make"],
        configure: "cmake -S . -B built -Wno-dev",
        unsteady: &[("CMakeOutput.log", ""), ("CMakeError.log", "")],
        found: ("built/config.h", "#define HAVE_STRTOLL"),
        compiles: 0,
        probes: 20,
        headers_only: true,
    },
    Project {
        name: "pkgconf",
        programs: &["meson", "ninja"],
        configure: "meson setup built -Dtests=false",
        unsteady: &[("meson-log.txt", ""), (".dat", "")],
        found: ("libpkgconf/config.h", "#define HAVE_STRNDUP 1"),
        compiles: 0,
        probes: 1,
        headers_only: false,
    },
    Project {
        name: "busybox",
        programs: &["make"],
        configure: r#"KCONFIG_NOTIMESTAMP=1 make defconfig CC="$CC" HOSTCC="$CC""#,
        unsteady: &[],
        found: (".config", "CONFIG_ASH=y"),
        compiles: 4,
        // A compiler is asked about its options with an empty device as the source, which is never sent.
        probes: 0,
        headers_only: false,
    },
];

/// How a project calls its compiler.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compiler {
    /// As ever.
    Plain,
    /// A link to the client comes first in PATH.
    Link,
    /// The client with the compiler as its first word.
    Command,
}

impl Compiler {
    /// Sets PATH, CC and CXX.
    pub(crate) fn set_up(self, command: &mut Command, distcc: &str, links: &Path) {
        let (before, path) = match self {
            Compiler::Plain => (String::new(), PATH.to_owned()),
            Compiler::Link => (String::new(), format!("{}:{PATH}", links.display())),
            Compiler::Command => (format!("{distcc} "), PATH.to_owned()),
        };
        command.env("PATH", path).env("CC", format!("{before}gcc")).env("CXX", format!("{before}g++"));
    }

    /// A text in which the compiler is named as if it had been called plainly.
    pub(crate) fn plainly(self, text: &str, distcc: &str, links: &Path) -> String {
        let links = links.display();
        let text = match self {
            Compiler::Plain => text.to_owned(),
            Compiler::Link => {
                text.replace(&format!("{links}:{PATH}"), PATH).replace(&format!("{links}/"), "/usr/bin/")
            }
            Compiler::Command => {
                text.replace(&format!("{distcc} "), "").replace(&format!("\"{distcc}\", "), "")
            }
        };
        // A shell needs quotes for two words and may have them for one.
        text.replace("'gcc'", "gcc").replace("'g++'", "g++")
    }
}
