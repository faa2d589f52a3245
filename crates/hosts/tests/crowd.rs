//! Two hundred client processes and four slots: how many have one at once, and how long a free one waits for its next.

mod support;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use support::Dir;

const CLIENTS: usize = 200;
const SLOTS: usize = 4;
const HOLD: Duration = Duration::from_millis(20);

/// One client's time with a slot, in microseconds.
#[derive(Debug)]
struct Held {
    slot: usize,
    from: i64,
    to: i64,
}

#[test]
fn never_more_than_there_are_slots_and_no_free_slot_waits() {
    let dir = Dir::new();
    let all_slots = [0, 1, 2, 3].map(|slot| dir.hold_as_c_does(&format!("cpu_localhost_{slot}")));
    let clients: Vec<Child> = (0..CLIENTS).map(|_| start(&dir)).collect();
    support::until("all wait", || {
        let (queued, heads) = (support::queued(), dir.heads());
        clients.iter().all(|client| queued.contains(&client.id()) || heads.contains(&client.id()))
    });
    drop(all_slots);
    let held: Vec<Held> = clients.into_iter().filter_map(end).collect();
    assert_eq!(held.len(), CLIENTS);
    assert_eq!(most_at_once(&held), SLOTS);
    let gaps = gaps(&held);
    assert_eq!(gaps.len(), CLIENTS - SLOTS);
    let (median, p99, most) = (gaps[gaps.len() / 2], gaps[gaps.len() * 99 / 100], gaps[gaps.len() - 1]);
    println!("free slot to its next holder: median {median} us, p99 {p99} us, most {most} us");
    assert!(median <= 20_000 && p99 <= 200_000, "{gaps:?}");
}

#[test]
fn the_killed_free_what_they_had() {
    let dir = Dir::new();
    let clients: Vec<(Child, bool)> = (0..CLIENTS).map(|number| (start(&dir), number % 4 == 1)).collect();
    let mut held = Vec::new();
    let mut spared = Vec::new();
    // In turn, so that there are holders, heads and waiters among them.
    for (client, is_killed) in clients {
        if is_killed {
            let time = now();
            kill(Pid::from_raw(client.id() as i32), Signal::SIGKILL).unwrap();
            // What it held, it held at least until now.
            held.extend(end(client).map(|held| Held { to: held.to.min(time), ..held }));
        } else {
            spared.push(client);
        }
    }
    let survivors: Vec<Held> = spared.into_iter().filter_map(end).collect();
    assert_eq!(survivors.len(), CLIENTS - CLIENTS / 4);
    held.extend(survivors);
    assert_eq!(most_at_once(&held), SLOTS);
    assert_eq!((0..SLOTS).filter_map(|slot| dir.holder(&format!("cpu_localhost_{slot}"))).count(), 0);
}

fn start(dir: &Dir) -> Child {
    let hold = HOLD.as_millis().to_string();
    Command::new(support::program())
        .args([dir.path().to_str().unwrap(), &format!("local:{SLOTS}"), "60", &hold])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the client's end and reads what it says; None if it was killed before it had a slot.
fn end(client: Child) -> Option<Held> {
    let output = client.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let took = lines.next()?;
    let to = lines.next().map_or(i64::MAX, |freed| freed[3].parse().unwrap());
    Some(Held { slot: took[2].parse().unwrap(), from: took[3].parse().unwrap(), to })
}

fn now() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    now.tv_sec() * 1_000_000 + now.tv_nsec() / 1000
}

fn most_at_once(held: &[Held]) -> usize {
    held.iter()
        .map(|one| held.iter().filter(|other| other.from <= one.from && one.from < other.to).count())
        .max()
        .unwrap()
}

/// From each freeing to the slot's next taking, as all wait from the start; sorted.
fn gaps(held: &[Held]) -> Vec<i64> {
    let next = |one: &Held| {
        let later = held.iter().filter(|other| other.slot == one.slot && other.from >= one.to);
        later.map(|other| other.from - one.to).min()
    };
    let mut gaps: Vec<i64> = held.iter().filter_map(next).collect();
    gaps.sort_unstable();
    gaps
}
