//! Compiles of sources that failed elsewhere and succeed here: what the scan missed or a host lacks, and how many there were.
//! A mistake of ours is no host's fault. Knows nothing of how a job is sent.

use crate::compile::Job;
use crate::elsewhere::Prepared;
use crate::include_server;
use crate::settings::Settings;
use cc_args::Compilation;
use hosts::Host;
use logging::Field;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// One byte for each; the command around a build reads its length (pump(1)).
const COUNTER: &str = "discrepancy_counter";

/// What is wrong with the number after which nothing is scanned any more, if something is.
pub(crate) fn bad_limit(settings: &Settings) -> Option<&String> {
    settings.most_discrepancies.as_ref().err()
}

/// Why nothing is to be scanned any more, if so; never, unless the user has set a limit.
pub(crate) fn demotion(settings: &Settings) -> Option<String> {
    let most = u64::from((*settings.most_discrepancies.as_ref().ok()?)?);
    let counted = fs::metadata(include_server::directory(settings)?.join(COUNTER)).ok()?.len();
    let demoted = counted >= most;
    demoted.then(|| {
        "now using plain distcc, possibly due to inconsistent file system changes during build".to_owned()
    })
}

/// Tells of one, of which the compiler on `host` said `messages`: what the compiler here reads and a scan of now lacks, or
/// what changed meanwhile, or else what the host lacks; such a host gets text for a while.
pub(crate) fn report(prepared: &Prepared, host: &Host, messages: &[u8]) {
    let Prepared { job, compilation, .. } = prepared;
    let (input, spec) = (compilation.input().display(), &host.spec);
    let (subject, cause) = if let Some(file) = missed_file(prepared) {
        // The include server has counted it.
        let cause = format!("the scan has missed {}: this is a mistake of distcc's", file.display());
        (format!("discrepancy {input}"), cause)
    } else if let Some(file) = changed_file(job, compilation) {
        count(job.settings);
        let cause = format!("file '{}', a dependency of {input}, changed during the build", file.display());
        (format!("discrepancy {input}"), cause)
    } else if let Some(header) = lacking(messages) {
        job.site.leave_with_text(host);
        let cause =
            format!("that host has no {header}, which should be installed there; it gets preprocessed text");
        (format!("lacking {spec} {header}"), cause)
    } else {
        count(job.settings);
        (format!("discrepancy {input}"), "nobody knows why: this is a mistake of distcc's".to_owned())
    };
    let message = format_args!(
        "compilation of '{input}' with its headers failed on {spec}, but succeeded here: {cause}"
    );
    let log = job.log.about(Field::Host, spec);
    job.site.told.through(&log).remark(format_args!("{subject}"), message);
}

/// The header that a compiler has not found, as gcc and clang say it in English.
fn lacking(messages: &[u8]) -> Option<String> {
    let messages = String::from_utf8_lossy(messages);
    let gcc = |line: &str| {
        let name = line.split_once("fatal error: ")?.1.strip_suffix(": No such file or directory")?;
        Some(name.to_owned())
    };
    let clang = |line: &str| {
        let name = line.split_once("fatal error: '")?.1.strip_suffix("' file not found")?;
        Some(name.to_owned())
    };
    messages.lines().find_map(|line| gcc(line).or_else(|| clang(line)))
}

fn missed_file(prepared: &Prepared) -> Option<PathBuf> {
    let Prepared { job, compilation, interrupts, .. } = prepared;
    let mut request = job.scan_request(compilation);
    request.compare = true;
    let conversation = include_server::reach(job.settings, interrupts).ok()?;
    conversation.scan(&request).ok()?.missing().first().cloned()
}

/// A file, of those that the compile just made here depends on, that is newer than the include server.
fn changed_file(job: &Job, compilation: &Compilation) -> Option<PathBuf> {
    let socket = fs::metadata(include_server::directory(job.settings)?.join("socket")).ok()?;
    let began = (socket.ctime(), socket.ctime_nsec());
    let rule = fs::read(compilation.dependency_file()?).ok()?;
    let is_fresh = |file: &PathBuf| {
        fs::metadata(file).is_ok_and(|found| found.is_file() && (found.ctime(), found.ctime_nsec()) >= began)
    };
    let excluded = |file: &PathBuf| {
        let patterns = &job.settings.exclude_fresh_files;
        patterns.iter().any(|pattern| fits(pattern.as_bytes(), file.as_os_str().as_bytes()))
    };
    prerequisites(&rule).into_iter().find(|file| is_fresh(file) && !excluded(file))
}

/// Of names with blanks in them only pieces are seen.
fn prerequisites(rule: &[u8]) -> Vec<PathBuf> {
    let words = rule.split(u8::is_ascii_whitespace);
    let names = words.filter(|word| !word.is_empty() && !word.contains(&b'\\') && !word.ends_with(b":"));
    names.map(|name| PathBuf::from(OsStr::from_bytes(name))).collect()
}

/// Like a shell's `*` and `?`, which here also stand for slashes.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    let mut star = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[from] => (at, from) = (at + 1, from + 1),
            _ => match &mut star {
                Some((back, to)) => {
                    *to += 1;
                    (at, from) = (*back + 1, *to);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

fn count(settings: &Settings) {
    let Some(directory) = include_server::directory(settings) else { return };
    let file = File::options().append(true).create(true).open(directory.join(COUNTER));
    // Whoever wants to know finds one less.
    let _ = file.and_then(|mut file| file.write_all(b"@"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        };
        check("*.h", "a/b.h", true);
        check("*.h", "a/b.hh", false);
        check("a/?.h", "a/b.h", true);
        check("a*b*c", "aXXbXbXc", true);
        check("a*b*c", "aXXcXb", false);
        check("", "", true);
        check("", "x", false);
        check("**", "x", true);
    }

    #[test]
    fn headers_that_a_compiler_has_not_found() {
        let check = |messages: &str, expected: Option<&str>| {
            assert_eq!(lacking(messages.as_bytes()).as_deref(), expected, "{messages}");
        };
        check("x.c:1:10: fatal error: zlib.h: No such file or directory\n    1 | #include\n", Some("zlib.h"));
        check("x.c:1:10: fatal error: 'zlib.h' file not found\n1 error generated.\n", Some("zlib.h"));
        check("x.c:1:1: error: unknown type name 'x'\n", None);
        check("", None);
    }

    #[test]
    fn what_a_rule_names() {
        let names = prerequisites(b"x.o: x.c a\\ b.h \\\n /usr/y.h\n\ny.h:\n");
        assert_eq!(names, ["x.c", "b.h", "/usr/y.h"].map(PathBuf::from));
    }
}
