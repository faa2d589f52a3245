//! Measures the scanner beside the preprocessor that it replaces: one run, the same sources, processor time. Knows nothing of
//! how the scanner does it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use include_scan::{Budget, Command, Scanner};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use tempfile::TempDir;
use test_hosts::process::{clean, run};

const COMMAND: &str = "cargo bench -p include-scan";
/// What the include server would be given.
const BUDGET: Budget = Budget { bytes: 96 << 20 };
const WARM: u32 = 40;
const PREPROCESSED: usize = 5;

/// One source, and where its headers lie if they are to be sent.
struct Row {
    name: &'static str,
    extension: &'static str,
    switches: &'static [&'static str],
    text: &'static str,
    /// The library that is copied into the project, so that its files are not the system's.
    own: Option<&'static str>,
}

const ASIO: &str = "#include <boost/asio.hpp>\n";
const LLVM: &str =
    "#include <llvm/IR/IRBuilder.h>\n#include <llvm/IR/PassManager.h>\n#include <llvm/IR/Module.h>\n";
const ROWS: &[Row] = &[
    Row { name: "boost.asio", extension: "cpp", switches: &[], text: ASIO, own: None },
    Row { name: "boost.asio, sent", extension: "cpp", switches: &["-Iown"], text: ASIO, own: Some("boost") },
    Row {
        name: "boost.spirit",
        extension: "cpp",
        switches: &[],
        text: "#include <boost/spirit/include/qi.hpp>\n",
        own: None,
    },
    Row {
        name: "eigen",
        extension: "cpp",
        switches: &["-I/usr/include/eigen3"],
        text: "#include <Eigen/Dense>\n",
        own: None,
    },
    Row { name: "json", extension: "cpp", switches: &[], text: "#include <nlohmann/json.hpp>\n", own: None },
    Row { name: "llvm", extension: "cpp", switches: &["-I/usr/lib/llvm-14/include"], text: LLVM, own: None },
    Row { name: "llvm, sent", extension: "cpp", switches: &["-Iown"], text: LLVM, own: Some("llvm") },
    Row {
        name: "bits/stdc++.h",
        extension: "cpp",
        switches: &[],
        text: "#include <bits/stdc++.h>\n",
        own: None,
    },
    Row {
        name: "small C",
        extension: "c",
        switches: &[],
        text: "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n#include <sys/socket.h>\n\
            #include <netinet/in.h>\n",
        own: None,
    },
];

fn main() {
    // Whoever builds all targets to test them does not want to wait for this one.
    if !env::args().any(|word| word == "--bench") {
        return println!("nothing measured; for that: {COMMAND}");
    }
    let place = TempDir::new().expect("a temporary directory");
    let root = place.path().canonicalize().expect("it was just made");
    let whole = Scanner::new(BUDGET);
    println!(
        "{:18} {:>6} {:>6} {:>9} {:>9} {:>9} {:>7}",
        "", "files", "sent", "cold ms", "warm ms", "-E ms", "ratio"
    );
    for row in ROWS {
        match measure(row, &root, &whole) {
            Some(line) => println!("{line}"),
            None => println!("{:18} is not installed", row.name),
        }
    }
    println!("memory after all of them: {:.1} MiB", whole.memory() as f64 / f64::from(1 << 20));
}

fn measure(row: &Row, root: &Path, whole: &Scanner) -> Option<String> {
    let directory = root.join(row.name.replace('/', "-"));
    fs::create_dir(&directory).expect("a directory of ours");
    fs::write(directory.join(format!("x.{}", row.extension)), row.text).expect("a source of ours");
    let command = command(row, &directory);
    if let Some(library) = row.own {
        copy_library(library, row, &directory)?;
    }
    // What is younger than two seconds is read again each time, which no build does for long.
    std::thread::sleep(Duration::from_millis(2100));

    let files = whole.reads(&command).ok()?.len();
    let entries = whole.scan(&command).ok()?.entries.len();
    let cold = Scanner::new(BUDGET);
    let cold = spent(|| drop(cold.scan(&command)));
    let warm = spent(|| (0..WARM).for_each(|_| drop(whole.scan(&command)))) / WARM;
    let preprocessed = (0..PREPROCESSED).map(|_| spent(|| preprocess(&command))).min().expect("a few");
    let [cold, warm, preprocessed] = [cold, warm, preprocessed].map(|time| time.as_secs_f64() * 1000.0);
    let ratio = preprocessed / warm;
    Some(format!(
        "{:18} {files:>6} {entries:>6} {cold:>9.2} {warm:>9.2} {preprocessed:>9.1} {ratio:>6.0}x",
        row.name
    ))
}

fn command(row: &Row, directory: &Path) -> Command {
    let compiler = if row.extension == "c" { "/usr/bin/gcc" } else { "/usr/bin/g++" };
    let source = format!("x.{}", row.extension);
    let words = [compiler, "-O2"].into_iter().chain(row.switches.iter().copied()).chain(["-c", &source]);
    Command {
        directory: directory.to_owned(),
        words: words.map(Into::into).collect(),
        environment: vec![("PATH".into(), "/usr/bin:/bin".into()), ("LC_ALL".into(), "C".into())],
    }
}

/// Copies what the source reads of a library below `own`; None if the library is not there.
fn copy_library(library: &str, row: &Row, directory: &Path) -> Option<()> {
    let installed = ["/usr/include", "/usr/lib/llvm-14/include"];
    let installed = installed.map(|top| Path::new(top).canonicalize().unwrap_or_default().join(library));
    let installed: Vec<PathBuf> = installed.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let above = format!("-I{}", installed.last()?.parent()?.display());
    let plain = Row { switches: &[], ..*row };
    let mut command = command(&plain, directory);
    command.words.insert(1, above.into());
    for file in Scanner::new(BUDGET).reads(&command).ok()? {
        let Some(inside) = installed.iter().find_map(|top| file.strip_prefix(top.parent()?).ok()) else {
            continue;
        };
        // LLVM's own headers need those of its C interface, whose folder is llvm-c.
        if inside.to_string_lossy().starts_with(library) {
            let copy = directory.join("own").join(inside);
            fs::create_dir_all(copy.parent()?).expect("a directory of ours");
            fs::copy(&file, copy).expect("a file of ours");
        }
    }
    Some(())
}

fn preprocess(command: &Command) {
    let mut preprocessor = clean(Path::new(&command.words[0]));
    let words = command.words[1..].iter().filter(|word| *word != "-c");
    preprocessor.args(words).args(["-E", "-o", "/dev/null"]).current_dir(&command.directory);
    run(preprocessor).good();
}

/// Processor time of this process and of the children that it has waited for.
fn spent(work: impl FnOnce()) -> Duration {
    let before = used();
    work();
    used() - before
}

fn used() -> Duration {
    let microseconds: i64 = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN]
        .into_iter()
        .map(|who| getrusage(who).expect("the call has no other way to fail"))
        .flat_map(|usage| [usage.user_time(), usage.system_time()])
        .map(|time: TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec())
        .sum();
    Duration::from_micros(microseconds.unsigned_abs())
}
