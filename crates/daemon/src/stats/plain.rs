//! Statistics as distcc 3.4 writes them, byte for byte: names, order and form. Knows nothing of who asks.

use std::time::Duration;

use super::book::Figures;
use super::machine::Machine;

/// The reply of distcc 3.4 before its text, with the line ends that it has.
pub(super) const HEAD: &str = "HTTP/1.0 200 OK\nContent-Type: text/plain\nConnection: close\n\n";

/// The text.
pub(super) fn text(figures: &Figures, machine: &Machine) -> String {
    let rows = jobs(figures).into_iter().chain(load(figures, machine)).chain(the_rest(machine));
    let rows: String = rows.map(|(name, value)| format!("{name} {value}\n")).collect();
    format!("argv /distccd\n<distccstats>\n{rows}</distccstats>\n")
}

type Row = (&'static str, String);

fn jobs(figures: &Figures) -> Vec<Row> {
    let longest = figures.counts.longest.as_ref();
    let none = || "none".to_owned();
    let count = |result| figures.jobs(result).to_string();
    vec![
        ("dcc_tcp_accept", figures.counts.accepted.to_string()),
        ("dcc_rej_bad_req", count("rej_bad_req")),
        ("dcc_rej_overload", count("rej_overload")),
        ("dcc_compile_ok", count("compile_ok")),
        ("dcc_compile_error", count("compile_error")),
        ("dcc_compile_timeout", count("compile_timeout")),
        ("dcc_cli_disconnect", count("cli_disconn")),
        ("dcc_other", count("other")),
        ("dcc_longest_job", longest.map_or_else(none, |longest| longest.work.file.clone())),
        ("dcc_longest_job_compiler", longest.map_or_else(none, |longest| longest.work.compiler.clone())),
        ("dcc_longest_job_time_msecs", or_minus_one(longest.map(|longest| milliseconds(longest.time)))),
    ]
}

fn load(figures: &Figures, machine: &Machine) -> Vec<Row> {
    let [jobs1, jobs5, jobs15] = figures.recent_jobs.map(|jobs| jobs.to_string());
    // A whole number, and never more than it was.
    let [compilers1, compilers5, compilers15] =
        figures.recent_compilers.map(|average| average.floor().to_string());
    let [load1, load5, load15] = machine.load.map(|load| format!("{load:.2}"));
    vec![
        ("dcc_max_kids", figures.slots.to_string()),
        ("dcc_avg_kids1", compilers1),
        ("dcc_avg_kids2", compilers5),
        ("dcc_avg_kids3", compilers15),
        ("dcc_current_load", machine.runnable.to_string()),
        ("dcc_load1", load1),
        ("dcc_load2", load5),
        ("dcc_load3", load15),
        ("dcc_num_compiles1", jobs1),
        ("dcc_num_compiles2", jobs5),
        ("dcc_num_compiles3", jobs15),
    ]
}

fn the_rest(machine: &Machine) -> Vec<Row> {
    let (name, memory) = machine.largest.clone().unwrap_or_else(|| ("none".to_owned(), 0));
    vec![
        ("dcc_num_procstate_D", machine.uninterruptible.to_string()),
        ("dcc_max_RSS", memory.to_string()),
        ("dcc_max_RSS_name", name),
        ("dcc_io_rate", or_minus_one(machine.io_rate)),
        ("dcc_free_space", format!("{} MB", or_minus_one(machine.free_space))),
    ]
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn or_minus_one(number: Option<u64>) -> String {
    number.map_or_else(|| "-1".to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::book::Book;
    use std::time::{Instant, SystemTime};

    /// What distcc 3.4 says before its first job, but for what the machine says.
    const OF_DISTCC: &str = "argv /distccd\n<distccstats>\ndcc_tcp_accept 0\ndcc_rej_bad_req 0\n\
        dcc_rej_overload 0\ndcc_compile_ok 0\ndcc_compile_error 0\ndcc_compile_timeout 0\n\
        dcc_cli_disconnect 0\ndcc_other 0\ndcc_longest_job none\ndcc_longest_job_compiler none\n\
        dcc_longest_job_time_msecs -1\ndcc_max_kids 4\ndcc_avg_kids1 0\ndcc_avg_kids2 0\ndcc_avg_kids3 0\n\
        dcc_current_load 6\ndcc_load1 1.10\ndcc_load2 1.20\ndcc_load3 1.55\ndcc_num_compiles1 0\n\
        dcc_num_compiles2 0\ndcc_num_compiles3 0\ndcc_num_procstate_D 0\ndcc_max_RSS 201604\n\
        dcc_max_RSS_name (rustc)\ndcc_io_rate -1\ndcc_free_space 61847 MB\n</distccstats>\n";

    #[test]
    fn reads_as_that_of_distcc() {
        let machine = Machine {
            load: [1.1, 1.2, 1.551],
            runnable: 6,
            largest: Some(("(rustc)".to_owned(), 201_604)),
            free_space: Some(61_847),
            ..Machine::default()
        };
        let now = Instant::now();
        let mut book = Book::new(4, now, SystemTime::UNIX_EPOCH);
        assert_eq!(text(&book.figures(now), &machine), OF_DISTCC);
    }
}
