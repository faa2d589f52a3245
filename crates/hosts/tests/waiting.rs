//! Who gets a slot when, with real processes: other clients, killed, stopped and replaced ones.

mod support;

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;
use std::{fs, thread};

use hosts::{Backoff, HostList, LockDir, take_here};
use nix::sys::signal::Signal;
use support::{AT_ONCE, Dir, LIMIT};

#[test]
fn slots_go_in_list_order_and_round_by_round() {
    let dir = Dir::new();
    let expected = ["red 0", "blue 0", "red 1", "blue 1", "blue 2"];
    let _clients = expected.map(|expected| {
        let client = dir.client("red/2 blue/3 grey,down", "input");
        assert_eq!(client.says(LIMIT), format!("took {expected}"));
        client
    });
}

#[test]
fn lock_files_are_empty_and_stay() {
    let dir = Dir::new();
    let mut client = dir.client("@red:cmd [::1]:99", "input");
    client.says(LIMIT);
    client.let_go();
    assert!(client.ends().success());
    let file = fs::metadata(dir.lock_file("cpu_ssh_red_0")).unwrap();
    assert_eq!((file.len(), file.mode() & 0o7133), (0, 0));
}

#[test]
fn a_slot_that_distcc_3_4_frees_is_taken_at_once() {
    let dir = Dir::new();
    let held = dir.hold_as_c_does("cpu_localhost_0");
    let client = dir.client("local:1", "input");
    client.is_head(&dir);
    client.has_said_nothing();
    drop(held);
    assert_eq!(client.says(AT_ONCE), "took here 0");
    assert_eq!(dir.holder("cpu_localhost_0"), Some(client.pid()));
    assert_eq!(dir.heads(), []);
}

#[test]
fn a_slot_whose_holder_is_killed_is_taken_at_once() {
    let dir = Dir::new();
    let holder = dir.client("local:1", "input");
    holder.says(LIMIT);
    let client = dir.client("local:1", "input");
    client.is_head(&dir);
    holder.send(Signal::SIGKILL);
    assert_eq!(client.says(AT_ONCE), "took here 0");
}

#[test]
fn clients_are_served_in_the_order_they_came() {
    let dir = Dir::new();
    let held = dir.hold_as_c_does("cpu_localhost_0");
    let head = dir.client("local:1", "input");
    head.is_head(&dir);
    let mut clients = vec![head];
    for _ in 0..4 {
        let client = dir.client("local:1", "input");
        client.is_queued();
        clients.push(client);
    }
    drop(held);
    while !clients.is_empty() {
        let first = clients.remove(0);
        assert_eq!(first.says(AT_ONCE), "took here 0");
        clients.iter().for_each(support::Client::has_said_nothing);
    }
}

#[test]
fn a_killed_head_is_replaced() {
    let dir = Dir::new();
    let held = dir.hold_as_c_does("cpu_localhost_0");
    let head = dir.client("local:1", "input");
    head.is_head(&dir);
    let next = dir.client("local:1", "input");
    next.is_queued();
    head.send(Signal::SIGKILL);
    next.is_head(&dir);
    drop(held);
    assert_eq!(next.says(AT_ONCE), "took here 0");
}

#[test]
fn a_stopped_head_holds_up_nobody() {
    let dir = Dir::new();
    let held = dir.hold_as_c_does("cpu_localhost_0");
    let mut head = dir.client("local:1", "input");
    head.is_head(&dir);
    let behind = dir.client("local:1", "input");
    behind.is_queued();
    head.send(Signal::SIGSTOP);
    head.is_stopped();
    let newcomer = dir.client("local:1", "input");
    newcomer.is_head(&dir);
    drop(held);
    assert_eq!(newcomer.says(AT_ONCE), "took here 0");
    drop(newcomer);
    assert_eq!(behind.says(LIMIT), "took here 0");
    drop(behind);
    head.send(Signal::SIGCONT);
    assert_eq!(head.says(AT_ONCE), "took here 0");
    head.let_go();
    assert!(head.ends().success());
}

#[track_caller]
fn check_signal(signal: Signal) {
    let dir = Dir::new();
    let mut holder = dir.client("local:1", "input");
    holder.says(LIMIT);
    let mut head = dir.client("local:1", "input");
    head.is_head(&dir);
    let mut behind = dir.client("local:1", "input");
    behind.is_queued();
    for client in [&mut behind, &mut head] {
        client.send(signal);
        assert_eq!(client.ends().signal(), Some(signal as i32));
    }
    // Who has a slot has the signal blocked again.
    holder.send(signal);
    holder.let_go();
    assert_eq!(holder.says(LIMIT), "freed here 0");
    assert!(holder.ends().success());
}

#[test]
fn signals_end_those_who_wait() {
    check_signal(Signal::SIGINT);
    check_signal(Signal::SIGTERM);
    check_signal(Signal::SIGHUP);
}

#[test]
fn a_slot_outlives_its_holder_in_the_program_it_becomes() {
    let dir = Dir::new();
    let mut holder = dir.client("local:1", "exec");
    holder.says(LIMIT);
    let command = format!("/proc/{}/comm", holder.pid());
    support::until("replaced", || fs::read_to_string(&command).unwrap() == "cat\n");
    let client = dir.client("local:1", "input");
    client.is_head(&dir);
    client.has_said_nothing();
    holder.let_go();
    assert_eq!(client.says(AT_ONCE), "took here 0");
}

#[test]
fn this_machine_has_the_same_slots_in_every_pool() {
    let dir = Dir::new();
    let in_list = dir.client("localhost/1", "input");
    assert_eq!(in_list.says(LIMIT), "took localhost 0");
    let local = dir.client("local:1", "input");
    local.is_head(&dir);
    let cpp = dir.client("cpp:2", "input");
    assert_eq!(cpp.says(LIMIT), "took here 1");
    drop(in_list);
    assert_eq!(local.says(AT_ONCE), "took here 0");
}

#[test]
fn this_machine_is_taken_without_waiting_only_in_its_turn() {
    let dir = Dir::new();
    let here = |list: &str| {
        let locks = LockDir::open(dir.path()).unwrap();
        let list = HostList::parse(list.as_bytes(), "x");
        let slot = take_here(&locks, &list.hosts, &Backoff::new(&locks, LIMIT)).unwrap();
        slot.map(|slot| slot.number())
    };
    assert_eq!(here("localhost/1 red/1"), Some(0));
    assert_eq!(here("red/1 localhost/1"), None);
    let red = dir.client("red/1 localhost/1", "input");
    assert_eq!(red.says(LIMIT), "took red 0");
    assert_eq!(here("red/1 localhost/1"), Some(0));
    let local = dir.client("red/1 localhost/1", "input");
    assert_eq!(local.says(LIMIT), "took localhost 0");
    assert_eq!(here("red/1 localhost/1"), None);
    drop((red, local));
    dir.bench("red", Duration::ZERO);
    assert_eq!(here("red/1 localhost/1"), Some(0));
}

#[test]
fn different_lists_do_not_wait_for_each_other() {
    let dir = Dir::new();
    let red = dir.client("red/1", "input");
    assert_eq!(red.says(LIMIT), "took red 0");
    let waiting = dir.client("red/1", "input");
    waiting.is_head(&dir);
    let both = dir.client("red/1 blue/1", "input");
    assert_eq!(both.says(LIMIT), "took blue 0");
    waiting.has_said_nothing();
}

#[test]
fn two_heads_who_wait_for_one_slot_let_each_other_sleep() {
    let dir = Dir::new();
    let _held = dir.hold_as_c_does("cpu_localhost_0");
    let heads = [dir.client("local:1", "input"), dir.client("cpp:1", "input")];
    heads[0].is_head(&dir);
    heads[1].is_head(&dir);
    let before = heads.each_ref().map(support::Client::sleeps);
    thread::sleep(Duration::from_millis(500));
    for (head, before) in heads.iter().zip(before) {
        assert!(head.sleeps() - before <= 5, "{}", head.sleeps() - before);
    }
}

#[test]
fn benched_hosts_are_passed_over() {
    let dir = Dir::new();
    let first = dir.client("red blue", "0");
    assert_eq!(first.says(LIMIT), "took red 0");
    dir.bench("red", Duration::from_secs(59));
    assert_eq!(dir.client("red blue", "0").says(LIMIT), "took blue 0");
    dir.bench("blue", Duration::ZERO);
    assert_eq!(dir.client("red blue", "0").says(LIMIT), "no host");
    assert_eq!(dir.client_with_period("red blue", "0", 0).says(LIMIT), "took red 0");
    assert_eq!(dir.client("red,down", "0").says(LIMIT), "no host");
    assert_eq!(dir.client("", "0").says(LIMIT), "no host");
}

#[test]
fn a_host_that_is_due_is_tried_by_one_client_first() {
    let dir = Dir::new();
    assert_eq!(dir.client("red", "0").says(LIMIT), "took red 0");
    dir.bench("red", Duration::from_secs(61));
    let clients: Vec<_> = (0..8).map(|_| dir.client("red/8", "input")).collect();
    let mut said: Vec<_> = clients.iter().map(|client| client.says(LIMIT)).collect();
    said.sort();
    assert!(said[7].starts_with("took red"), "{said:?}");
    assert_eq!(said[..7], ["no host"; 7]);
}

#[test]
fn a_host_that_fails_is_not_handed_to_those_who_wait_for_it() {
    let dir = Dir::new();
    let holder = dir.client("red/1", "input");
    holder.says(LIMIT);
    let head = dir.client("red/1", "input");
    head.is_head(&dir);
    let behind = dir.client("red/1", "input");
    behind.is_queued();
    dir.bench("red", Duration::ZERO);
    assert_eq!(head.says(AT_ONCE), "no host");
    assert_eq!(behind.says(AT_ONCE), "no host");
}

#[test]
fn a_host_that_comes_back_is_taken_at_once() {
    let dir = Dir::new();
    let red = dir.client("red/1 blue/1", "input");
    assert_eq!(red.says(LIMIT), "took red 0");
    dir.bench("blue", Duration::ZERO);
    let client = dir.client("red/1 blue/1", "input");
    client.is_head(&dir);
    dir.pardon("blue");
    assert_eq!(client.says(AT_ONCE), "took blue 0");
}

#[test]
fn a_host_that_is_due_while_others_work_is_taken_then() {
    let dir = Dir::new();
    let red = dir.client("red/1 blue/1", "input");
    red.says(LIMIT);
    dir.bench("blue", Duration::ZERO);
    let client = dir.client_with_period("red/1 blue/1", "input", 1);
    assert_eq!(client.says(Duration::from_secs(3)), "took blue 0");
}
