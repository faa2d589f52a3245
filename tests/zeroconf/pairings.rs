//! Lua, compiled by clients that only know `+zeroconf`, in every pairing of the two makes. Knows nothing of single hosts.

use std::path::Path;

use test_hosts::netns::Network;
use test_hosts::process::{Running, clean, run};
use test_hosts::wait::wait_until;
use test_hosts::workdir::{Workdir, names_in};
use test_hosts::{C_DISTCC, Programs, need};

use crate::machine::{Daemon, Machine, OURS, SOON, Way, bytes, has_avahi};

const COMPILE: &str =
    r#"ls *.c | xargs -P 6 -I{} "$0" gcc -std=gnu99 -O2 -DLUA_USE_LINUX -c {} -o "$1"/{}.o"#;

#[test]
fn ours_with_ours() {
    check(OURS, OURS, ",lzo");
}

#[test]
fn our_client_with_c_daemons() {
    check(OURS, C_DISTCC, "");
}

#[test]
fn c_client_with_our_daemons() {
    check(C_DISTCC, OURS, "");
}

#[test]
fn c_with_c_shows_that_this_test_is_fair() {
    check(C_DISTCC, C_DISTCC, "");
}

fn check(client: Programs, daemons: Programs, options: &str) {
    let c_is_needed = [client, daemons].contains(&C_DISTCC);
    if c_is_needed && need::c_distcc().is_none() || !has_avahi() {
        return;
    }
    let Some(lua) = need::source("lua5.4") else { return };
    let work = Workdir::new();
    let [here, there] = ["here", "there"].map(|name| work.open_dir(name));
    compile_here(&lua, &work, &here);

    let way = if c_is_needed { Way::AvahiForIpv4 } else { Way::Avahi };
    let network = Network::new(2);
    let [red, blue] =
        [("red", 0), ("blue", 1)].map(|(name, index)| Machine::new(way, &network.others()[index], name));
    let builder = Machine::new(way, network.builder(), "builder");
    let daemons = [&red, &blue].map(|machine| machine.daemon(daemons.distccd));
    let hosts = [&red, &blue].map(|machine| format!("{}:3632/3{options}", machine.host().address()));
    builder.wait_for_hosts(&work, client.distcc, &hosts.each_ref().map(String::as_str));
    let there_text = there.display().to_string();
    let build = builder.client(&work, "sh", &["-c", COMPILE, client.distcc, &there_text]);
    let said = Running::start(build).finish(SOON * 4).good().err();

    let objects = names_in(&there);
    assert!(objects.len() > 30 && objects == names_in(&here), "{objects:?}");
    for object in &objects {
        assert!(bytes(&there.join(object)) == bytes(&here.join(object)), "{object} differs");
    }
    let served = || daemons.each_ref().map(Daemon::served);
    // The watcher of the C client does not notice all reading, and ends every 20 seconds; the next one begins with nothing.
    let kept = said.matches("running locally instead").count();
    assert!(kept == 0 || client == C_DISTCC, "{said}");
    wait_until(SOON, "logs that tell of every object", || {
        served().iter().sum::<usize>() == objects.len() - kept
    });
    assert!(served().iter().all(|jobs| *jobs > 0), "one host had nothing to do: {:?}", served());
}

/// In the place where the client will be called, for what the objects are to be.
fn compile_here(lua: &Path, work: &Workdir, objects: &Path) {
    let mut copy = clean("sh");
    copy.args(["-c", "cp \"$0\"/src/*.[ch] \"$1\""]).args([lua, &work.src()]);
    run(copy).good();
    let mut local = clean("sh");
    local.args(["-c", COMPILE, "env"]).arg(objects).current_dir(work.src());
    run(local).good();
}
