//! `distcc --scan-includes COMMAND`: the names that would be sent with a source. Sends nothing.

use crate::compile::Job;
use crate::exit::code;
use crate::interrupts::Interrupts;
use crate::preparation::NoSources;
use cc_args::Compilation;
use protocol::include_server::{Kind, Listed, ScanRequest};
use std::os::unix::ffi::OsStrExt;

/// The list, one name a line as distcc 3.4 prints it, or an error message with its exit code.
pub(crate) fn list(job: &Job) -> Result<Vec<u8>, (String, u8)> {
    let compilation = job.analyze().map_err(|why| unused(&why.to_string()))?;
    if !job.site.lists_pump_hosts() {
        return Err(unused("make sure hosts list includes ',cpp' option?"));
    }
    let interrupts = Interrupts::catch().map_err(|error| (error.to_string(), code::IO_ERROR))?;
    let entries = scan(job, &compilation, &interrupts).map_err(|why| {
        let message = format!("failed to get includes from include server: {why}");
        (message, NOT_COVERED)
    })?;
    Ok(entries.iter().flat_map(line).collect())
}

/// What distcc 3.4 ends with where the include server has no answer.
const NOT_COVERED: u8 = 1;

fn unused(why: &str) -> (String, u8) {
    let message =
        format!("'--scan_includes' specified, but distcc wouldn't have used include server ({why})");
    (message, code::GENERAL)
}

fn scan(job: &Job, compilation: &Compilation, interrupts: &Interrupts) -> Result<Vec<Listed>, String> {
    let request = ScanRequest { list: true, ..job.scan_request(compilation) };
    job.check_sources(compilation)
        .and_then(|()| job.ask_include_server(&request, interrupts))
        .map(|held| held.entries().to_vec())
        .map_err(|why| match why {
            NoSources::Unfit(code, sentence) => format!("{code}: {sentence}"),
            NoSources::Trouble(what) => what,
            NoSources::Unwanted => "DISTCC_INCLUDE_SERVER=0, and none runs".to_owned(),
            NoSources::Interrupted(signal) => format!("interrupted by {signal}"),
        })
}

fn line(Listed { kind, name }: &Listed) -> Vec<u8> {
    let kind = match kind {
        Kind::File => "FILE",
        Kind::Link => "SYMLINK",
        Kind::SystemDirectory => "SYSTEMDIR",
        Kind::Directory => "DIRECTORY",
    };
    [format!("{kind:<9} ").as_bytes(), name.as_os_str().as_bytes(), b"\n"].concat()
}
