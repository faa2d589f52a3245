//! A host that takes its time to show which compiler it has, and a build that does not wait for that. Knows nothing of why.

use std::time::Duration;

use test_hosts::evil::{Behaviour, EvilServer};
use test_hosts::process::Running;

use crate::Site;

const CLIENTS: usize = 8;
/// Other clients wait half as long for the one that asks.
const SILENCE: Duration = Duration::from_secs(4);

#[test]
fn only_one_client_asks_a_silent_host() {
    let (site, host) = (Site::new(), EvilServer::start(Behaviour::NeverAnswers));
    let hosts = format!("{}/{CLIENTS}", host.host());
    let client = site.client(&hosts).env("DISTCC_IO_TIMEOUT", SILENCE.as_secs().to_string());
    let outputs: Vec<String> = (0..CLIENTS).map(|number| format!("{number}.o")).collect();
    let start = |output: &String| client.start(&["gcc", "-c", "x.c", "-o", output]);
    let running: Vec<Running> = outputs.iter().map(start).collect();
    for one in running {
        one.finish(SILENCE * 5).good();
    }
    assert_eq!(host.connections(), 1);
    // On a slow machine one may come so late that the host is left alone by then.
    let counts = site.client("").run(&["--summary"]).good().out();
    assert!(
        counts.starts_with(&format!("0 remote, {CLIENTS} here (")) && counts.contains("undecided"),
        "{counts}"
    );
}
