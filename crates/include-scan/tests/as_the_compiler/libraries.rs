//! Heavy libraries, as Debian packs them, under every language standard. Knows nothing of how a reading is judged.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use include_scan::{Budget, Scanner};
use test_hosts::need;
use test_hosts::settings::Settings;

use crate::job::Job;
use crate::proof::{complaints, expect_none};
use crate::scene::Scene;

/// One source of nothing but includes.
struct Unit {
    /// What a test run lacks without it: a name, a header, and what to install.
    library: (&'static str, &'static str, &'static str),
    extension: &'static str,
    switches: &'static [&'static str],
    text: &'static str,
}

const BOOST: (&str, &str, &str) =
    ("boost", "/usr/include/boost/version.hpp", "install libboost-dev (Debian), boost (Arch)");
const EIGEN: (&str, &str, &str) =
    ("eigen", "/usr/include/eigen3/Eigen/Core", "install libeigen3-dev (Debian), eigen (Arch)");
const JSON: (&str, &str, &str) = (
    "nlohmann-json",
    "/usr/include/nlohmann/json.hpp",
    "install nlohmann-json3-dev (Debian), nlohmann-json (Arch)",
);
const LLVM: (&str, &str, &str) = ("llvm", "", "install llvm-14-dev (Debian), llvm (Arch)");
const COMPILER: (&str, &str, &str) = ("g++", "/usr/include/stdio.h", "install g++ and libc6-dev");

const UNITS: &[Unit] = &[
    Unit { library: BOOST, extension: "cpp", switches: &[], text: "#include <boost/asio.hpp>\n" },
    Unit {
        library: BOOST,
        extension: "cpp",
        switches: &["-DBOOST_SPIRIT_USE_PHOENIX_V3"],
        text: "#include <boost/spirit/include/qi.hpp>\n#include <boost/spirit/include/karma.hpp>\n#include <boost/phoenix.hpp>\n",
    },
    Unit { library: BOOST, extension: "cpp", switches: &[], text: "#include <boost/spirit/home/x3.hpp>\n" },
    Unit {
        library: BOOST,
        extension: "cpp",
        switches: &["-DBOOST_MPL_LIMIT_LIST_SIZE=30", "-DBOOST_MPL_LIMIT_VECTOR_SIZE=40"],
        text: "#include <boost/mpl/vector.hpp>\n#include <boost/mpl/list.hpp>\n#include <boost/mpl/map.hpp>\n\
            #include <boost/mpl/set/set50.hpp>\n#include <boost/mpl/lambda.hpp>\n#include <boost/mpl/fold.hpp>\n\
            #include <boost/mpl/string.hpp>\n#include <boost/preprocessor.hpp>\n#include <boost/fusion/include/vector.hpp>\n",
    },
    Unit {
        library: BOOST,
        extension: "cpp",
        // Made by iteration, file by file including itself, in place of what Boost has prepared.
        switches: &["-DBOOST_MPL_CFG_NO_PREPROCESSED_HEADERS"],
        text: "#include <boost/mpl/vector/vector20.hpp>\n#include <boost/mpl/apply.hpp>\n#include <boost/mpl/bind.hpp>\n\
            #include <boost/function.hpp>\n#include <boost/bind.hpp>\n#include <boost/variant.hpp>\n",
    },
    Unit { library: BOOST, extension: "cpp", switches: &[], text: "#include <boost/hana.hpp>\n" },
    Unit {
        library: EIGEN,
        extension: "cpp",
        switches: &["-I/usr/include/eigen3"],
        text: "#include <Eigen/Dense>\n#include <Eigen/Sparse>\n#include <unsupported/Eigen/CXX11/Tensor>\n",
    },
    Unit { library: JSON, extension: "cpp", switches: &[], text: "#include <nlohmann/json.hpp>\n" },
    Unit {
        library: LLVM,
        extension: "cpp",
        switches: &["-D_GNU_SOURCE", "-D__STDC_LIMIT_MACROS"],
        text: "#include <llvm/IR/IRBuilder.h>\n#include <llvm/IR/PassManager.h>\n#include <llvm/Passes/PassBuilder.h>\n\
            #include <llvm/CodeGen/MachineFunction.h>\n#include <llvm/Analysis/TargetLibraryInfo.h>\n",
    },
    Unit {
        library: COMPILER,
        extension: "cpp",
        switches: &["-mavx2", "-pthread"],
        text: "#include <bits/stdc++.h>\n",
    },
    Unit {
        library: COMPILER,
        extension: "c",
        switches: &["-D_GNU_SOURCE"],
        text: "#include <assert.h>\n#include <complex.h>\n#include <ctype.h>\n#include <errno.h>\n#include <fenv.h>\n\
            #include <float.h>\n#include <inttypes.h>\n#include <iso646.h>\n#include <limits.h>\n#include <locale.h>\n\
            #include <math.h>\n#include <setjmp.h>\n#include <signal.h>\n#include <stdalign.h>\n#include <stdarg.h>\n\
            #include <stdatomic.h>\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n\
            #include <stdlib.h>\n#include <stdnoreturn.h>\n#include <string.h>\n#include <tgmath.h>\n#include <threads.h>\n\
            #include <time.h>\n#include <uchar.h>\n#include <wchar.h>\n#include <wctype.h>\n#include <unistd.h>\n\
            #include <pthread.h>\n#include <sys/socket.h>\n#include <sys/stat.h>\n#include <netinet/in.h>\n\
            #include <netdb.h>\n#include <regex.h>\n#include <dirent.h>\n#include <poll.h>\n#include <immintrin.h>\n",
    },
];

/// Standards as both compilers spell them: of C++, and of C in their place.
const STANDARDS: &[[&str; 2]] = &[
    ["c++11", "c89"],
    ["gnu++11", "gnu89"],
    ["c++14", "c99"],
    ["gnu++14", "gnu99"],
    ["c++17", "c11"],
    ["gnu++17", "gnu11"],
    ["c++20", "c17"],
    ["gnu++20", "gnu17"],
    ["c++2b", "c2x"],
    ["gnu++2b", "gnu2x"],
];
/// Each unit sees this many of the forty settings in an ordinary run; together they see all of them.
const SAMPLE: usize = 4;

#[test]
fn libraries_are_read_whole() {
    let (Some(strace), Some(_)) =
        (need::program("strace", "install strace"), need::program("clang", "install clang"))
    else {
        return;
    };
    let scene = Scene::new();
    let jobs: Vec<Job> = UNITS
        .iter()
        .enumerate()
        .filter(|(_, unit)| is_there(unit))
        .flat_map(|(number, unit)| jobs(number, unit, &scene))
        .collect();
    // Both cores at work; one memory, as in the include server.
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let scanner = Scanner::new(Budget { bytes: 96 << 20 });
    let work = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let complaints = complaints(&scanner, job, &strace, &BTreeSet::new());
            found.lock().unwrap_or_else(PoisonError::into_inner).extend(complaints);
        }
    };
    thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
    expect_none(&found.into_inner().unwrap_or_else(PoisonError::into_inner));
    let memory = scanner.memory();
    assert!(memory < 100 << 20, "{memory} bytes after the whole corpus");
}

fn is_there(unit: &Unit) -> bool {
    let (name, header, remedy) = unit.library;
    if name == LLVM.0 { llvm().is_some() } else { need::file(name, Path::new(header), remedy).is_some() }
}

/// Where Debian keeps the headers of LLVM, or Arch.
fn llvm() -> Option<PathBuf> {
    let debian = Path::new("/usr/lib/llvm-14/include");
    let includes = if debian.exists() { debian } else { Path::new("/usr/include") };
    need::file(LLVM.0, &includes.join("llvm/IR/Module.h"), LLVM.2).map(|_| includes.to_owned())
}

/// The unit under its sample of settings, or under all.
fn jobs(number: usize, unit: &Unit, scene: &Scene) -> Vec<Job> {
    let source = format!("{number}.{}", unit.extension);
    fs::write(scene.root().join(&source), unit.text).expect("a source of ours");
    let settings = STANDARDS.len() * 4;
    let everything = Settings::from_environment().whole_corpus;
    let chosen: Vec<usize> = if everything {
        (0..settings).collect()
    } else {
        // Steps that meet both compilers and both levels, and another standard each time.
        (0..SAMPLE).map(|step| (number * SAMPLE + step + step * SAMPLE * 3) % settings).collect()
    };
    chosen.into_iter().map(|setting| job(unit, &source, setting, scene)).collect()
}

fn job(unit: &Unit, source: &str, setting: usize, scene: &Scene) -> Job {
    let cpp = unit.extension == "cpp";
    let compiler = [["gcc", "clang"], ["g++", "clang++"]][usize::from(cpp)][setting % 2];
    let level = ["-O0", "-O2"][setting / 2 % 2];
    let standard = format!("-std={}", STANDARDS[setting / 4][usize::from(!cpp)]);
    let includes = if unit.library == LLVM { llvm() } else { None };
    let includes = includes.map(|path| format!("-I{}", path.display()));
    let words = [compiler, level, &standard, "-w"].into_iter().chain(unit.switches.iter().copied());
    Job::new(&scene.root(), words.chain(includes.as_deref()).chain(["-c", source]))
}
