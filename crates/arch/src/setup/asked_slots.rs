//! The number of jobs for hosts that were named without one: each host's own, if its daemon tells it. Knows nothing of
//! what is written.

use crate::check::reach::answer_of;
use crate::check::telling;
use crate::processes::Processes;
use hosts::{Host, HostList, Place};
use std::fmt::Display;
use std::thread;
use std::time::Duration;

/// Nobody waits longer: a host that is off costs the connection alone, a cold daemon hashes its compiler first.
const LIMIT: Duration = Duration::from_secs(10);
/// A daemon that is asked about one does not look at all.
const COMPILER: &str = "gcc";

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Slots(u32),
    /// Nobody is there, or it is no daemon of ours.
    Nothing,
    NothingYet,
}

/// Who is asked, of what was typed.
pub(crate) fn asked(typed: &[String]) -> Vec<&str> {
    let words = typed.iter().flat_map(|part| part.split_whitespace());
    words.filter(|word| without_slots(word).is_some()).collect()
}

/// The words with `/SLOTS` where a host told how many it has, and a line for each that was asked.
pub(crate) fn filled_in(typed: &[String], processes: &Processes) -> (Vec<String>, Vec<String>) {
    filled_in_within(LIMIT, typed, processes)
}

fn filled_in_within(limit: Duration, typed: &[String], processes: &Processes) -> (Vec<String>, Vec<String>) {
    let words: Vec<&str> = typed.iter().flat_map(|part| part.split_whitespace()).collect();
    thread::scope(|scope| {
        let ask = |host: Host| scope.spawn(move || (said(&host, limit, processes), host));
        let asked: Vec<_> = words.iter().map(|word| without_slots(word).map(ask)).collect();
        let mut told = Vec::new();
        let filled = words.iter().zip(asked).map(|(word, asked)| {
            let Some((said, host)) = asked.and_then(|asked| asked.join().ok()) else {
                return (*word).to_owned();
            };
            told.push(line(word, said, &host, limit));
            if let Said::Slots(slots) = said { with_slots(word, slots) } else { (*word).to_owned() }
        });
        (filled.collect(), told)
    })
}

fn said(host: &Host, limit: Duration, processes: &Processes) -> Said {
    let Place::Tcp { name, port } = host.place.clone() else { return Said::Nothing };
    let answer = answer_of(move || telling::of_host(&name, port, COMPILER), limit, processes);
    let Some(telling) = answer else { return Said::NothingYet };
    telling.and_then(|telling| telling.slots).filter(|slots| *slots > 0).map_or(Said::Nothing, Said::Slots)
}

fn line(word: &str, said: Said, host: &Host, limit: Duration) -> String {
    let taken = host.slots;
    let otherwise = |why: &str| {
        format!(
            "{word} {why}, so it gets {taken} jobs at a time; for another number: {}",
            with_slots(word, "N")
        )
    };
    match said {
        Said::Slots(slots) => format!("{word} has {slots} slots, it says: {}", with_slots(word, slots)),
        Said::Nothing => otherwise("tells nobody how many slots it has"),
        Said::NothingYet => otherwise(&format!("did not answer in {} s", limit.as_secs())),
    }
}

/// The host, if it may be asked and has no number.
fn without_slots(word: &str) -> Option<Host> {
    let mut hosts = HostList::parse(word.as_bytes(), "").hosts;
    let host = hosts.pop().filter(|_| hosts.is_empty())?;
    let has_slots = word.split(',').next().is_some_and(|place| place.contains('/'));
    (matches!(host.place, Place::Tcp { .. }) && !host.down && !has_slots).then_some(host)
}

fn with_slots(word: &str, slots: impl Display) -> String {
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
        let closed = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
        let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mute = silent.local_addr().unwrap();
        let typed = [format!("{place},lzo localhost/2"), closed.to_string(), format!("{mute},lzo")];
        assert_eq!(asked(&typed), [&format!("{place},lzo"), &typed[1], &typed[2]]);
        let (words, told) = filled_in_within(Duration::from_secs(1), &typed, &Processes::default());
        server.join().unwrap();
        let expected = [format!("{place}/12,lzo"), "localhost/2".into(), typed[1].clone(), typed[2].clone()];
        assert_eq!(words, expected);
        let default = "so it gets 4 jobs at a time; for another number:";
        assert_eq!(
            told,
            [
                format!("{place},lzo has 12 slots, it says: {place}/12,lzo"),
                format!("{closed} tells nobody how many slots it has, {default} {closed}/N"),
                format!("{mute},lzo did not answer in 1 s, {default} {mute}/N,lzo"),
            ]
        );
        for word in &words {
            assert_eq!(HostList::parse(word.as_bytes(), "").hosts.len(), 1, "{word}");
        }
    }
}
