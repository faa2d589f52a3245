//! What somebody asks on the port for statistics: bytes to a question. Knows nothing of sockets and answers.

use httparse::{EMPTY_HEADER, Header, Status};

/// The longest head of a request.
pub(super) const LONGEST: usize = 8 * 1024;

/// More header lines than any browser sends.
const MOST_HEADERS: usize = 64;

/// Three ways to say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The text of distcc 3.4.
    Plain,
    /// OpenMetrics.
    Metrics,
    /// For a browser.
    Page,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) form: Form,
    /// HEAD: the answer without its body.
    pub(super) only_head: bool,
}

/// Why there is no answer, as a status of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Malformed,
    WrongMethod,
    TooSlow,
    TooLong,
}

/// How far a request has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing but perhaps empty lines.
    Nothing,
    /// A part of a head.
    More,
    Asked(Question),
    Refused(Refusal),
}

/// What distcc 3.4 answers to all, and we to those who do not speak HTTP.
pub(super) const ANYTHING: Question = Question { form: Form::Plain, only_head: false };

/// Reads what came so far.
pub(super) fn read(bytes: &[u8]) -> Progress {
    if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) && bytes.len() < LONGEST {
        return Progress::Nothing;
    }
    let mut headers = [EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(Status::Complete(_)) => question(&request),
        Ok(Status::Partial) if bytes.len() < LONGEST => Progress::More,
        Ok(Status::Partial) | Err(httparse::Error::TooManyHeaders) => Progress::Refused(Refusal::TooLong),
        Err(_) if names_http(bytes) => Progress::Refused(Refusal::Malformed),
        Err(_) => Progress::Asked(ANYTHING),
    }
}

fn question(request: &httparse::Request) -> Progress {
    let only_head = match request.method.unwrap_or_default() {
        "GET" => false,
        "HEAD" => true,
        _ => return Progress::Refused(Refusal::WrongMethod),
    };
    let path = request.path.unwrap_or_default();
    let form = match path.split(['?', '#']).next().unwrap_or_default() {
        "/metrics" => Form::Metrics,
        "/" if is_for_a_browser(request.headers) => Form::Page,
        _ => Form::Plain,
    };
    Progress::Asked(Question { form, only_head })
}

/// Browsers say that they want HTML; curl and scripts take anything.
fn is_for_a_browser(headers: &[Header]) -> bool {
    let accepted = headers.iter().filter(|header| header.name.eq_ignore_ascii_case("accept"));
    accepted.filter_map(|header| std::str::from_utf8(header.value).ok()).flat_map(|list| list.split(',')).any(
        |range| {
            let (kind, weight) = range.split_once(';').unwrap_or((range, ""));
            let is_refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
            kind.trim().eq_ignore_ascii_case("text/html") && !is_refused
        },
    )
}

fn names_http(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    line.is_some_and(|line| line.windows(7).any(|word| word == b"HTTP/1."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(request: &str, expected: Progress) {
        assert_eq!(read(request.as_bytes()), expected, "{request:?}");
    }

    fn asked(form: Form) -> Progress {
        Progress::Asked(Question { form, only_head: false })
    }

    #[test]
    fn questions() {
        let firefox = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        check("GET / HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n", asked(Form::Plain));
        check(&format!("GET / HTTP/1.1\r\n{firefox}\r\n\r\n"), asked(Form::Page));
        check(&format!("GET /?x HTTP/1.1\r\n{firefox}\r\n\r\n"), asked(Form::Page));
        check(&format!("GET /index.html HTTP/1.1\r\n{firefox}\r\n\r\n"), asked(Form::Plain));
        check("GET / HTTP/1.1\r\naccept: TEXT/HTML ; q=1\r\n\r\n", asked(Form::Page));
        check("GET / HTTP/1.1\r\nAccept: text/html;q=0, */*\r\n\r\n", asked(Form::Plain));
        check("GET /metrics HTTP/1.1\r\n\r\n", asked(Form::Metrics));
        check("GET /metrics?format=x HTTP/1.0\n\n", asked(Form::Metrics));
        check("GET /metrics/x HTTP/1.0\n\n", asked(Form::Plain));
        let only_head = Progress::Asked(Question { form: Form::Metrics, only_head: true });
        check("HEAD /metrics HTTP/1.1\r\n\r\n", only_head);
    }

    #[test]
    fn what_is_not_there_yet() {
        check("", Progress::Nothing);
        check("\r\n\n", Progress::Nothing);
        check("GE", Progress::More);
        check("GET / HTTP/1.1\r\nHost", Progress::More);
        for end in 1.."GET / HTTP/1.1\r\nHost: x\r\n\r\n".len() {
            check(&"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..end], Progress::More);
        }
    }

    #[test]
    fn those_who_do_not_speak_http_get_what_distcc_answers() {
        for garbage in ["GET /\n", "\0garbage", "stats\n"] {
            check(garbage, Progress::Asked(ANYTHING));
        }
    }

    #[test]
    fn refusals() {
        let refused = |refusal| Progress::Refused(refusal);
        check("POST / HTTP/1.1\r\n\r\n", refused(Refusal::WrongMethod));
        check("BREW /metrics HTTP/1.1\r\n\r\n", refused(Refusal::WrongMethod));
        check("GET / HTTP/1.1\r\nno colon\r\n\r\n", refused(Refusal::Malformed));
        check(&format!("GET / HTTP/1.1\r\nA: {}", "x".repeat(LONGEST)), refused(Refusal::TooLong));
        check(&format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(100)), refused(Refusal::TooLong));
    }
}
