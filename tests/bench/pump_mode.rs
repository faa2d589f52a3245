//! How the rows of pump mode are measured, with the sources of real programs. Knows no row of the table.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use test_hosts::process::{clean, run};
use test_hosts::{Programs, need};

use crate::cpu;
use crate::include_servers::IncludeServer;
use crate::measure::{Bench, milliseconds};

const OUR_PUMP: &str = env!("CARGO_BIN_EXE_pump");
const OPTIONS: &str = ",lzo,cpp";
/// What a builder of the C++ program says.
const LEVELDB: &[&str] = &["-Ileveldb", "-Ileveldb/include", "-DLEVELDB_PLATFORM_POSIX=1"];

/// A client's and its include server's time per job of a whole build, without what starting and ending a server take.
pub(crate) fn client_time(bench: &Bench, programs: Programs) -> f64 {
    let daemon = bench.daemon(bench.theirs.distccd, 4);
    let commands = commands(bench);
    let life = |jobs: usize| {
        cpu::spent(|| {
            let server = include_server(bench, programs);
            let hosts = daemon.host(4, OPTIONS);
            bench.client(programs.distcc, &hosts, "").in_pump_mode(&server, &commands).run(jobs, 1);
            server.stop();
        })
        .0
    };
    let jobs = commands.len();
    let spent = per_job(life(jobs), life(0), jobs);
    bench.expect_served(&daemon, jobs);
    daemon.stop();
    spent
}

/// A daemon's time per job, asked by the C client.
pub(crate) fn daemon_time(bench: &Bench, programs: Programs) -> f64 {
    let commands = commands(bench);
    let server = include_server(bench, bench.theirs);
    let life = |jobs: usize| {
        let daemon = bench.daemon(programs.distccd, 4);
        let hosts = daemon.host(4, OPTIONS);
        bench.client(bench.theirs.distcc, &hosts, "").in_pump_mode(&server, &commands).run(jobs, 1);
        bench.expect_served(&daemon, jobs);
        daemon.stop()
    };
    let jobs = commands.len();
    let spent = per_job(life(jobs), life(0), jobs);
    server.stop();
    spent
}

/// What an include server holds, in MiB, when everything has been built.
pub(crate) fn memory(bench: &Bench, programs: Programs) -> f64 {
    let daemon = bench.daemon(bench.theirs.distccd, 4);
    let commands = commands(bench);
    let server = include_server(bench, programs);
    let hosts = daemon.host(4, OPTIONS);
    bench.client(programs.distcc, &hosts, "").in_pump_mode(&server, &commands).run(commands.len(), 4);
    let held = server.memory();
    server.stop();
    daemon.stop();
    held
}

fn include_server(bench: &Bench, programs: Programs) -> IncludeServer {
    let pump = if programs == bench.theirs {
        need::c_pump().expect("looked for before its rows are measured")
    } else {
        PathBuf::from(OUR_PUMP)
    };
    let location = Path::new(programs.distcc).parent().expect("a file in a directory");
    IncludeServer::start(&pump, location, &bench.stub, &bench.work)
}

fn per_job(all: Duration, idle: Duration, jobs: usize) -> f64 {
    milliseconds(all.saturating_sub(idle)) / jobs as f64
}

/// Compiler, source and options of every file of two programs, which lie where the bench's clients run.
fn commands(bench: &Bench) -> Vec<Vec<String>> {
    let lua = sources(bench, "lua5.4", "lua", &["src"], ".c");
    let leveldb = sources(bench, "leveldb", "leveldb", &["db", "table", "util"], ".cc");
    let in_c = lua.into_iter().map(|source| vec!["gcc".to_owned(), source]);
    let in_cxx = leveldb.into_iter().map(|source| {
        let words = ["g++", source.as_str()].into_iter().chain(LEVELDB.iter().copied());
        words.map(str::to_owned).collect()
    });
    in_c.chain(in_cxx).collect()
}

fn sources(bench: &Bench, project: &'static str, name: &str, folders: &[&str], ending: &str) -> Vec<String> {
    let place = bench.work.src().join(name);
    if !place.exists() {
        let source = need::source(project).expect("looked for before its rows are measured");
        let mut copy = clean("cp");
        copy.arg("-r").args([&source, &place]);
        run(copy).good();
    }
    let files = folders.iter().flat_map(|folder| {
        let files = fs::read_dir(place.join(folder)).expect("a folder of the project").flatten();
        files.map(move |file| format!("{name}/{folder}/{}", file.file_name().display()))
    });
    let others = ["_test.cc", "_windows.cc", "leveldbutil.cc", "testutil.cc"];
    let is_wanted =
        |file: &String| file.ends_with(ending) && !others.iter().any(|other| file.ends_with(other));
    let mut files: Vec<String> = files.filter(is_wanted).collect();
    files.sort();
    files
}
