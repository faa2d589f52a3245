//! What the client says about sources and their headers when it is asked.

use crate::{DISTCC, Scene};
use test_hosts::client::Client;

#[test]
fn the_names_that_would_be_sent() {
    let scene = Scene::ours();
    let line = format!("{DISTCC} --scan-includes gcc -Iinc -c x.c");
    let (outcome, _) = scene.sh(&scene.client(), &line, "");
    let listed = outcome.good().out();
    let place = scene.work.src().join("run");
    let place = place.display();
    for name in ["x.c", "h.h", "inc/k.h", "inc/deep/er.h", "inc/side.h"] {
        assert!(listed.contains(&format!("FILE      {place}/{name}\n")), "{name}: {listed}");
    }
    for line in [format!("DIRECTORY {place}\n"), "SYSTEMDIR /usr/include\n".to_owned()] {
        assert!(listed.contains(&line), "{line} {listed}");
    }
    scene.daemon.assert_served(0);
}

#[test]
fn what_would_go_only_with_its_headers() {
    let scene = Scene::ours();
    let why = |hosts: &str| {
        let client = Client::new(DISTCC, &scene.work, hosts);
        client.run(&["--why", "gcc", "-g3", "-c", "x.c"]).good().out()
    };
    assert!(why(&scene.hosts).starts_with("remote: "));
    assert!(why(&scene.daemon.host()).starts_with("local: records-macros: "));
}
