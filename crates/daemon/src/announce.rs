//! Has the daemon announced on the local network while it serves. Knows nothing of how that is done on the wire, and
//! keeps no job waiting.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use discovery::{Announcement, Compiler, Progress, Reach};
use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::SockaddrStorage;
use nix::unistd::gethostname;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::select;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::server::Server;
use crate::settings::Settings;

/// The longest that `cc` may take to say what it is.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);
/// The longest that the daemon, when all else has ended, waits for the network to hear that it goes.
const FAREWELL: Duration = Duration::from_millis(300);

/// The daemon is announced as long as it serves.
pub(crate) struct Announcing {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Starts announcing if that is asked for; nobody waits for it. What is in the way is worth a warning.
pub(crate) fn start(
    settings: &Settings,
    server: &Arc<Server>,
    listeners: &[TcpListener],
) -> Option<Announcing> {
    let address = listeners.first().filter(|_| settings.zeroconf)?.local_addr().ok()?;
    let reach = reach(address.ip())
        .inspect_err(|why| server.log().warning(format_args!("not announced on the network: {why}")))
        .ok()?;
    let (end, ended) = oneshot::channel();
    let jobs = settings.jobs;
    let server = Arc::clone(server);
    let task = tokio::spawn(async move {
        // A daemon that drains may go on for long, and wants nobody new.
        let draining = Arc::clone(&server);
        let ended = async move {
            select! {
                () = draining.draining() => {}
                _ = ended => {}
            }
        };
        let compiler = compiler(&server).await;
        let announcement = announcement(address.port(), &server, jobs, compiler, reach);
        discovery::announce(&announcement, ended, |progress| tell(&server, &progress)).await;
    });
    Some(Announcing { end, task })
}

impl Announcing {
    /// Returns when nobody is told of the daemon any more, and soon in any case.
    pub(crate) async fn withdraw(self) {
        drop(self.end);
        let _ = timeout(FAREWELL, self.task).await;
    }
}

fn announcement(
    port: u16,
    server: &Server,
    jobs: usize,
    compiler: Option<Compiler>,
    reach: Reach,
) -> Announcement {
    let name = gethostname().ok().and_then(|name| name.into_string().ok());
    Announcement {
        machine: name.filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".to_owned()),
        port,
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        jobs,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        host: format!("{}-pc-{}-gnu", std::env::consts::ARCH, std::env::consts::OS),
        compiler,
        pump: server.sources.refused().is_none(),
        reach,
    }
}

/// The network on which `ip` listens.
fn reach(ip: IpAddr) -> Result<Reach, String> {
    if ip.is_unspecified() {
        return Ok(Reach::Everywhere);
    }
    if ip.is_loopback() {
        return Err(format!("no other machine can reach {ip}"));
    }
    let interfaces = getifaddrs().map_err(|error| format!("cannot list network interfaces: {error}"))?;
    let has = |address: SockaddrStorage| {
        address.as_sockaddr_in().is_some_and(|found| IpAddr::V4(found.ip()) == ip)
            || address.as_sockaddr_in6().is_some_and(|found| IpAddr::V6(found.ip()) == ip)
    };
    let mut names = interfaces.filter(|interface| interface.address.is_some_and(has));
    let name = names.next().ok_or_else(|| format!("no network interface has {ip}"))?.interface_name;
    let index =
        if_nametoindex(name.as_str()).map_err(|error| format!("network interface {name}: {error}"))?;
    Ok(Reach::Interface { name, index, ipv6: ip.is_ipv6() })
}

/// What `cc` on the daemon's PATH is.
async fn compiler(server: &Server) -> Option<Compiler> {
    let [version, machine] = ["-dumpversion", "-dumpmachine"].map(|question| ask(server, question));
    let compiler =
        Compiler::from_output(&version.await.unwrap_or_default(), &machine.await.unwrap_or_default());
    if compiler.as_ref().and_then(Compiler::subtype).is_none() {
        server.log().warning(format_args!(
            "cc does not say what it is, so clients that look for their own compiler will not find this daemon"
        ));
    }
    compiler
}

async fn ask(server: &Server, question: &str) -> Option<Vec<u8>> {
    let cc = server.toolchains.on_path().locate(OsStr::new("cc")).ok()?;
    let mut command = Command::new(cc);
    command.arg(question).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = timeout(LONGEST_ANSWER, command.output()).await.ok()?.ok()?;
    output.status.success().then_some(output.stdout)
}

fn tell(server: &Server, progress: &Progress) {
    match progress {
        Progress::Announced { instance, through } => {
            server.log().info(format_args!("announced as {instance} through {through}"));
        }
        Progress::Failed(why) => {
            server.log().warning(format_args!("not announced on the network: {why}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ip: &str, expected: Result<Reach, &str>) {
        assert_eq!(reach(ip.parse().unwrap()), expected.map_err(str::to_owned), "{ip}");
    }

    #[test]
    fn networks() {
        check("0.0.0.0", Ok(Reach::Everywhere));
        check("::", Ok(Reach::Everywhere));
        check("127.0.0.1", Err("no other machine can reach 127.0.0.1"));
        check("::1", Err("no other machine can reach ::1"));
        check("192.0.2.1", Err("no network interface has 192.0.2.1"));
    }
}
