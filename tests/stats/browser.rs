//! The page in a real browser: what it shows, and that it needs nothing from anywhere. Knows nothing of how it is made.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use test_hosts::need;
use test_hosts::process::{Running, clean};
use test_hosts::wait::wait_until;

use crate::daemon::{Daemon, SOON};

/// A browser that starts on a busy machine is slow.
const BROWSER: Duration = Duration::from_secs(120);

/// Figures of the page that say what was, and not what is at this moment.
const LASTING: &[&str] = &["distccd_jobs_total", "distccd_compiler_jobs_total", "distccd_client_jobs_total"];

#[test]
fn a_browser_shows_the_figures_that_prometheus_gets() {
    let Some(chromium) = need::program("chromium", "install chromium") else { return };
    let daemon = Daemon::ours(&[]);
    let odd = "a<b>&\"quoted\"'.c";
    daemon.compile("gcc", "good.c", "int x;");
    daemon.compile("g++", "good.cpp", "int x;");
    daemon.compile("gcc", odd, "int x");
    daemon.compile("gcc", "-E", "int x;");
    let _running = daemon.begin(&daemon.sleeper(60), "runs <now>.c", "int x;");
    wait_until(SOON, "a compiler that runs", || daemon.metric("distccd_jobs_running") as u32 == 1);

    let page = dom(&chromium, &daemon);
    let metrics = daemon.metrics();
    let figures = figures(&page);
    for (name, shown) in &figures {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name.as_str())?.strip_prefix(' '));
        let value: f64 = line.unwrap_or_else(|| panic!("no {name} in\n{metrics}")).parse().unwrap();
        assert!(
            (shown - value).abs() < f64::EPSILON,
            "{name}: {shown} on the page, {value} among the metrics"
        );
    }
    let lasting = figures.iter().filter(|(name, _)| LASTING.contains(&name.split('{').next().unwrap()));
    assert_eq!(lasting.count(), 3 + 4 + 2, "{figures:?}");
    for text in [
        "a&lt;b&gt;&amp;\"quoted\"'.c",
        "runs &lt;now&gt;.c",
        "exit status 1",
        "-E asks for preprocessing only",
    ] {
        assert!(page.contains(text), "{text} is not in\n{page}");
    }
}

/// The page after the browser has read it, and run what it would run.
#[track_caller]
fn dom(chromium: &Path, daemon: &Daemon) -> String {
    let net_log = daemon.work.tmp().join("net-log");
    let page = format!("http://127.0.0.1:{}/", daemon.stats);
    let mut browse = clean(chromium);
    browse
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"])
        .arg(format!("--user-data-dir={}", daemon.work.home().display()))
        .arg(format!("--log-net-log={}", net_log.display()))
        .env("HOME", daemon.work.home())
        .args(["--dump-dom", &page]);
    let shown = Running::start(browse).finish(BROWSER).good().out();
    let (by_pages, others) = requests(&fs::read(net_log).unwrap());
    assert_eq!(by_pages, Vec::<String>::new(), "the page wants more than itself");
    assert!(others.contains(&page), "the log shows what is asked: {others:?}");
    shown
}

/// What pages asked for, and what the browser itself did, which includes the page.
fn requests(net_log: &[u8]) -> (Vec<String>, Vec<String>) {
    let log: Value = serde_json::from_slice(net_log).expect("JSON");
    let events = log["events"].as_array().expect("events");
    let request = |event: &Value| {
        let params = &event["params"];
        let initiator = params["initiator"].as_str()?;
        Some((initiator == "not an origin", params["url"].as_str().unwrap_or_default().to_owned()))
    };
    let (by_itself, by_pages): (Vec<_>, Vec<_>) =
        events.iter().filter_map(request).partition(|(own, _)| *own);
    let urls = |requests: Vec<(bool, String)>| requests.into_iter().map(|(_, url)| url).collect();
    (urls(by_pages), urls(by_itself))
}

/// What stands on the page under the name of a metric.
fn figures(page: &str) -> Vec<(String, f64)> {
    let figure = |piece: &str| {
        let (name, rest) = piece.split_once('"').unwrap();
        let (_, rest) = rest.split_once('>').unwrap();
        let (value, _) = rest.split_once('<').unwrap();
        (name.replace("&quot;", "\"").replace("&amp;", "&"), value.parse().unwrap())
    };
    page.split("data-metric=\"").skip(1).map(figure).collect()
}
