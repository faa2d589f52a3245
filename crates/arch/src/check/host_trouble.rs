//! What is to be said of an examined host, and the command that mends what is wrong. Finds out nothing by itself.

use crate::check::host::{End, Examined};
use crate::check::reach::NoConnection;
use crate::check::remedy::word;
use crate::check::trial_bench::Trial;
use crate::check::trial_outcome::{Difference, Outcome};
use crate::check::{Finding, Situation, ssh_login};
use hosts::{Host, Place};
use std::time::Duration;

/// A host compiles, or nobody knows whether it does.
pub(crate) const COMPILES: &str = "host-compiles";

const DEFAULT_PORT: u16 = 3632;

/// Only the other machine knows which firewall it has, and remembers there what is to be taken back.
const OPEN_FIREWALL: &str = "sudo distcc-arch setup --server --open-firewall";

/// All findings about one host; `source` is where the host list comes from.
pub(crate) fn findings(examined: &Examined, situation: &Situation, source: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(took) = examined.round_trip {
        let from = if examined.is_this_machine { "; this is the same machine" } else { "" };
        let what = format!("connects in {}{from}", shown(took));
        findings.push(Finding::well("host-port", &examined.host.spec, what));
    }
    findings.extend(examined.trials.iter().filter(|trial| trial.outcome == Outcome::Equal).map(|trial| {
        let Trial { language, compiler, took, here, .. } = trial;
        let what = format!(
            "{compiler} there makes the same {language} object as here, in {} (here {})",
            shown(*took),
            shown(*here)
        );
        Finding::well(COMPILES, &examined.host.spec, what)
    }));
    let trouble = Trouble { situation, examined, source };
    match &examined.end {
        Some(End::Ssh(login)) => {
            findings.push(ssh_login::finding(login, &examined.host, situation));
            findings.extend(examined.trials.last().and_then(|trial| trouble.trial(trial)));
        }
        end => findings.extend(end.as_ref().and_then(|end| trouble.of(end))),
    }
    findings
}

struct Trouble<'a> {
    situation: &'a Situation<'a>,
    examined: &'a Examined,
    source: &'a str,
}

impl Trouble<'_> {
    fn of(&self, end: &End) -> Option<Finding> {
        Some(match end {
            End::Local | End::Ssh(_) => return None,
            End::Down => self.skipped("host-port", format!("{} says that it is down", self.source)),
            End::NoTrial => self.skipped(COMPILES, "it takes jobs; no compile was tried".to_owned()),
            End::Unresolved(why) => self.failure(
                "host-name",
                format!("its name has no address: {why}"),
                format!("getent hosts {}   # then give it an address in /etc/hosts, or mend the name in {}", word(self.name()), self.source),
            ),
            End::OtherPort { asked, found } => self.failure(
                "host-wrong-port",
                format!("nothing listens at port {asked} there, and a distccd does at port {found}"),
                self.situation.exchange_host(&self.examined.host.spec, &with_port(&self.examined.host, *found)),
            ),
            End::NoConnection(failure) => self.no_connection(failure),
            End::Denied => self.failure(
                "host-access",
                format!("the distccd there does not serve our address, {}", self.our_address()),
                self.there(&format!("sudo distcc-arch setup --server --allow {}", self.our_range())),
            ),
            End::Stranger(said) => self.failure(
                "host-no-distccd",
                format!("what listens there is no distccd: it says \"{said}\""),
                self.there("sudo systemctl start distccd"),
            ),
            End::NotPermitted { compiler } => self.failure(
                "host-compiler-permitted",
                format!("the distccd there gives no answer to a job for {compiler}: it permits no compiler of this name"),
                self.there("sudo distcc-arch masquerade"),
            ),
            End::Trial => return self.examined.trials.last().and_then(|trial| self.trial(trial)),
        })
    }

    fn no_connection(&self, failure: &NoConnection) -> Finding {
        match failure {
            NoConnection::Refused(at) => self.failure(
                "host-daemon-down",
                format!("the machine is there, and nothing listens at {at}, or a firewall there rejects it"),
                self.there("sudo systemctl enable --now distccd && systemctl status distccd"),
            ),
            NoConnection::Silence(at) => self.failure(
                "host-silent",
                format!("no answer from {at}: it is off, or a firewall there drops port {}", at.port()),
                self.there(OPEN_FIREWALL),
            ),
            NoConnection::Prohibited(at) => self.failure(
                "host-firewall",
                format!("a firewall rejects connections to {at}"),
                self.there(OPEN_FIREWALL),
            ),
            NoConnection::Unreachable(at, why) => self.failure(
                "host-unreachable",
                format!("there is no way to {at}: {why}"),
                format!("ip route get {}   # and see whether the machine is switched on", at.ip()),
            ),
        }
    }

    fn trial(&self, trial: &Trial) -> Option<Finding> {
        let Trial { compiler, language, .. } = trial;
        let see_log = || self.there("journalctl -u distccd -e");
        Some(match &trial.outcome {
            Outcome::Equal | Outcome::NoAnswer => return None,
            Outcome::Differs(how) => self.differs(compiler, how),
            Outcome::CompilerMissing(name) => self.failure(
                "host-compiler-missing",
                format!("the distccd there permits {name} and cannot start it: it is not installed"),
                self.there(&format!("{} && sudo distcc-arch masquerade", install(compiler))),
            ),
            Outcome::CompilerForbidden(name) => self.forbidden(name),
            Outcome::Silence => self.failure(
                "host-no-answer",
                "it takes a job and does not answer in time: it is overloaded or hangs".to_owned(),
                self.there("sudo systemctl restart distccd"),
            ),
            Outcome::Babble(how) => {
                self.failure("host-bad-answer", format!("its answer makes no sense: {how}"), see_log())
            }
            Outcome::Rejected { code, said } => self.failure(
                "host-compile-fails",
                format!("{compiler} there refuses a {language} source that compiles here, with status {code}: {said}"),
                see_log(),
            ),
            Outcome::KeptHere(why) => {
                self.skipped(COMPILES, format!("the client did not send a {language} job: {why}"))
            }
            Outcome::Unsupported(what) => {
                self.skipped(COMPILES, format!("{what}: it gets no job, and builds run without it"))
            }
            Outcome::ClientFailed(how) => self.failure(
                COMPILES,
                format!("distcc failed here: {how}"),
                format!("DISTCC_VERBOSE=1 DISTCC_HOSTS={} distcc {} -c x.c", word(&self.examined.host.spec), word(compiler)),
            ),
        })
    }

    /// Our daemon names the program, others the word that it was looked up by.
    fn forbidden(&self, compiler: &str) -> Finding {
        let quoted = word(compiler);
        let program = if compiler.contains('/') { quoted } else { format!("\"$(command -v {quoted})\"") };
        self.failure(
            "host-compiler-forbidden",
            format!("the distccd there permits {compiler}, and its user may not run it"),
            self.there(&format!(
                "sudo chmod a+rx {program}   # if that is not enough: sudo distcc-arch check"
            )),
        )
    }

    fn differs(&self, compiler: &str, how: &Difference) -> Finding {
        let name = "host-compiler-differs";
        match how {
            Difference::Makers { here, there } => self.failure(
                name,
                format!("another compiler answers there: \"{there}\", and here it is \"{here}\""),
                format!("{}   # here and on {}, until both have the same", self.situation.as_root(format!("pacman -Syu {}", package(compiler))), self.name()),
            ),
            Difference::Machines { here, there } => self.failure(
                "host-target-differs",
                format!("{compiler} there makes objects for {there}, and here for {here}"),
                self.situation.remove_host(&self.examined.host.spec),
            ),
            Difference::Bytes(at) => self.failure(
                "host-object-differs",
                format!("its object differs from the one compiled here, from byte {at} on, though the compilers call themselves the same"),
                format!("pacman -Qi {0} binutils   # here and on {1}: compare the versions", package(compiler), self.name()),
            ),
            Difference::NoObject => self.failure(
                "host-object-differs",
                "what it sends as an object is none".to_owned(),
                self.there(&format!("file -L $(command -v {})   # it should be the compiler itself", word(compiler))),
            ),
        }
    }

    fn skipped(&self, check: &'static str, why: String) -> Finding {
        Finding::skipped(check, &self.examined.host.spec, why)
    }

    fn failure(&self, check: &'static str, what: String, remedy: String) -> Finding {
        Finding::failure(check, &self.examined.host.spec, what, remedy)
    }

    fn name(&self) -> &str {
        self.examined.host.name()
    }

    /// The same command, where it is for this machine.
    fn here(&self, command: &str) -> String {
        command
            .strip_prefix("sudo ")
            .map_or_else(|| command.to_owned(), |command| self.situation.as_root(command))
    }

    /// A command for the other machine.
    fn there(&self, command: &str) -> String {
        if self.examined.is_this_machine {
            self.here(command)
        } else {
            format!("on {}: {command}", self.name())
        }
    }

    fn our_address(&self) -> String {
        self.examined.from.map_or_else(|| "unknown".to_owned(), |from| from.to_string())
    }

    fn our_range(&self) -> String {
        let bits = self.examined.from.map_or(32, |from| if from.is_ipv6() { 128 } else { 32 });
        format!("{}/{bits}", self.our_address())
    }
}

/// The same entry of the host list with another port.
fn with_port(host: &Host, port: u16) -> String {
    let Place::Tcp { name, port: old } = &host.place else { return host.spec.clone() };
    let bare = if name.contains(':') { format!("[{name}]") } else { name.clone() };
    let rest = host.spec.strip_prefix(&bare).unwrap_or_default();
    let rest = rest.strip_prefix(&format!(":{old}")).unwrap_or(rest);
    if port == DEFAULT_PORT { format!("{bare}{rest}") } else { format!("{bare}:{port}{rest}") }
}

/// Arch has both languages of a family in one package.
fn package(compiler: &str) -> &str {
    if compiler.contains("clang") { "clang" } else { "gcc" }
}

fn install(compiler: &str) -> String {
    format!("sudo pacman -S --needed {}", package(compiler))
}

/// 0.4 ms, 12 ms, 1.30 s.
pub(crate) fn shown(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1000.0;
    if millis < 10.0 {
        format!("{millis:.1} ms")
    } else if millis < 1000.0 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.2} s", millis / 1000.0)
    }
}
