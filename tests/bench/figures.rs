//! What comes out of rounds in which both sides took turns, and how it is printed. Knows nothing of what was measured.

use crate::rows::{Row, Target};

/// One round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
}

/// Several rounds of one row. The load of the machine changes from round to round and is nearly the same within one,
/// so that the ratio is taken in each round.
#[derive(Debug, PartialEq)]
pub(crate) struct Figures {
    ours: f64,
    theirs: f64,
    /// Lower quartile, median, upper quartile.
    ratio: [f64; 3],
}

pub(crate) const HEADER: &str =
    "row               unit            ours         C   ours/C  (quartiles)    target";

impl Figures {
    pub(crate) fn of(rounds: &[Pair]) -> Figures {
        let sorted = |value: fn(&Pair) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(value).collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let middle = |values: Vec<f64>| values[values.len() / 2];
        let ratios = sorted(|pair| pair.ours / pair.theirs);
        let at_quarter = |quarter| ratios[(ratios.len() - 1) * quarter / 4];
        Figures {
            ours: middle(sorted(|pair| pair.ours)),
            theirs: middle(sorted(|pair| pair.theirs)),
            ratio: [1, 2, 3].map(at_quarter),
        }
    }

    pub(crate) fn line(&self, row: &Row) -> String {
        let [low, ratio, high] = self.ratio;
        let verdict = match row.target {
            Target::Ratio(most) => format!("ours/C <= {most:.2} {}", word(ratio <= most)),
            Target::Ours(most) => format!("ours <= {most:.2} {}", word(self.ours <= most)),
            Target::Open => "-".to_owned(),
        };
        let (name, unit, ours, theirs) = (row.name, row.measure.unit(), self.ours, self.theirs);
        format!(
            "{name:<17} {unit:<10} {ours:>9.3} {theirs:>9.3} {ratio:>8.2}  ({low:.2}-{high:.2})    {verdict}"
        )
    }
}

fn word(met: bool) -> &'static str {
    if met { "met" } else { "MISSED" }
}
