//! A child that leads to a distccd on another machine, as ssh does: started with a stream, ended with its value. Knows
//! nothing of what is said on the stream, nor of how ssh gets in.

use crate::chatter::Chatter;
use crate::interrupts::{Broken, Interrupts};
use nix::libc;
use nix::poll::PollFlags;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{Pid, getppid};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// How long a name, a connection and a login may take together; whoever is asked for a password has so long to type it.
const LOGIN: Duration = Duration::from_secs(30);

/// How often it is looked, until then, whether ssh has begun to take what it is to send.
const LOOK: Duration = Duration::from_millis(250);

/// How long ssh may take to end when its stream has ended, and when it is told to.
const END: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(1);

/// What runs on the other machine if the host list names nothing else.
const DAEMON: &str = "distccd";

/// Where a host is, as ssh is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The user to log in as.
    pub(crate) user: Option<&'a str>,
    /// The machine.
    pub(crate) name: &'a str,
    /// The daemon there.
    pub(crate) daemon: Option<&'a str>,
}

/// A running ssh; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Ssh {
    child: Child,
    chatter: Chatter,
    /// Until when it must have begun to take what it is to send; none when it has.
    login: Option<Instant>,
}

/// How a child ended, if it did so by itself, and the last lines of what it said.
#[derive(Debug)]
pub(crate) struct Farewell {
    pub(crate) status: Option<ExitStatus>,
    pub(crate) said: Vec<String>,
}

impl Ssh {
    /// Starts `program` (its words; not empty) so that the stream that comes with it leads to a daemon at `target`.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn start(
        program: &[String],
        target: Target,
        interrupts: &Interrupts,
    ) -> io::Result<(Ssh, OwnedFd)> {
        let (ours, its) = socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?;
        let (chatter, stderr) = Chatter::new()?;
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]).args(words(target));
        command.stdin(its.try_clone()?).stdout(its).stderr(stderr);
        end_with_us(&mut command);
        // In our own process group, or it could not ask its user for anything.
        let child = interrupts.let_through(|| command.spawn())?;
        let ours = UnixStream::from(ours);
        ours.set_nonblocking(true)?;
        Ok((Ssh { child, chatter, login: Some(Instant::now() + LOGIN) }, ours.into()))
    }

    /// Waits until `stream` is ready for `what`, hearing what ssh says meanwhile.
    ///
    /// # Errors
    /// [`Broken`]; it never waits past `deadline`, and not past the limit for logging in as long as ssh takes nothing.
    pub(crate) fn wait_ready(
        &mut self,
        stream: BorrowedFd<'_>,
        what: PollFlags,
        deadline: Instant,
        interrupts: &Interrupts,
    ) -> Result<(), Broken> {
        let untaken = bytes_untaken(stream);
        loop {
            let until = self.login.map_or(deadline, |_| deadline.min(Instant::now() + LOOK));
            let mut sources = vec![(stream, what)];
            sources.extend(self.chatter.source().map(|source| (source, PollFlags::POLLIN)));
            match interrupts.wait_first(&sources, until) {
                Ok(0) => {
                    self.login = None;
                    return Ok(());
                }
                Ok(_) => {
                    self.chatter.hear();
                }
                Err(Broken::TimedOut) if Instant::now() < deadline => {}
                Err(broken) => return Err(broken),
            }
            if self.login.is_some() && bytes_untaken(stream).is_none_or(|now| now == 0 || Some(now) < untaken)
            {
                self.login = None;
            }
            if self.login.is_some_and(|login| Instant::now() >= login) {
                let limit = LOGIN.as_secs();
                return Err(Broken::Io(io::Error::other(format!("no login within {limit} s"))));
            }
        }
    }

    /// Takes leave after the stream was closed. Only if `curious` is ssh given the time to tell how it ended.
    ///
    /// # Errors
    /// [`Broken::Interrupted`].
    pub(crate) fn part(mut self, curious: bool, interrupts: &Interrupts) -> Result<Farewell, Broken> {
        if !curious {
            let said = self.chatter.last_lines();
            return Ok(Farewell { status: None, said });
        }
        let deadline = Instant::now() + END;
        let mut status = None;
        while status.is_none() && Instant::now() < deadline {
            // It may have to be heard before it can end.
            self.chatter.hear();
            match interrupts.wait_first(&[], Instant::now() + STEP) {
                Err(broken @ Broken::Interrupted(_)) => return Err(broken),
                _ => status = self.child.try_wait()?,
            }
        }
        self.end();
        Ok(Farewell { status, said: self.chatter.last_lines() })
    }

    fn end(&mut self) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        let deadline = Instant::now() + END;
        let mut told = false;
        while matches!(self.child.try_wait(), Ok(None)) {
            if !told {
                // The second is for one that a terminal has stopped. Neither can fail for a child that is not reaped.
                let _ = kill(pid, Signal::SIGTERM).and_then(|()| kill(pid, Signal::SIGCONT));
                told = true;
            }
            if Instant::now() >= deadline {
                let _ = self.child.kill().and_then(|()| self.child.wait());
                return;
            }
            std::thread::sleep(STEP);
        }
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        self.end();
    }
}

/// What ssh is called with, as distcc 3.4 calls it.
fn words(target: Target) -> Vec<OsString> {
    let user = target.user.iter().flat_map(|user| ["-l", user]);
    let command = [target.name, target.daemon.unwrap_or(DAEMON), "--inetd", "--enable-tcp-insecure"];
    user.chain(command).map(OsString::from).collect()
}

/// However we end, by kill -9 too, the child is told; where ssh is not yet logged in it would not notice otherwise.
#[allow(unsafe_code, reason = "a child is told of its parent's end only if it asks for that itself")]
fn end_with_us(command: &mut Command) {
    let parent = Pid::this();
    let ask = move || {
        set_pdeathsig(Signal::SIGTERM)?;
        // We may have ended before that.
        if getppid() == parent { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    };
    // SAFETY: between fork and exec only two system calls are made, and nothing is allocated.
    unsafe { command.pre_exec(ask) };
}

/// How much (in the kernel's measure) the other end of a local stream has not taken yet.
#[allow(unsafe_code, reason = "asking a socket for the length of its queue has no safe form")]
fn bytes_untaken(stream: BorrowedFd<'_>) -> Option<libc::c_int> {
    nix::ioctl_read_bad!(queue_length, libc::TIOCOUTQ, libc::c_int);
    let mut count = 0;
    // SAFETY: the call writes one int, and to this one.
    unsafe { queue_length(stream.as_raw_fd(), &raw mut count) }.ok()?;
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    const TARGET: Target = Target { user: None, name: "red", daemon: None };

    #[test]
    fn called_as_distcc_calls_it() {
        let check = |user, daemon, expected: &str| {
            let words = words(Target { user, name: "red", daemon });
            assert_eq!(words.join(" ".as_ref()), expected);
        };
        check(None, None, "red distccd --inetd --enable-tcp-insecure");
        check(Some("ted"), None, "-l ted red distccd --inetd --enable-tcp-insecure");
        check(None, Some("/opt/distccd"), "red /opt/distccd --inetd --enable-tcp-insecure");
    }

    fn shell(script: &str, interrupts: &Interrupts) -> (Ssh, OwnedFd) {
        let program = ["sh", "-c", script].map(str::to_owned);
        Ssh::start(&program, TARGET, interrupts).unwrap()
    }

    #[test]
    fn what_is_said_and_how_it_ends() {
        let interrupts = Interrupts::catch().unwrap();
        let (ssh, stream) = shell("echo one >&2; echo two >&2; exit 7", &interrupts);
        drop(stream);
        let farewell = ssh.part(true, &interrupts).unwrap();
        assert_eq!(farewell.status.and_then(|status| status.code()), Some(7));
        assert_eq!(farewell.said, ["one", "two"]);
    }

    #[test]
    fn one_that_takes_nothing_is_not_logged_in() {
        let interrupts = Interrupts::catch().unwrap();
        let (mut ssh, stream) = shell("exec sleep 60", &interrupts);
        nix::unistd::write(&stream, b"request").unwrap();
        ssh.login = Some(Instant::now());
        let late = Instant::now() + Duration::from_secs(20);
        let waited = ssh.wait_ready(stream.as_fd(), PollFlags::POLLIN, late, &interrupts);
        assert!(
            matches!(&waited, Err(Broken::Io(error)) if error.to_string().contains("no login")),
            "{waited:?}"
        );
        let started = Instant::now();
        drop(ssh);
        assert!(started.elapsed() < END, "it heeds SIGTERM");
    }

    #[test]
    fn one_that_takes_all_may_think_for_long() {
        let interrupts = Interrupts::catch().unwrap();
        let (mut ssh, stream) = shell("read request; echo x; exec sleep 60", &interrupts);
        nix::unistd::write(&stream, b"request\n").unwrap();
        let late = Instant::now() + Duration::from_secs(20);
        ssh.wait_ready(stream.as_fd(), PollFlags::POLLIN, late, &interrupts).unwrap();
        assert_eq!(ssh.login, None);
        let soon = Instant::now() + Duration::from_millis(20);
        nix::unistd::read(&stream, &mut [0; 9]).unwrap();
        let waited = ssh.wait_ready(stream.as_fd(), PollFlags::POLLIN, soon, &interrupts);
        assert!(matches!(waited, Err(Broken::TimedOut)), "{waited:?}");
    }

    #[test]
    fn one_that_never_falls_silent_is_heard_out() {
        let interrupts = Interrupts::catch().unwrap();
        let (mut ssh, stream) = shell("exec yes noise >&2", &interrupts);
        nix::unistd::write(&stream, b"request\n").unwrap();
        let soon = Instant::now() + Duration::from_millis(100);
        let waited = ssh.wait_ready(stream.as_fd(), PollFlags::POLLIN, soon, &interrupts);
        assert!(matches!(waited, Err(Broken::TimedOut)), "{waited:?}");
        let farewell = ssh.part(true, &interrupts).unwrap();
        assert_eq!((farewell.status, farewell.said[1].as_str()), (None, "noise"));
    }
}
