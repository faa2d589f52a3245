//! Measures our programs beside those of C distcc 3.4: one run, one stub compiler, taking turns. Knows of a row only its name.

use std::env;

use test_hosts::{Programs, need};

mod clients;
mod cpu;
mod daemons;
mod figures;
mod include_servers;
mod measure;
mod pump_mode;
mod rows;
mod stub;

use figures::{Figures, HEADER};
use measure::Bench;
use rows::{ROWS, Row};

const OURS: Programs =
    Programs { distcc: env!("CARGO_BIN_EXE_distcc"), distccd: env!("CARGO_BIN_EXE_distccd") };
const COMMAND: &str = "cargo bench --bench against_c";

fn main() {
    let (switches, filters): (Vec<String>, Vec<String>) =
        env::args().skip(1).partition(|word| word.starts_with("--"));
    // Whoever builds all targets to test them does not want to wait for this one.
    if !switches.iter().any(|switch| switch == "--bench") {
        return println!("nothing measured; for that: {COMMAND}");
    }
    let Some(theirs) = need::c_distcc() else { return };
    let Some(gcc) = need::program("gcc", "install gcc") else { return };
    let pump = need::c_pump().is_some()
        && ["lua5.4", "leveldb"].into_iter().all(|name| need::source(name).is_some());
    let wanted = ROWS.iter().filter(|row| is_wanted(row.name, &filters));
    let rows: Vec<&Row> = wanted.filter(|row| pump || !row.measure.is_of_pump_mode()).collect();
    if rows.is_empty() {
        let names: Vec<&str> = ROWS.iter().map(|row| row.name).collect();
        return println!("no such row; there are: {}", names.join(" "));
    }
    cpu::adopt_orphans();
    let bench = Bench::set_up(OURS, theirs, gcc);
    println!("{HEADER}");
    for row in rows {
        println!("{}", Figures::of(&bench.measure(&row.measure)).line(row));
    }
    println!(
        "again: {COMMAND}{}",
        if filters.is_empty() { String::new() } else { format!(" -- {}", filters.join(" ")) }
    );
}

fn is_wanted(row: &str, filters: &[String]) -> bool {
    filters.is_empty() || filters.iter().any(|filter| row.contains(filter.as_str()))
}
