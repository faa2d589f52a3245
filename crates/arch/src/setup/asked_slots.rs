//! The number of jobs for hosts that were named without one: each host's own, if its daemon tells it. Knows nothing of
//! what is written.

use crate::check::reach::answer_of;
use crate::check::telling;
use crate::processes::Processes;
use hosts::{Host, HostList, Place};
use std::thread;
use std::time::Duration;

/// Nobody waits longer for hosts that may be off.
const LIMIT: Duration = Duration::from_secs(3);
/// A daemon that is asked about one does not look at all.
const COMPILER: &str = "gcc";

/// The words with `/SLOTS` where a host told how many it has, and a line for each.
pub(crate) fn filled_in(typed: &[String], processes: &Processes) -> (Vec<String>, Vec<String>) {
    let words: Vec<&str> = typed.iter().flat_map(|part| part.split_whitespace()).collect();
    thread::scope(|scope| {
        let asked: Vec<_> = words
            .iter()
            .map(|word| without_slots(word).map(|host| scope.spawn(move || slots(&host, processes))))
            .collect();
        let mut told = Vec::new();
        let filled = words.iter().zip(asked).map(|(word, asked)| {
            let Some(slots) = asked.and_then(|asked| asked.join().ok().flatten()) else {
                return (*word).to_owned();
            };
            let filled = with_slots(word, slots);
            told.push(format!("{word} has {slots} slots, it says: {filled}"));
            filled
        });
        (filled.collect(), told)
    })
}

fn slots(host: &Host, processes: &Processes) -> Option<u32> {
    let Place::Tcp { name, port } = host.place.clone() else { return None };
    answer_of(move || telling::of_host(&name, port, COMPILER), LIMIT, processes)??
        .slots
        .filter(|slots| *slots > 0)
}

/// The host, if it may be asked and has no number.
fn without_slots(word: &str) -> Option<Host> {
    let mut hosts = HostList::parse(word.as_bytes(), "").hosts;
    let host = hosts.pop().filter(|_| hosts.is_empty())?;
    let has_slots = word.split(',').next().is_some_and(|place| place.contains('/'));
    (matches!(host.place, Place::Tcp { .. }) && !host.down && !has_slots).then_some(host)
}

fn with_slots(word: &str, slots: u32) -> String {
    let (place, options) = word.split_at(word.find(',').unwrap_or(word.len()));
    format!("{place}/{slots}{options}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::inquiry::Telling;
    use std::io::Write;
    use std::net::TcpListener;

    #[test]
    fn who_is_asked() {
        for (word, asked) in [
            ("red", true),
            ("red:3633,lzo", true),
            ("[::1]", true),
            ("red/4", false),
            ("red/4,lzo", false),
            ("red,down", false),
            ("@red", false),
            ("localhost", false),
            ("--randomize", false),
            ("+zeroconf", false),
        ] {
            assert_eq!(without_slots(word).is_some(), asked, "{word}");
        }
    }

    #[test]
    fn a_number_is_a_hosts_own() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let telling = Telling { slots: Some(12), ..Telling::default() };
            listener.accept().unwrap().0.write_all(&telling.encode()).unwrap();
        });
        let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let typed = [format!("{place},lzo localhost/2"), silent.to_string()];
        let (words, told) = filled_in(&typed, &Processes::default());
        server.join().unwrap();
        assert_eq!(words, [format!("{place}/12,lzo"), "localhost/2".into(), silent.to_string()]);
        assert_eq!(told, [format!("{place},lzo has 12 slots, it says: {place}/12,lzo")]);
        for word in &words {
            assert_eq!(HostList::parse(word.as_bytes(), "").hosts.len(), 1, "{word}");
        }
    }
}
