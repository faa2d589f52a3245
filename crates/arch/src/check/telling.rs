//! What a daemon of ours tells of itself when it is asked: its slots, what it can, its compilers. Knows nothing of host
//! lists.

use protocol::Progress;
use protocol::inquiry::{Inquiry, Telling, TellingCompiler, TellingDecoder};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// A daemon that has never been asked looks at all its compilers first.
const ANSWER: Duration = Duration::from_secs(30);
const CONNECT: Duration = Duration::from_secs(2);

/// What whoever listens at this port tells of itself and of this compiler; none without a connection, or if it is no
/// daemon of ours.
pub(crate) fn of_host(name: &str, port: u16, compiler: &str) -> Option<Telling> {
    let inquiry = Inquiry { compilers: vec![compiler.into()] };
    let mut addresses = (name, port).to_socket_addrs().ok()?;
    let stream = addresses.find_map(|address| TcpStream::connect_timeout(&address, CONNECT).ok())?;
    ask(stream, &inquiry)
}

/// Asks for all that there is; none if the daemon is distcc 3.4's, which closes, or says something else.
pub(crate) fn of_connection(stream: TcpStream) -> Option<Telling> {
    ask(stream, &Inquiry::default())
}

fn ask(mut stream: TcpStream, inquiry: &Inquiry) -> Option<Telling> {
    let deadline = Instant::now() + ANSWER;
    stream.set_write_timeout(Some(ANSWER)).ok()?;
    stream.write_all(&inquiry.encode()).ok()?;
    let mut decoder = TellingDecoder::new();
    loop {
        let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        stream.set_read_timeout(Some(left)).ok()?;
        let count = read(&mut stream, decoder.space()).ok()?;
        if let Progress::Done(telling) = decoder.advance(count).ok()? {
            return Some(telling);
        }
    }
}

fn read(stream: &mut TcpStream, space: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(space) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// The targets, each with the versions of the compilers for it: `x86_64-linux-gnu (12.2.0, 14.0.6)`.
pub(crate) fn targets(telling: &Telling) -> Vec<String> {
    let one = |target: &String| {
        let of_target = telling.compilers.iter().filter(|compiler| compiler.target == *target);
        let versions: BTreeSet<_> = of_target.map(|compiler| compiler.version.as_str()).collect();
        let versions: Vec<_> = versions.into_iter().filter(|version| !version.is_empty()).collect();
        if versions.is_empty() { target.clone() } else { format!("{target} ({})", versions.join(", ")) }
    };
    telling.targets.iter().map(one).collect()
}

/// All of it for programs.
pub(crate) fn json(telling: &Telling) -> Value {
    let languages = |compiler: &TellingCompiler| -> Value {
        compiler.languages.iter().map(|language| (language.name.clone(), json!(language.whole))).collect()
    };
    let compilers = telling.compilers.iter().map(|compiler| {
        json!({"name": compiler.name.to_string_lossy(), "target": compiler.target, "version": compiler.version,
            "machine": compiler.machine, "languages": languages(compiler)})
    });
    json!({"server": telling.server, "slots": telling.slots, "features": telling.features,
        "targets": telling.targets, "compilers": compilers.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    fn telling() -> Telling {
        let compiler = |target: &str, version: &str| TellingCompiler {
            name: "gcc".into(),
            target: target.into(),
            version: version.into(),
            machine: "x86_64".into(),
            languages: Vec::new(),
        };
        Telling {
            server: "distcc-arch 0.1.0".into(),
            slots: Some(12),
            features: vec!["lzo".into()],
            targets: vec!["a-b".into(), "c-d".into()],
            compilers: vec![compiler("a-b", "12"), compiler("a-b", "11"), compiler("a-b", "12")],
            missing: Vec::new(),
        }
    }

    fn inquiry() -> Vec<u8> {
        Inquiry { compilers: vec!["gcc".into()] }.encode()
    }

    #[track_caller]
    fn check(answer: Vec<u8>, expected: Option<Telling>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = vec![0; inquiry().len()];
            stream.read_exact(&mut asked).unwrap();
            // Who hears nonsense does not wait for its end.
            let _ = answer.into_iter().try_for_each(|byte| stream.write_all(&[byte]));
            asked
        });
        assert_eq!(of_host("127.0.0.1", port, "gcc"), expected);
        assert_eq!(server.join().unwrap(), inquiry());
    }

    #[test]
    fn answers() {
        check(telling().encode(), Some(telling()));
        check(Vec::new(), None);
        check(telling().encode()[..30].to_vec(), None);
        check(b"SSH-2.0-x\r\n".to_vec(), None);
        let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        assert_eq!(of_host("127.0.0.1", closed, "gcc"), None);
    }

    #[test]
    fn for_people() {
        assert_eq!(targets(&telling()), ["a-b (11, 12)", "c-d"]);
    }
}
