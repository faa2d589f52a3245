//! Tries one host: a connection, and a test compile if one is wanted. No wait is without end. Knows nothing of other
//! hosts.

use crate::options::Options;
use crate::test_compile::TestCompile;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What to try.
#[derive(Debug)]
pub(crate) struct Question {
    /// None: take the host for up.
    connect: Option<Duration>,
    /// The job and the time it may take.
    compile: Option<(TestCompile, Duration)>,
}

/// What came of it.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// The address that took the connection, else the host's first.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) up: bool,
    /// From the start of connecting.
    pub(crate) took: Duration,
}

impl Question {
    /// The one that the command line asks for.
    pub(crate) fn of(options: &Options) -> Question {
        let compiler = options.compiler.as_deref();
        let job = compiler.map(|compiler| TestCompile::new(options.protocol, compiler));
        Question { connect: options.connect, compile: job.zip(options.compile) }
    }

    /// Asks a host with these addresses, and tells each step as a fragment that reads after the host's name.
    pub(crate) fn ask(&self, addresses: &[SocketAddr], tell: impl Fn(String)) -> Finding {
        let started = Instant::now();
        let mut finding = Finding { address: addresses.first().copied(), up: false, took: Duration::ZERO };
        let Some(limit) = self.connect else { return Finding { up: true, ..finding } };
        for address in addresses {
            tell(format!("connecting to {address}"));
            match TcpStream::connect_timeout(address, limit) {
                Ok(stream) => {
                    let outcome = self.compile_on(stream, &tell);
                    finding = Finding { address: Some(*address), up: outcome.is_ok(), ..finding };
                    tell(outcome.err().unwrap_or_else(|| "up".to_owned()));
                    break;
                }
                Err(error) if error.kind() == ErrorKind::TimedOut => tell(silence("connects", limit)),
                Err(error) => tell(format!("connecting failed: {error}")),
            }
        }
        Finding { took: started.elapsed(), ..finding }
    }

    fn compile_on(&self, mut stream: TcpStream, tell: &impl Fn(String)) -> Result<(), String> {
        let Some((test, limit)) = &self.compile else { return Ok(()) };
        let end = Instant::now() + *limit;
        tell("sending a test compile".to_owned());
        let broken = |error: std::io::Error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => silence("compiles", *limit),
            _ => format!("connection broken: {error}"),
        };
        stream.set_write_timeout(Some(*limit)).map_err(broken)?;
        stream.write_all(&test.request).map_err(broken)?;
        let (mut answer, mut room) = (Vec::new(), [0; 4096]);
        while !test.succeeded(&answer)? {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(silence("compiles", *limit));
            }
            stream.set_read_timeout(Some(left)).map_err(broken)?;
            match stream.read(&mut room) {
                Ok(0) if answer.is_empty() => {
                    return Err(
                        "refuses: it lets only known clients in, and only its own compilers run".to_owned()
                    );
                }
                Ok(0) => return Err("closes the connection in the middle of its answer".to_owned()),
                Ok(count) => answer.extend_from_slice(&room[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(())
    }
}

fn silence(what: &str, limit: Duration) -> String {
    format!("nobody {what} within {} ms", limit.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Asked, parse};
    use std::net::TcpListener;
    use std::thread;

    fn question(line: &str) -> Question {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let Asked::Hosts(options) = parse(&words) else { panic!("{line}") };
        Question::of(&options)
    }

    /// A host that reads the whole job if it is sent one, says this, and closes.
    #[track_caller]
    fn check(line: &str, says: &'static str, up: bool, told: &str) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let host = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 12];
            if stream.read_exact(&mut head).is_ok() {
                stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
                let _ = stream.read_to_end(&mut Vec::new());
                let _ = stream.write_all(says.as_bytes());
            }
        });
        let last = std::cell::RefCell::new(String::new());
        let finding = question(line).ask(&[address], |step| *last.borrow_mut() = step);
        host.join().unwrap();
        assert_eq!((finding.up, last.borrow().as_str()), (up, told), "{line}");
        assert_eq!(finding.address, Some(address));
    }

    #[test]
    fn what_hosts_say() {
        check("", "", true, "up");
        check("-pgcc -k0", "", true, "up");
        check("-pgcc", "DONE00000001STAT00000000SERR00000000SOUT00000000DOTO00000001x", true, "up");
        check("-pgcc", "DONE00000001STAT00006e00", false, "the test compile exits with 110");
        check("-pgcc", "DONE00000001STAT", false, "closes the connection in the middle of its answer");
        check("-pgcc", "", false, "refuses: it lets only known clients in, and only its own compilers run");
        check("-pgcc", "hello", false, "answers \"hello\" where DONE has to come");
    }

    #[test]
    fn a_silent_host_is_given_up_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let finding = question("-pgcc -k80").ask(&[listener.local_addr().unwrap()], |_| {});
        assert!(!finding.up && finding.took >= Duration::from_millis(80), "{finding:?}");
    }

    #[test]
    fn every_address_is_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let finding = question("").ask(&[closed, open], |_| {});
        assert_eq!((finding.up, finding.address), (true, Some(open)));
        let finding = question("").ask(&[closed], |_| {});
        assert_eq!((finding.up, finding.address), (false, Some(closed)));
        let finding = question("-c0").ask(&[closed], |_| {});
        assert_eq!((finding.up, finding.took), (true, Duration::ZERO));
    }
}
