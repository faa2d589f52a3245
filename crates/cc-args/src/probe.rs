//! Which compiles only probe the compiler for a build system: too many and too short to be sent. Knows no disk.

use crate::compilation::Compilation;
use crate::why_local::WhyLocal;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Where a pattern has to fit.
#[derive(Debug, Clone, Copy)]
enum At {
    /// The end of the path: the file, with so much of its directory as the pattern names.
    File,
    /// Directories that follow one another, anywhere above the file.
    Above,
}

/// Where, what, and the reason to stay.
type Row = (At, &'static str, fn(OsString) -> WhyLocal);

/// What the source or the output of a probe is called. A `*` stands for any part of one name.
///
/// As seen of Autoconf 2.71 with libtool and config.guess, CMake 3.25, Meson 1.0, busybox 1.35 and Linux 6.12.
const PROBES: &[Row] = {
    use At::{Above, File};
    use WhyLocal::{Conftest, Probe};
    &[
        (File, "conftest.*", Conftest),
        (File, "tmp.conftest.*", Conftest),
        // config.guess asks in a directory of its own.
        (File, "cg*/dummy.c", Conftest),
        (Above, "CMakeFiles/CMakeScratch", Probe),
        (Above, "CMakeFiles/CMakeTmp", Probe),
        (Above, "CMakeFiles/*/CompilerId*", Probe),
        (Above, "CMakeFiles/_CMakeLTOTest-*", Probe),
        (Above, "meson-private/tmp*", Probe),
        (File, "meson-private/sanitycheck*", Probe),
        // Kconfig and Kbuild: not a file `.tmp_*`, which may be a part of the kernel on its way.
        (File, ".tmp_*/tmp*", Probe),
    ]
};

/// What Kconfig and Kbuild compile to try an option. An output there is no sign: many a real compile has one.
const NO_SOURCE: &str = "/dev/null";

impl Compilation {
    /// Why this should not be sent though it could be: it only probes the compiler for a build system. `directory` is
    /// where it runs.
    pub fn probe_in(&self, directory: &Path) -> Option<WhyLocal> {
        let source = self.input();
        if source == Path::new(NO_SOURCE) {
            return Some(WhyLocal::Probe(NO_SOURCE.into()));
        }
        [source, self.output()].into_iter().find_map(|path| {
            let whole = directory.join(path);
            let names: Vec<&[u8]> = whole.iter().map(OsStrExt::as_bytes).collect();
            let (_, _, why) = PROBES.iter().find(|(at, pattern, _)| fits(*at, pattern, &names))?;
            Some(why(path.into()))
        })
    }
}

fn fits(at: At, pattern: &str, names: &[&[u8]]) -> bool {
    let wanted: Vec<&str> = pattern.split('/').collect();
    let fit = |names: &[&[u8]]| wanted.iter().zip(names).all(|(wanted, name)| is_called(name, wanted));
    match at {
        At::File => names.len() >= wanted.len() && fit(&names[names.len() - wanted.len()..]),
        At::Above => names.split_last().is_some_and(|(_, above)| above.windows(wanted.len()).any(fit)),
    }
}

fn is_called(name: &[u8], wanted: &str) -> bool {
    match wanted.split_once('*') {
        None => name == wanted.as_bytes(),
        Some((head, tail)) => {
            name.len() >= head.len() + tail.len()
                && name.starts_with(head.as_bytes())
                && name.ends_with(tail.as_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A command in the directory /b, and its code if it is a probe.
    #[track_caller]
    fn check(command: &str, expected: Option<&str>) {
        check_in("/b", command, expected);
    }

    #[track_caller]
    fn check_in(directory: &str, command: &str, expected: Option<&str>) {
        let words: Vec<OsString> = command.split_whitespace().map(OsString::from).collect();
        let compilation = crate::analyze(&words, |_| None).unwrap();
        let why = compilation.probe_in(Path::new(directory));
        assert_eq!(why.as_ref().map(WhyLocal::code), expected, "{directory}: {command}");
    }

    #[test]
    fn probes_of_autoconf() {
        check("gcc -c -g -O2 conftest.c", Some("conftest"));
        check("g++ -c conftest.cpp -fPIC -DPIC", Some("conftest"));
        check("gcc -c tmp/conftest.x.c", Some("conftest"));
        check("gcc -c tmp.conftest.c", Some("conftest"));
        check("cc -c -o /tmp/cg4sCQJw/dummy.o /tmp/cg4sCQJw/dummy.c", Some("conftest"));
        check("gcc -c conftest2.c -o conftest2.o", None);
        check("gcc -c conftester.c", None);
        check("gcc -c src/dummy.c", None);
    }

    #[test]
    fn probes_of_cmake() {
        let scratch = "/b/CMakeFiles/CMakeScratch/TryCompile-PWFxWs";
        let object = "-o CMakeFiles/cmTC_b5a89.dir/CheckIncludeFile.c.o";
        check_in(scratch, &format!("cc {object} -c {scratch}/CheckIncludeFile.c"), Some("probe"));
        let of_cmake = format!("cc {object} -c /usr/share/cmake-3.25/Modules/CMakeCCompilerABI.c");
        check_in(scratch, &of_cmake, Some("probe"));
        check_in("/b/CMakeFiles/CMakeTmp", &of_cmake, Some("probe"));
        check_in("/b/CMakeFiles/3.25.1/CompilerIdC", "cc -c CMakeCCompilerId.c", Some("probe"));
        check_in("/b/CMakeFiles/_CMakeLTOTest-C/bin", "cc -flto -c ../src/foo.c -o foo.o", Some("probe"));
        check("cc -c /s/CMakeFiles.c -o CMakeFiles/prog.dir/main.c.o", None);
        check("cc -c CMakeTmp/main.c", None);
    }

    #[test]
    fn probes_of_meson() {
        let private = "/b/meson-private/tmped8c9e25";
        let command = format!("cc {private}/testfile.c -o {private}/output.obj -c -O0");
        check_in(private, &command, Some("probe"));
        check_in("/b/meson-private", "cc -c sanitycheckc.c -o sanitycheckc.o", Some("probe"));
        check("cc -c sanitycheckc.c", None);
        check("cc -c ../lib.c -o liblib.a.p/lib.c.o", None);
    }

    #[test]
    fn probes_of_kconfig() {
        check("gcc -Werror -c -x c /dev/null -o .tmp_4711/tmp.o", Some("probe"));
        check("gcc -Wall -S -o /dev/null -xc /dev/null", Some("probe"));
        check("gcc -c lib/string.c -o /dev/null", None);
        check("gcc -c x.c -o .tmp_4711/tmp", Some("probe"));
        check("gcc -c -o init/.tmp_main.o init/main.c", None);
        check_in("/var/.tmp_build/tmp/prog", "gcc -c src/tmp.c", None);
        check("gcc -c -o scripts/kconfig/conf.o scripts/kconfig/conf.c", None);
    }

    #[test]
    fn a_star_is_a_part_of_one_name() {
        for (name, wanted, expected) in [
            ("a", "a", true),
            ("ab", "a", false),
            ("ab", "a*", true),
            ("aa", "aa*a", false),
            ("a.c", "*.c", true),
        ] {
            assert_eq!(is_called(name.as_bytes(), wanted), expected, "{name} {wanted}");
        }
    }
}
