//! What the client says about itself, its hosts and a command, as text. Compiles nothing.

use crate::compile::Job;
use crate::interrupts::Interrupts;
use crate::remote::Failure;
use crate::trust::Trust;
use crate::why_here::WhyHere;
use cc_args::Compilation;
use hosts::{Host, HostList, Place};
use std::fmt::Write as _;

/// `distcc --version`; scripts look for `distcc` in the first line and for the protocols in the second.
pub(crate) fn version() -> String {
    let target = std::env::consts::ARCH;
    format!(
        "distcc {} {target}-pc-linux-gnu\n  (protocols 1, 2 and 3) (default port 3632)\n  distcc-arch, a successor of \
         distcc 3.4 written in Rust; licence GPL-3.0-or-later\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// `distcc --help`.
pub(crate) fn help() -> String {
    let usage = "\
Compile C and C++ on other machines, with the result of a local compile.

Usage:
   distcc [COMPILER] [compile options] -o OBJECT -c SOURCE
   distcc --why [COMPILER] [compile options]
   distcc --scan-includes [COMPILER] [compile options]
   distcc --summary [--begin]
   distcc --help | --version | --show-hosts | -j

Options:
   COMPILER                   compiler to run; cc if left out
   --why COMMAND...           say whether COMMAND would be sent away, and if not, why
   --scan-includes COMMAND... list what would be sent with COMMAND's source to a host with ,cpp
   --summary                  say how many jobs ran where, and why here, since the last summary
   --summary --begin          leave what has been out of the next summary
   --show-hosts               list the hosts that jobs may be sent to, one a line
   -j                         print the sum of the hosts' slots, for make -j
   --help                     explain usage and exit
   --version                  show version and exit

A link to distcc that is called like a compiler and comes first in PATH works as that compiler.

Hosts are read from the first of $DISTCC_HOSTS, $DISTCC_DIR/hosts (~/.distcc/hosts), /etc/distcc/hosts:
   HOST[:PORT][/SLOTS][,lzo[,cpp]]  a machine that runs distccd; lzo compresses, for slow networks; with cpp, headers are
                              sent and preprocessing is done there, too
   [USER]@HOST[/SLOTS][:COMMAND][,lzo[,cpp]]  the same, with ssh running distccd for each job
   +zeroconf                  machines on the local network whose daemons announce themselves, with a compiler as here
   localhost[/SLOTS]          this machine, without distccd
   --randomize                try the hosts in random order
   --localslots=N             at most N other jobs here at a time (4)
   --localslots_cpp=N         at most N preprocessors here at a time (8)

Environment:
   DISTCC_VERBOSE=1           say on stderr what happens to each job
   DISTCC_LOG=FILE            write messages to FILE instead of stderr
   DISTCC_FALLBACK=0          fail where a job would have to run here
   DISTCC_EXACT_DIAGNOSTICS=1 compile again here whatever made a remote compiler print something
See distcc(1) for the others and for exit codes.
";
    format!("{}\n{usage}", version())
}

/// `distcc --show-hosts`: the tokens as written, in the order they are tried.
pub(crate) fn host_specs(list: &HostList) -> String {
    list.hosts.iter().fold(String::new(), |mut text, host| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", host.spec);
        text
    })
}

/// `distcc -j`.
pub(crate) fn slot_count(list: &HostList) -> String {
    format!("{}\n", list.total_slots())
}

/// `distcc --why COMMAND`: one line that begins with `remote:` or `local: CODE:`.
pub(crate) fn why(job: &Job) -> String {
    let compilation = match job.analyze() {
        Ok(compilation) => compilation,
        Err(why) => return format!("local: {}: {why}\n", why.code()),
    };
    if job.wants_rule_of_text(&compilation) {
        return format!("local: {}: {}\n", WhyHere::Rule.code(), WhyHere::Rule);
    }
    let hazard = job.text_hazard(&compilation);
    if let Some(why) = hazard.as_ref().filter(|_| !job.site.lists_pump_hosts()) {
        return format!("local: {}: {why}\n", why.code());
    }
    let list = match job.site.hosts() {
        Ok(list) => list,
        Err(error) => return format!("local: no-hosts: {error}\n"),
    };
    let away: Vec<&Host> = list
        .hosts
        .iter()
        .filter(|host| host.place != Place::Local && !host.down && !host.auth)
        .filter(|host| host.pump || hazard.is_none())
        .collect();
    if away.is_empty() {
        return format!("local: no-hosts: {} names no other machine that can be used\n", list.source_name);
    }
    let (away, not, is_untold) = away_or_not(job, &compilation, &away);
    if away.is_empty() {
        let told = compilation.told_processor().filter(|_| is_untold);
        let why = told.map_or(WhyHere::NoCompiler, |told| WhyHere::Command(told.why.clone()));
        return format!("local: {}: {why} ({})\n", why.code(), not.join("; "));
    }
    let words = job.server_words(&compilation);
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    let not = if not.is_empty() { String::new() } else { format!(" (not {})", not.join("; ")) };
    format!("remote: {} (hosts: {}){not}\n", words.join(" "), away.join(" "))
}

/// The hosts that may be given the job; those of which it is known that they are of no use for it, and why; and whether one
/// of these only lacks word of the processor here. None is asked.
fn away_or_not<'a>(
    job: &Job,
    compilation: &Compilation,
    hosts: &[&'a Host],
) -> (Vec<&'a str>, Vec<String>, bool) {
    let interrupts = Interrupts::catch().ok();
    let trust = interrupts.as_ref().and_then(|caught| Trust::begin(job, compilation, caught).ok()?);
    let is_told = compilation.told_processor().is_some();
    let (mut away, mut not, mut is_untold) = (Vec::new(), Vec::new(), false);
    for host in hosts {
        match trust.as_ref().and_then(|trust| trust.stranger(host)) {
            Some(why) => not.push(format!("{}: {why}", host.spec)),
            None if is_told && trust.as_ref().is_some_and(|trust| trust.takes_no_native(host)) => {
                not.push(format!("{}: {}", host.spec, Failure::TakesNoNative));
                is_untold = true;
            }
            None => away.push(host.spec.as_str()),
        }
    }
    (away, not, is_untold)
}
