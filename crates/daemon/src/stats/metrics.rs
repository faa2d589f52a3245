//! Statistics for Prometheus and its like, as OpenMetrics 1.0. Knows nothing of who asks.

use std::fmt;
use std::time::UNIX_EPOCH;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Registry;

use super::book::{BUCKETS, Figures};
use super::machine::Machine;
use super::tally::Tally;
use super::verdict::VERDICTS;

/// The content type of the text.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics, each family followed by its end.
pub(super) fn text(figures: Figures, machine: Machine) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Report { figures, machine }));
    let mut text = String::new();
    encode(&mut text, &registry).expect("a String takes all that is written");
    text
}

/// One family of metrics; the manual has a row for each.
struct Metric {
    /// Without the ending that its kind brings along.
    name: &'static str,
    help: &'static str,
    values: Values,
}

enum Values {
    /// Grows only; its name ends in `_total`.
    Counter(fn(&Report) -> Vec<Sample>),
    Gauge(fn(&Report) -> Vec<Sample>),
    /// The time of jobs, by [`BUCKETS`].
    Durations,
    /// A 1 whose label says something; its name ends in `_info`.
    Version,
}

struct Sample {
    labels: Vec<(&'static str, String)>,
    value: f64,
}

#[rustfmt::skip]
const METRICS: &[Metric] = &[
    counter("distccd_jobs", "Jobs that have ended, by result and reason", |report| by_verdict(&report.figures)),
    counter("distccd_compiler_jobs", "Jobs that have ended, by compiler", |report| by_name("compiler", &report.figures.counts.compilers)),
    counter("distccd_compiler_seconds", "Their time, from connection to answer", |report| time_by_name("compiler", &report.figures.counts.compilers)),
    counter("distccd_client_jobs", "Jobs that have ended, by client", |report| by_name("client", &report.figures.counts.clients)),
    counter("distccd_client_seconds", "Their time, from connection to answer", |report| time_by_name("client", &report.figures.counts.clients)),
    Metric { name: "distccd_job_duration_seconds", help: "Time from connection to answer of jobs whose compiler came to its end", values: Values::Durations },
    counter("distccd_connections", "Connections to the port for jobs", |report| one(report.figures.counts.accepted)),
    counter("distccd_connections_denied", "Those that the access list denied", |report| one(report.figures.counts.denied)),
    counter("distccd_received_bytes", "Bytes of all requests", |report| one(report.figures.counts.received)),
    counter("distccd_sent_bytes", "Bytes of all answers", |report| one(report.figures.counts.sent)),
    gauge("distccd_clients_connected", "Connections that are open", |report| one(report.figures.counts.connected)),
    gauge("distccd_jobs_waiting", "Jobs that wait for a slot", |report| one(report.figures.counts.waiting)),
    gauge("distccd_jobs_running", "Compilers that run", |report| one(report.figures.counts.compiling)),
    gauge("distccd_slots", "Compilers that may run at once", |report| one(report.figures.slots as u64)),
    gauge("distccd_recent_jobs", "Jobs of the last minutes", |report| by_minutes(report.figures.recent_jobs.map(|jobs| jobs as f64))),
    gauge("distccd_recent_compilers", "Compilers at once in the last minutes, on average", |report| by_minutes(report.figures.recent_compilers)),
    gauge("distccd_longest_job_seconds", "The longest that a job took that ended well", longest),
    gauge("distccd_host_load", "The load average of the machine", |report| by_minutes(report.machine.load)),
    gauge("distccd_host_free_bytes", "Room for jobs that are done on disk", |report| free_space(&report.machine)),
    gauge("distccd_start_time_seconds", "When the daemon started, since 1970", started),
    Metric { name: "distccd_build", help: "Which distccd this is", values: Values::Version },
];

const fn counter(name: &'static str, help: &'static str, samples: fn(&Report) -> Vec<Sample>) -> Metric {
    Metric { name, help, values: Values::Counter(samples) }
}

const fn gauge(name: &'static str, help: &'static str, samples: fn(&Report) -> Vec<Sample>) -> Metric {
    Metric { name, help, values: Values::Gauge(samples) }
}

#[derive(Debug)]
struct Report {
    figures: Figures,
    machine: Machine,
}

impl Collector for Report {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        METRICS.iter().try_for_each(|metric| {
            let encoder = encoder.encode_descriptor(metric.name, metric.help, None, metric.values.kind())?;
            metric.values.encode(self, encoder)
        })
    }
}

impl Values {
    fn kind(&self) -> MetricType {
        match self {
            Values::Counter(_) => MetricType::Counter,
            Values::Gauge(_) => MetricType::Gauge,
            Values::Durations => MetricType::Histogram,
            Values::Version => MetricType::Info,
        }
    }

    fn encode(&self, report: &Report, mut encoder: MetricEncoder) -> fmt::Result {
        match self {
            Values::Counter(samples) => samples(report).iter().try_for_each(|sample| {
                let none: Option<&Exemplar<NoLabels, f64>> = None;
                with_labels(&mut encoder, sample, |encoder| encoder.encode_counter(&sample.value, none))
            }),
            Values::Gauge(samples) => samples(report).iter().try_for_each(|sample| {
                with_labels(&mut encoder, sample, |encoder| encoder.encode_gauge(&sample.value))
            }),
            Values::Durations => durations(&report.figures, &mut encoder),
            Values::Version => encoder.encode_info(&[("version", env!("CARGO_PKG_VERSION"))]),
        }
    }
}

type NoLabels = [(&'static str, &'static str); 0];

fn with_labels(
    encoder: &mut MetricEncoder,
    sample: &Sample,
    write: impl FnOnce(&mut MetricEncoder) -> fmt::Result,
) -> fmt::Result {
    if sample.labels.is_empty() { write(encoder) } else { write(&mut encoder.encode_family(&sample.labels)?) }
}

fn durations(figures: &Figures, encoder: &mut MetricEncoder) -> fmt::Result {
    let counts = &figures.counts;
    let longer = counts.compiled - counts.buckets.iter().sum::<u64>();
    let ends = BUCKETS.into_iter().chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = ends.zip(counts.buckets.into_iter().chain([longer])).collect();
    let time = counts.compiled_time.as_secs_f64();
    encoder.encode_histogram::<NoLabels>(time, counts.compiled, &buckets, None)
}

fn one(value: u64) -> Vec<Sample> {
    vec![Sample { labels: Vec::new(), value: value as f64 }]
}

fn by_verdict(figures: &Figures) -> Vec<Sample> {
    let labels =
        |result: &str, reason: &str| vec![("result", result.to_owned()), ("reason", reason.to_owned())];
    let rows = VERDICTS.iter().zip(figures.verdicts);
    rows.map(|((verdict, _), count)| Sample {
        labels: labels(verdict.result, verdict.reason),
        value: count as f64,
    })
    .collect()
}

fn by_name(label: &'static str, tally: &Tally) -> Vec<Sample> {
    let sample = |name: &str, result: &str, count| Sample {
        labels: vec![(label, name.to_owned()), ("result", result.to_owned())],
        value: count as f64,
    };
    tally
        .rows()
        .flat_map(|(name, row)| [sample(name, "ok", row.ok), sample(name, "failed", row.failed)])
        .collect()
}

fn time_by_name(label: &'static str, tally: &Tally) -> Vec<Sample> {
    let rows = tally.rows();
    rows.map(|(name, row)| Sample { labels: vec![(label, name.to_owned())], value: row.time.as_secs_f64() })
        .collect()
}

fn by_minutes(values: [f64; 3]) -> Vec<Sample> {
    let minutes = ["1", "5", "15"].into_iter().zip(values);
    minutes.map(|(back, value)| Sample { labels: vec![("minutes", back.to_owned())], value }).collect()
}

fn longest(report: &Report) -> Vec<Sample> {
    let longest = report.figures.counts.longest.iter();
    longest.map(|longest| Sample { labels: Vec::new(), value: longest.time.as_secs_f64() }).collect()
}

fn free_space(machine: &Machine) -> Vec<Sample> {
    machine.free_space.into_iter().flat_map(|mebibytes| one(mebibytes << 20)).collect()
}

fn started(report: &Report) -> Vec<Sample> {
    let since = report.figures.started_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    vec![Sample { labels: Vec::new(), value: since.as_secs_f64() }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::book::{Book, Ended, Work};
    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};

    fn report(compilers: &[&str]) -> String {
        let now = Instant::now();
        let mut book = Book::new(4, now, UNIX_EPOCH + Duration::from_secs(7));
        for (at, compiler) in compilers.iter().enumerate() {
            let work = Work { compiler: (*compiler).to_owned(), file: String::new() };
            let ended = Ended {
                verdict: VERDICTS[0].0,
                client: "::1",
                work: Some(&work),
                time: Duration::from_millis(400 * at as u64),
                received: 5,
                sent: 7,
                said: "",
            };
            book.end(&ended, now);
        }
        text(book.figures(now), Machine::default())
    }

    #[test]
    fn lines() {
        let text = report(&["gcc", "/usr/bin/g++", "/opt/quo\"ted\\"]);
        for line in [
            "# TYPE distccd_jobs counter",
            "distccd_jobs_total{result=\"compile_ok\",reason=\"done\"} 3.0",
            "distccd_jobs_total{result=\"rej_bad_req\",reason=\"protocol\"} 0.0",
            "distccd_compiler_jobs_total{compiler=\"quo\\\"ted\\\\\",result=\"ok\"} 1.0",
            "distccd_compiler_seconds_total{compiler=\"g++\"} 0.4",
            "distccd_client_jobs_total{client=\"::1\",result=\"failed\"} 0.0",
            "distccd_job_duration_seconds_bucket{le=\"0.5\"} 2",
            "distccd_job_duration_seconds_bucket{le=\"+Inf\"} 3",
            "distccd_job_duration_seconds_count 3",
            "distccd_received_bytes_total 15.0",
            "distccd_slots 4.0",
            "distccd_recent_jobs{minutes=\"15\"} 3.0",
            "distccd_start_time_seconds 7.0",
            concat!("distccd_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("\n# EOF\n"), "{text}");
    }

    #[test]
    fn the_text_has_an_end_however_many_compilers_there_are() {
        let names: Vec<String> = (0..10_000).map(|number| format!("cc-{number}")).collect();
        let text = report(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(text.len() < 64 * 1024 && text.contains("compiler=\"(others)\""), "{} bytes", text.len());
    }

    /// The manual has just these, each with its help.
    #[test]
    fn the_manual_knows_every_metric() {
        let page = include_str!("../../man/distccd.sections.1").replace("\\-", "-").replace("\tT{\n", "\t");
        let rows: BTreeSet<&str> = page.lines().filter(|line| line.starts_with("distccd_")).collect();
        let row = |metric: &Metric| {
            let ending = match metric.values {
                Values::Counter(_) => "_total",
                Values::Version => "_info",
                Values::Gauge(_) | Values::Durations => "",
            };
            format!("{}{ending}\t{}", metric.name, metric.help)
        };
        let expected: Vec<String> = METRICS.iter().map(row).collect();
        assert_eq!(rows, expected.iter().map(String::as_str).collect(), "{}", expected.join("\n"));
    }
}
