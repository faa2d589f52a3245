//! What undoing does where somebody changed something since, and over several runs. Knows nothing of cut-off runs.

use crate::kinds::{CONF, ORIGINAL, every_kind, perform, touching};
use crate::scene::{Scene, well};
use changes::{Action, Journal, Plan, three_way};
use rustix::fs::{XattrFlags, getxattr, setxattr};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Ours is ORIGINAL with FOUR instead of four. `now` is what somebody made of it; `expected` is what the undo makes.
fn check(now: &str, expected: &str, kept: usize, conflicts: usize) {
    let scene = Scene::new();
    scene.write(CONF, &ORIGINAL.replace("four", "FOUR"));
    scene.put(CONF, now);
    let undo = Journal::open(&scene.site).unwrap().undo(&mut |_, a, b, c| three_way(a, b, c)).unwrap();
    assert_eq!((undo.kept.len(), undo.conflicts.len()), (kept, conflicts), "{now}");
    undo.apply(&mut well).unwrap();
    assert_eq!(scene.text(CONF), expected);
    assert_eq!(scene.site.journal.exists(), conflicts > 0, "{now}");
}

#[test]
fn words_of_others_stay() {
    let ours = ORIGINAL.replace("four", "FOUR");
    check(&ours, ORIGINAL, 0, 0);
    check(ORIGINAL, ORIGINAL, 0, 0);
    check(&format!("{ours}mine\n"), &format!("{ORIGINAL}mine\n"), 1, 0);
    check(&ours.replace("FOUR", "4"), &ours.replace("FOUR", "4"), 0, 1);
}

#[test]
fn a_conflict_is_shown_and_can_be_solved() {
    let scene = Scene::new();
    let before = scene.tree();
    every_kind(&scene.site).apply(&mut perform).unwrap();
    scene.put(CONF, &ORIGINAL.replace("four", "4"));
    let undo = Journal::open(&scene.site).unwrap().undo(&mut |_, a, b, c| three_way(a, b, c)).unwrap();
    let shown = undo.conflicts[0].diff(false);
    assert!(shown.contains("\n-FOUR\n+4\n"), "{shown}");
    undo.apply(&mut perform).unwrap();
    assert!(scene.outside("/etc/old.conf").exists() && !scene.outside("/etc/touched").exists());
    assert!(!Journal::open(&scene.site).unwrap().is_empty(), "there is still something to take back");

    scene.put(CONF, ORIGINAL);
    let mut programs = 0;
    let again = Journal::open(&scene.site).unwrap().undo(&mut |_, _, _, _| None).unwrap();
    let undone = again.apply(&mut |_| {
        programs += 1;
        Ok(())
    });
    undone.unwrap();
    assert_eq!(programs, 0, "programs are taken back once");
    assert_eq!(scene.tree(), before);
}

#[test]
fn the_oldest_original_counts_and_the_newest_words_of_ours() {
    let scene = Scene::new();
    let before = scene.tree();
    let first = ORIGINAL.replace("four", "FOUR");
    for text in [&first, &first.replace("one", "ONE"), &first.replace("four", "4")] {
        scene.write(CONF, text);
        scene.write("/etc/made/new", text);
    }
    let mut removal = Plan::new(&scene.site);
    removal.remove(Path::new("/etc/made/new")).unwrap();
    removal.remove(Path::new("/etc/old.conf")).unwrap();
    removal.apply(&mut well).unwrap();
    scene.write("/etc/old.conf", "new again\n");
    scene.undo().unwrap();
    assert_eq!(scene.tree(), before);
}

/// How many records the journal has after these sets of changes, each of CONF, of another file, or of CONF with a program,
/// that there is nothing of to take back, or something.
#[track_caller]
fn check_records(sets: &str, expected: usize) {
    let scene = Scene::new();
    let before = scene.tree();
    for (number, set) in sets.chars().enumerate() {
        let mut plan = Plan::new(&scene.site);
        let path = if set == 'o' { "/etc/old.conf" } else { CONF };
        plan.write(Path::new(path), format!("{number}\n").into(), 0o644).unwrap();
        if set == 'p' || set == 'q' {
            let words = |program: &str| vec![program.to_owned(), "/nowhere/at/all".to_owned()];
            let undo = if set == 'q' { words("rm") } else { Vec::new() };
            plan.run(Action { shown: "touch".to_owned(), run: words("touch"), undo });
        }
        plan.apply(&mut well).unwrap();
    }
    let names = fs::read_dir(&scene.site.journal).unwrap().map(|entry| entry.unwrap().file_name());
    let records = names.filter(|name| name.to_str().unwrap().parse::<u32>().is_ok()).count();
    assert_eq!(records, expected, "{sets}");
    scene.undo().unwrap();
    assert_eq!(scene.tree(), before, "{sets}");
}

#[test]
fn what_was_between_is_not_kept() {
    check_records("c", 1);
    check_records("cccccc", 1);
    check_records("occccoo", 3);
    check_records("cpc", 1);
    check_records("pppp", 1);
    check_records("cqc", 3);
}

#[test]
fn what_others_make_where_we_took_ours_away_is_theirs() {
    let scene = Scene::new();
    let directory = Path::new("/etc/made");
    let mut plan = Plan::new(&scene.site);
    plan.make_directory(directory, 0o755, None).unwrap();
    plan.apply(&mut well).unwrap();
    let mut plan = Plan::new(&scene.site);
    plan.remove_if_empty(directory).unwrap();
    plan.apply(&mut well).unwrap();
    fs::create_dir(scene.outside("/etc/made")).unwrap();
    scene.put("/etc/made/theirs", "theirs\n");
    let theirs = scene.text("/etc/made/theirs");
    let undo = Journal::open(&scene.site).unwrap().undo(&mut |_, _, _, _| None).unwrap();
    assert!(undo.conflicts.is_empty() && undo.is_empty());
    undo.apply(&mut well).unwrap();
    assert_eq!(scene.text("/etc/made/theirs"), theirs);
    assert!(Journal::open(&scene.site).unwrap().is_empty());
}

#[test]
fn what_others_changed_between_is_kept() {
    let scene = Scene::new();
    scene.write(CONF, "ours\n");
    scene.put(CONF, "ours\ntheirs\n");
    scene.write(CONF, "ours again\ntheirs\n");
    let journal = Journal::open(&scene.site).unwrap();
    let undo = journal.undo(&mut |_, original, ours, _| {
        assert_eq!((original, ours), (ORIGINAL.as_bytes(), &b"ours again\ntheirs\n"[..]));
        None
    });
    undo.unwrap().apply(&mut well).unwrap();
    assert_eq!(scene.text(CONF), ORIGINAL);
}

#[test]
fn what_others_put_into_our_directories_and_took_away_stays_so() {
    let scene = Scene::new();
    every_kind(&scene.site).apply(&mut perform).unwrap();
    scene.put("/etc/conf.d/theirs", "theirs\n");
    fs::remove_file(scene.outside(CONF)).unwrap();
    fs::set_permissions(scene.outside("/etc/conf.d/new"), Permissions::from_mode(0o644)).unwrap();
    let undo = Journal::open(&scene.site).unwrap().undo(&mut |_, _, _, _| None).unwrap();
    assert_eq!(undo.kept.iter().map(|kept| kept.path.as_path()).collect::<Vec<_>>(), [Path::new(CONF)]);
    undo.apply(&mut perform).unwrap();
    assert!(!scene.outside(CONF).exists() && !scene.outside("/etc/conf.d/new").exists());
    assert_eq!(scene.text("/etc/conf.d/theirs"), "theirs\n");
    assert!(!scene.site.journal.exists());
}

#[test]
fn a_mode_that_was_changed_since_stays() {
    let scene = Scene::new();
    scene.write(CONF, "ours\n");
    fs::set_permissions(scene.outside(CONF), Permissions::from_mode(0o600)).unwrap();
    scene.undo().unwrap();
    assert_eq!(scene.text(CONF), ORIGINAL);
    assert_eq!(fs::metadata(scene.outside(CONF)).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn a_directory_of_others_goes_only_when_asked_for() {
    let scene = Scene::new();
    for (asked, remains) in [(false, true), (true, false)] {
        fs::create_dir_all(scene.outside("/etc/x.d")).unwrap();
        scene.write("/etc/x.d/new", "new\n");
        let mut undo = Journal::open(&scene.site).unwrap().undo(&mut |_, _, _, _| None).unwrap();
        assert_eq!(undo.paths(), [Path::new("/etc/x.d/new")]);
        if asked {
            undo.remove_if_empty(Path::new("/etc/x.d")).unwrap();
        }
        undo.apply(&mut well).unwrap();
        assert_eq!(scene.outside("/etc/x.d").exists(), remains);
    }
}

fn takes_back_with_no(name: &str) -> Action {
    Action {
        shown: name.to_owned(),
        run: vec![name.to_owned()],
        undo: vec!["no".to_owned(), name.to_owned()],
    }
}

#[test]
fn what_ran_twice_is_taken_back_once_and_what_ran_first_last() {
    let scene = Scene::new();
    for names in [&["a"][..], &["b", "a"]] {
        let mut plan = Plan::new(&scene.site);
        names.iter().for_each(|name| plan.run(takes_back_with_no(name)));
        plan.apply(&mut well).unwrap();
    }
    let undo = Journal::open(&scene.site).unwrap().undo(&mut |_, _, _, _| None).unwrap();
    assert_eq!(undo.apply(&mut well).unwrap().ran, ["no b", "no a"]);
}

#[test]
fn programs_run_in_order_and_are_taken_back_in_reverse() {
    let scene = Scene::new();
    let action = takes_back_with_no;
    let mut said = Vec::new();
    let mut plan = Plan::new(&scene.site);
    for name in ["a", "b", "c"] {
        plan.run(action(name));
    }
    let refused = plan.clone().apply(&mut |words| {
        said.push(words.join(" "));
        if words == ["b"] { Err("it is a bad day".to_owned()) } else { Ok(()) }
    });
    assert_eq!(refused.unwrap_err().to_string(), "cannot run `b`: it is a bad day; nothing was changed");
    let applied = plan.apply(&mut |words| {
        said.push(words.join(" "));
        Ok(())
    });
    assert_eq!(applied.unwrap().ran, ["a", "b", "c"]);
    let undo = Journal::open(&scene.site).unwrap().undo(&mut |_, _, _, _| None).unwrap();
    let undone = undo
        .apply(&mut |words| {
            said.push(words.join(" "));
            if words[1] == "b" { Err("gone".to_owned()) } else { Ok(()) }
        })
        .unwrap();
    assert_eq!((undone.ran, undone.not_run), (vec!["no c".into(), "no a".into()], vec!["no b: gone".into()]));
    assert_eq!(said, ["a", "b", "no b", "no a", "a", "b", "c", "no c", "no b", "no a"]);
    assert!(!scene.site.journal.exists());
}

#[test]
fn a_journal_that_is_garbled_or_newer_is_named_and_left() {
    let scene = Scene::new();
    let mut plan = Plan::new(&scene.site);
    plan.run(touching(&scene.site));
    plan.write(Path::new(CONF), b"ours\n".to_vec(), 0o644).unwrap();
    plan.apply(&mut perform).unwrap();
    let record = scene.site.journal.join("1/record.toml");
    let good = fs::read_to_string(&record).unwrap();
    let check = |text: &str, expected: &str| {
        fs::write(&record, text).unwrap();
        let refused = Journal::open(&scene.site).unwrap_err().to_string();
        assert!(refused.contains(&record.display().to_string()) && refused.contains(expected), "{refused}");
    };
    check(&good[..good.len() / 2], "cannot understand ");
    check(&good.replace("format = 1", "format = 2"), "is of format 2, which this version does not know");
    check(&good.replace("1.before", "../../x"), "it was edited");
    check(&good.replace("/etc/makepkg.conf", "etc/makepkg.conf"), "it was edited");
    fs::write(&record, &good).unwrap();
    fs::write(scene.site.journal.join("1/1.before"), "cut").unwrap();
    assert!(Journal::open(&scene.site).unwrap_err().to_string().contains("1.before has 3 bytes instead of "));
    assert_eq!(scene.text(CONF), "ours\n");
}

/// Version 2; user::rw- user:4711:rw- group::r-- mask::rw- other::r--, each as tag, rights and id (acl(5)).
const LIST: &[(u16, u16, u32)] = &[(1, 6, !0), (2, 6, 4711), (4, 4, !0), (16, 6, !0), (32, 4, !0)];

#[test]
fn an_access_control_list_stays() {
    let scene = Scene::new();
    let (conf, name) = (scene.outside(CONF), "system.posix_acl_access");
    let entry = |(tag, rights, id): &(u16, u16, u32)| {
        [&tag.to_le_bytes()[..], &rights.to_le_bytes(), &id.to_le_bytes()].concat()
    };
    let list = [2_u32.to_le_bytes().to_vec(), LIST.iter().flat_map(entry).collect()].concat();
    if let Err(error) = setxattr(&conf, name, &list, XattrFlags::empty()) {
        eprintln!("SKIPPED: {} takes no access control list: {error}", conf.display());
        return;
    }
    let check = || {
        let mut there = vec![0; 100];
        let length = getxattr(&conf, name, &mut there).expect("the list is gone");
        assert_eq!((&there[..length], fs::metadata(&conf).unwrap().mode() & 0o777), (&list[..], 0o664));
    };
    check();
    scene.write(CONF, "ours\n");
    check();
    scene.undo().unwrap();
    check();
}
