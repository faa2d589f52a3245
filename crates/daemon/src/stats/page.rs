//! Statistics for a person with a browser: one page that needs nothing else. Knows nothing of who asks.

use std::fmt::{self, Display};
use std::time::Duration;

use super::book::{Failure, Figures, Work};
use super::machine::Machine;
use super::tally::Tally;
use super::verdict::VERDICTS;

/// The content type of the page.
pub(super) const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// A browser need not and shall not load anything for it, nor run anything in it.
pub(super) const HEADERS: &str = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n";

const TEMPLATE: &str = include_str!("page.html");

/// The page.
pub(super) fn text(figures: &Figures, machine: &Machine) -> String {
    let blanks: Vec<(&str, Html)> =
        tiles(figures, machine).into_iter().chain(counts(figures)).chain(tables(figures)).collect();
    fill(TEMPLATE, &blanks)
}

/// Text in which everything that means something to a browser was meant to.
struct Html(String);

impl Html {
    fn text(text: impl Display) -> Html {
        let mut escaped = String::new();
        for c in text.to_string().chars() {
            match c {
                '&' => escaped.push_str("&amp;"),
                '<' => escaped.push_str("&lt;"),
                '>' => escaped.push_str("&gt;"),
                '"' => escaped.push_str("&quot;"),
                '\'' => escaped.push_str("&#39;"),
                _ => escaped.push(c),
            }
        }
        Html(escaped)
    }

    /// A figure that stands under this name among the metrics, too.
    fn metric(name: impl Display, value: impl Display) -> Html {
        Html(format!("<span data-metric=\"{}\">{}</span>", Html::text(name), Html::text(value)))
    }
}

impl Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Puts texts into the template's blanks; what is put in is not looked at again.
fn fill(template: &str, blanks: &[(&str, Html)]) -> String {
    let mut pieces = template.split("{{");
    let mut page = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        let filled = blanks.iter().find(|(blank, _)| *blank == name).map_or("", |(_, html)| &html.0);
        page.push_str(filled);
        page.push_str(rest);
    }
    page
}

fn tiles(figures: &Figures, machine: &Machine) -> Vec<(&'static str, Html)> {
    let counts = &figures.counts;
    let [load1, load5, load15] = machine.load.map(|load| Html::text(format_args!("{load:.2}")));
    let compiled = figures.jobs("compile_ok");
    let free = match machine.free_space {
        Some(mebibytes) => Html(format!("{:.1} <small>GB</small>", (mebibytes << 20) as f64 / 1e9)),
        None => Html::text("unknown"),
    };
    vec![
        ("host", Html::text(&machine.name)),
        ("version", Html::text(env!("CARGO_PKG_VERSION"))),
        ("uptime", Html::text(Span(figures.now.saturating_duration_since(figures.started)))),
        ("running", Html::metric("distccd_jobs_running", counts.compiling)),
        ("running_plain", Html::text(counts.compiling)),
        ("slots", Html::metric("distccd_slots", figures.slots)),
        ("slots_plain", Html::text(figures.slots)),
        ("waiting", Html::metric("distccd_jobs_waiting", counts.waiting)),
        ("connected", Html::metric("distccd_clients_connected", counts.connected)),
        ("compiled", Html::text(compiled)),
        ("not_compiled", Html::text(figures.verdicts.iter().sum::<u64>() - compiled)),
        ("load1", load1),
        ("load5", load5),
        ("load15", load15),
        ("free", free),
    ]
}

fn counts(figures: &Figures) -> Vec<(&'static str, Html)> {
    let counts = &figures.counts;
    let megabytes = |bytes: u64| Html::text(format_args!("{:.1}", bytes as f64 / 1e6));
    let longest = match &counts.longest {
        None => Html::text("none yet"),
        Some(longest) => {
            let Work { compiler, file } = &longest.work;
            Html::text(format_args!("{file}, {:.2} s with {compiler}", longest.time.as_secs_f64()))
        }
    };
    vec![
        ("received", megabytes(counts.received)),
        ("sent", megabytes(counts.sent)),
        ("accepted", Html::metric("distccd_connections_total", counts.accepted)),
        ("denied", Html::metric("distccd_connections_denied_total", counts.denied)),
        ("longest", longest),
    ]
}

fn tables(figures: &Figures) -> Vec<(&'static str, Html)> {
    vec![
        ("jobs", jobs(figures)),
        ("results", results(figures)),
        ("recent", recent(figures)),
        ("compilers", tally("compiler", &figures.counts.compilers)),
        ("clients", tally("client", &figures.counts.clients)),
        ("failures", failures(figures)),
    ]
}

/// A heading that begins with `#` stands over a column of numbers, and with `!` over one of few letters.
fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<Html>>) -> Html {
    let class = |heading: &str| match heading.chars().next() {
        Some('#') => " class=\"number\"",
        Some('!') => " class=\"short\"",
        _ => "",
    };
    let line = |tag: &str, cells: &[Html]| {
        let cells = cells.iter().zip(headings);
        let cells = cells.map(|(cell, heading)| format!("<{tag}{}>{cell}</{tag}>", class(heading)));
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let head: Vec<Html> =
        headings.iter().map(|heading| Html::text(heading.trim_matches(['#', '!']))).collect();
    let body: String = rows.into_iter().map(|row| line("td", &row)).collect();
    if body.is_empty() {
        return Html("<p class=\"none\">none</p>".to_owned());
    }
    Html(format!("<table>\n{}{body}</table>", line("th", &head)))
}

/// One thing, and in small letters below it another.
fn above(first: impl Display, second: impl Display) -> Html {
    Html(format!("{}<small>{}</small>", Html::text(first), Html::text(second)))
}

fn jobs(figures: &Figures) -> Html {
    let rows = figures.running.iter().map(|job| {
        let seconds = figures.now.saturating_duration_since(job.since).as_secs_f64();
        vec![
            above(&job.work.file, &job.work.compiler),
            Html::text(&job.client),
            Html::text(format_args!("{seconds:.1}")),
        ]
    });
    table(&["file and compiler", "!client", "#seconds"], rows)
}

/// Whatever has happened; that nothing was compiled is worth a row, too.
fn results(figures: &Figures) -> Html {
    let rows = VERDICTS.iter().zip(figures.verdicts);
    let rows = rows.filter(|((verdict, _), count)| *count > 0 || verdict.is_ok());
    let rows = rows.map(|((verdict, meaning), count)| {
        let name =
            format!("distccd_jobs_total{{result=\"{}\",reason=\"{}\"}}", verdict.result, verdict.reason);
        vec![Html::text(verdict.result.to_uppercase()), Html::text(meaning), Html::metric(name, count)]
    });
    table(&["!result", "reason", "#jobs"], rows)
}

fn recent(figures: &Figures) -> Html {
    let rows = ["1", "5", "15"].into_iter().zip(figures.recent_jobs).zip(figures.recent_compilers);
    let rows = rows.map(|((minutes, jobs), compilers)| {
        vec![
            Html::text(format_args!("{minutes} min")),
            Html::metric(format_args!("distccd_recent_jobs{{minutes=\"{minutes}\"}}"), jobs),
            Html::text(format_args!("{compilers:.1}")),
        ]
    });
    table(&["!", "#jobs", "#compilers at once"], rows)
}

fn tally(label: &str, tally: &Tally) -> Html {
    let rows = tally.rows().map(|(name, row)| {
        let metric = |result| format!("distccd_{label}_jobs_total{{{label}=\"{name}\",result=\"{result}\"}}");
        let average = row.time.as_secs_f64() / (row.ok + row.failed).max(1) as f64;
        vec![
            Html::text(name),
            Html::metric(metric("ok"), row.ok),
            Html::metric(metric("failed"), row.failed),
            Html::text(format_args!("{average:.2}")),
        ]
    });
    table(&[label, "#ok", "#failed", "#seconds a job"], rows)
}

fn failures(figures: &Figures) -> Html {
    let row = |failure: &Failure| {
        let age = Span(figures.now.saturating_duration_since(failure.at));
        let work = failure.work.as_ref().map(|work| above(&work.file, &work.compiler));
        vec![
            Html::text(format_args!("{age} ago")),
            work.unwrap_or_else(|| Html::text("")),
            Html::text(&failure.client),
            above(&failure.said, failure.verdict.result.to_uppercase()),
        ]
    };
    let headings = ["!when", "file and compiler", "!client", "reason"];
    table(&headings, figures.counts.failures.iter().map(row))
}

/// A span of time as people say it: the largest unit and what it lacks.
struct Span(Duration);

impl Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..60 => write!(f, "{seconds} s"),
            60..3600 => write!(f, "{} min", seconds / 60),
            3600..86_400 => write!(f, "{} h {} min", seconds / 3600, seconds / 60 % 60),
            _ => write!(f, "{} d {} h", seconds / 86_400, seconds / 3600 % 24),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::book::{Book, Ended, Running};
    use std::time::{Instant, SystemTime};

    fn page(name: &str) -> String {
        let now = Instant::now();
        let mut book = Book::new(4, now, SystemTime::UNIX_EPOCH);
        let work = Work { compiler: name.to_owned(), file: name.to_owned() };
        book.start(Running { client: name.to_owned(), work: work.clone(), since: now });
        for (verdict, _) in VERDICTS {
            let time = Duration::from_millis(1500);
            let said = name;
            let work = Some(&work);
            let ended = Ended { verdict: *verdict, client: name, work, time, received: 1, sent: 1, said };
            book.end(&ended, now);
        }
        text(&book.figures(now), &Machine { name: name.to_owned(), ..Machine::default() })
    }

    #[test]
    fn every_blank_of_the_template_is_filled() {
        let now = Instant::now();
        let figures = Book::new(4, now, SystemTime::UNIX_EPOCH).figures(now);
        let machine = Machine::default();
        let mut names: Vec<&str> = tiles(&figures, &machine)
            .iter()
            .chain(&counts(&figures))
            .chain(&tables(&figures))
            .map(|(name, _)| *name)
            .collect();
        let mut blanks: Vec<&str> = TEMPLATE
            .split("{{")
            .skip(1)
            .filter_map(|piece| piece.split_once("}}"))
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        blanks.sort_unstable();
        blanks.dedup();
        assert_eq!(blanks, names);
    }

    #[test]
    fn whatever_a_client_sends_is_text() {
        let page = page("<script>alert('1')</script>&\"{{host}}");
        assert!(!page.contains("<script"), "{page}");
        assert!(
            page.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;{{host}}"),
            "{page}"
        );
    }

    #[test]
    fn needs_nothing_from_elsewhere() {
        let page = page("x.c");
        for loading in ["http:", "https:", "//", "src=", "url(", "@import", "<script"] {
            assert!(!page.contains(loading), "{loading}");
        }
    }

    #[test]
    fn figures_stand_under_their_names_among_the_metrics() {
        let page = page("x.c");
        for figure in [
            "<span data-metric=\"distccd_jobs_running\">1</span>",
            "<span data-metric=\"distccd_jobs_total{result=&quot;other&quot;,reason=&quot;refused&quot;}\">1</span>",
            "<span data-metric=\"distccd_compiler_jobs_total{compiler=&quot;x.c&quot;,result=&quot;failed&quot;}\">12</span>",
        ] {
            assert!(page.contains(figure), "{figure} is not in\n{page}");
        }
    }

    #[test]
    fn spans_of_time() {
        for (seconds, expected) in
            [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7260, "2 h 1 min"), (90_000, "1 d 1 h")]
        {
            assert_eq!(Span(Duration::from_secs(seconds)).to_string(), expected);
        }
    }
}
