//! Random projects, scanned and compiled. Knows nothing of how they come about.

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use include_scan::{Budget, Scanner};
use test_hosts::need;
use test_hosts::settings::Settings;

use crate::generator::{Project, project};
use crate::job::Job;
use crate::proof::{asked_in_vain, differences, expect_none};
use crate::reading::{Manner, read_by_compiler};
use crate::scene::{Scene, Thing};

#[test]
fn random_projects_are_read_alike() {
    let (Some(strace), Some(_)) =
        (need::program("strace", "install strace"), need::program("clang", "install clang"))
    else {
        return;
    };
    let count = if Settings::from_environment().whole_corpus { 3_000 } else { 200 };
    let (next, failed, found) = (AtomicU64::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let scanner = Scanner::new(Budget { bytes: 16 << 20 });
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            let (made, compiler) = (project(number), compiler(number));
            match wrong(&scanner, &made, compiler, &strace) {
                None => drop(failed.fetch_add(1, Ordering::Relaxed)),
                Some(complaints) if complaints.is_empty() => {}
                Some(complaints) => {
                    found.lock().unwrap_or_else(PoisonError::into_inner).push((number, complaints));
                }
            }
        }
    };
    thread::scope(|scope| (0..2).for_each(|_| drop(scope.spawn(work))));
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut complaints: Vec<String> = found
        .iter()
        .map(|(number, complaints)| format!("project {number}: {}", complaints.join("; ")))
        .collect();
    if let Some((number, first)) = found.first() {
        let kind = first[0].split(' ').next().unwrap_or_default();
        let judge = |less: &Project| wrong(&scanner, less, compiler(*number), &strace).unwrap_or_default();
        let smallest =
            shrunk(project(*number), |less| judge(less).iter().any(|complaint| complaint.starts_with(kind)));
        let (text, complaint) = (told(&smallest), judge(&smallest).join("; "));
        complaints
            .insert(0, format!("project {number}, without what does not matter:\n{text}\n{complaint}\n"));
    }
    expect_none(&complaints);
    let failed = failed.into_inner() as u64;
    assert!(failed * 5 < count, "{failed} of {count} projects are too wild for the compiler");
}

fn compiler(number: u64) -> &'static str {
    if number % 4 == 3 { "clang" } else { "gcc" }
}

/// What is wrong with the scanner's answer; None where the compiler fails.
fn wrong(scanner: &Scanner, project: &Project, compiler: &str, strace: &Path) -> Option<Vec<String>> {
    let scene = Scene::new();
    for (name, thing) in &project.things {
        scene.put(name.as_bytes(), thing);
    }
    let switches = project.switches.iter().map(String::as_str);
    let job = Job::new(&scene.root(), [compiler].into_iter().chain(switches).chain(["-w", "-c", "x.c"]));
    let reading = read_by_compiler(&job, strace, Manner::Preprocess).ok()?;
    let allowed = asked_in_vain(&job, &reading);
    Some(differences(scanner, &job, &reading, &allowed))
}

/// The project without the switches, files and lines that it fails without.
fn shrunk(mut project: Project, fails: impl Fn(&Project) -> bool + Copy) -> Project {
    let size = told(&project).len();
    let mut index = 0;
    while index < project.switches.len() {
        let switch = project.switches.remove(index);
        if !fails(&project) {
            project.switches.insert(index, switch);
            index += 1;
        }
    }
    let mut index = 0;
    while index < project.things.len() {
        let thing = project.things.remove(index);
        if !fails(&project) {
            project.things.insert(index, thing);
            without_lines(&mut project, index, fails);
            index += 1;
        }
    }
    // A line may be of no use only once another one is gone.
    if told(&project).len() < size { shrunk(project, fails) } else { project }
}

/// Takes lines out of one file, first many at once.
fn without_lines(project: &mut Project, index: usize, fails: impl Fn(&Project) -> bool) {
    let Thing::File(text) = &project.things[index].1 else { return };
    let text = String::from_utf8(text.clone()).expect("made of ASCII");
    let mut lines: Vec<&str> = text.lines().collect();
    let mut size = lines.len();
    while size > 0 {
        let mut start = 0;
        while start < lines.len() {
            let end = lines.len().min(start + size);
            let fewer = [&lines[..start], &lines[end..]].concat();
            project.things[index].1 = Thing::File((fewer.join("\n") + "\n").into_bytes());
            if fails(project) {
                lines = fewer;
            } else {
                start = end;
            }
        }
        size /= 2;
    }
    // A condition goes with its end.
    let mut start = 0;
    while start < lines.len() {
        let ends: Vec<usize> = (start + 1..lines.len()).filter(|end| lines[*end].contains("endif")).collect();
        let opens = lines[start].trim_start_matches(['#', ' ']).starts_with("if");
        let fewer = ends.into_iter().filter(|_| opens).find_map(|end| {
            let fewer = [&lines[..start], &lines[start + 1..end], &lines[end + 1..]].concat();
            project.things[index].1 = Thing::File((fewer.join("\n") + "\n").into_bytes());
            fails(project).then_some(fewer)
        });
        match fewer {
            Some(fewer) => lines = fewer,
            None => start += 1,
        }
    }
    project.things[index].1 = Thing::File((lines.join("\n") + "\n").into_bytes());
}

/// As a trap is written.
fn told(project: &Project) -> String {
    let mut text = format!("$ cc {} -c x.c\n", project.switches.join(" "));
    for (name, thing) in &project.things {
        text += &match thing {
            Thing::File(lines) => format!("--- {name}\n{}", String::from_utf8_lossy(lines)),
            Thing::Link(target) => format!("--- {name} -> {}\n", String::from_utf8_lossy(target)),
            Thing::Directory => format!("--- {name}/\n"),
        };
    }
    text
}
