//! Tries one row with one compiler in all the ways and says what is wrong. Knows nothing of how many rows there are.

use crate::place::{Counts, Place, Run, Way};
use crate::row::{Case, Row, Verdict};
use crate::traces::Leeway;

/// What a row came to with one compiler, way by way; `Err` says what differs.
pub(crate) struct Tried {
    pub(crate) direct: Result<(), String>,
    pub(crate) here: Result<(), String>,
    pub(crate) there: Result<(), String>,
    /// Only of a compile there that had something to say.
    pub(crate) exact: Option<Result<(), String>>,
}

impl Tried {
    /// Each way's name with what is wrong.
    pub(crate) fn complaints(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let exact = self.exact.as_ref().unwrap_or(&Ok(()));
        let ways = [("direct", &self.direct), ("here", &self.here), ("there", &self.there), ("exact", exact)];
        ways.into_iter().filter_map(|(way, result)| Some((way, result.as_ref().err()?)))
    }
}

/// Runs the row's command directly, forced here and forced there, and once more where messages came from there.
pub(crate) fn of_row(place: &mut Place, row: &Row, case: Case) -> Tried {
    let direct = place.run(row, case, Way::Direct);
    let here = place.run(row, case, Way::Here);
    let there = there(place, row, case, &direct);
    let exact = (row.verdict == Verdict::Remote && !direct.traces.is_silent()).then(|| {
        let exact = place.run(row, case, Way::Exact);
        place.served_since(Counts { good: row.compiles(), refused: 0 });
        same(&exact, &direct, Leeway { excerpts: false, columns: row.loses_columns })
    });
    let as_expected = direct.traces.succeeded() != row.fails;
    let unexpected = || {
        let says = if row.fails { "succeeds" } else { "fails" };
        Err(format!("the compiler itself {says}:\n{}", direct.traces.stderr()))
    };
    Tried {
        direct: if as_expected { Ok(()) } else { unexpected() },
        here: same(&here, &direct, Leeway::default()),
        there,
        exact,
    }
}

/// Runs the row's command directly and forced there, no more.
pub(crate) fn there_alone(place: &mut Place, row: &Row, case: Case) -> Tried {
    let direct = place.run(row, case, Way::Direct);
    let there = there(place, row, case, &direct);
    Tried { direct: Ok(()), here: Ok(()), there, exact: None }
}

/// Forced there and against the compiler's own traces.
fn there(place: &mut Place, row: &Row, case: Case, direct: &Run) -> Result<(), String> {
    let is_remote = row.verdict == Verdict::Remote;
    let there = place.run(row, case, if is_remote { Way::There } else { Way::Usual });
    let expected = expected_counts(row);
    let served = place.served_since(expected);
    let leeway = Leeway { excerpts: is_remote, columns: row.loses_columns };
    let result = same(&there, direct, leeway)
        .and_then(|()| reasons(row, &there.log))
        .and_then(|()| if row.verdict == Verdict::Fallback { Ok(()) } else { quiet(&there.log) })
        .and_then(|()| {
            let wrong = || Err(format!("the host did {served:?} instead of {expected:?}"));
            if served == expected { Ok(()) } else { wrong() }
        });
    result.map_err(|what| format!("{what}\n{}", there.log))
}

fn same(run: &Run, direct: &Run, leeway: Leeway) -> Result<(), String> {
    run.traces.difference(&direct.traces, leeway)?;
    if run.litter.is_empty() { Ok(()) } else { Err(format!("left behind: {:?}", run.litter)) }
}

fn expected_counts(row: &Row) -> Counts {
    match row.verdict {
        Verdict::Remote | Verdict::Repeated => Counts { good: row.compiles(), refused: 0 },
        Verdict::Rejected => Counts { good: 0, refused: row.compiles() },
        Verdict::Unsent | Verdict::Fallback | Verdict::Local(_) => Counts::default(),
    }
}

/// The client's log gives the reason for each compile that the verdict gives.
fn reasons(row: &Row, log: &str) -> Result<(), String> {
    let sign = match &row.verdict {
        Verdict::Remote => " completed ok".to_owned(),
        Verdict::Repeated | Verdict::Unsent => "] local: ".to_owned(),
        Verdict::Fallback => ", running locally instead".to_owned(),
        Verdict::Rejected => " failed with exit code ".to_owned(),
        Verdict::Local(code) => format!("] local: {code}: "),
    };
    let found = log.lines().filter(|line| line.contains(&sign)).count();
    let wanted = row.compiles();
    if found == wanted { Ok(()) } else { Err(format!("{found} times \"{sign}\" instead of {wanted}")) }
}

/// A log that tells of trouble.
fn quiet(log: &str) -> Result<(), String> {
    const SIGNS: [&str; 5] = ["] Warning: ", "] ERROR: ", "] CRITICAL! ", "] ALERT! ", "] EMERGENCY! "];
    match log.lines().find(|line| SIGNS.iter().any(|sign| line.contains(sign))) {
        Some(line) => Err(format!("the client complains: {line}")),
        None => Ok(()),
    }
}
