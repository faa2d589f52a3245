//! What clients may send and what not; and what becomes of it in memory.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use proptest::prelude::*;
use protocol::{Content, FileEntry};

use super::*;

/// One name: `/a.c=text`, `/link>target`, or `/directory/` for a marker.
fn entry(line: &str) -> FileEntry {
    let file = |name: &str, text: &str| FileEntry {
        name: name.into(),
        content: Content::File(if text.is_empty() { Vec::new() } else { protocol::pack(text.as_bytes()) }),
    };
    if let Some((name, target)) = line.split_once('>') {
        return FileEntry { name: name.into(), content: Content::Link(target.into()) };
    }
    match line.split_once('=') {
        Some((name, text)) => file(name, text),
        None => file(&format!("{line}{MARKER}"), ""),
    }
}

fn names(directory: &str, lines: &[&str]) -> Result<Names, String> {
    let entries = lines.iter().map(|line| entry(line)).collect();
    Names::new(&Root::here(), Path::new(directory), entries, Path::new("/home/u/gcc-13/bin/gcc"))
}

/// All that is in it, a line each, in order.
fn listed(directory: &Directory, path: &str, lines: &mut Vec<String>) {
    for (name, named) in &directory.entries {
        let path = format!("{path}/{}", name.display());
        match &named.node {
            Node::Directory(directory) => {
                lines.push(format!("{path}/"));
                listed(directory, &path, lines);
            }
            Node::File(file) => {
                let text = protocol::unpack(&file.body, 1000).unwrap();
                lines.push(format!("{path}={}", text.escape_ascii()));
            }
            Node::Link(text) => lines.push(format!("{path}>{}", text.display())),
            Node::System => lines.push(format!("{path}!")),
        }
    }
}

#[track_caller]
fn taken(lines: &[&str], expected: &str) {
    let mut found = Vec::new();
    listed(&names("/", lines).unwrap().into_root(), "", &mut found);
    assert_eq!(found.join(" "), expected, "{lines:?}");
}

#[track_caller]
fn refused(lines: &[&str], reason: &str) {
    assert_eq!(names("/", lines).map(|_| ()), Err(reason.to_owned()), "{lines:?}");
}

#[test]
fn trees() {
    taken(&[], "");
    taken(&["/a.c=x"], "/a.c=x");
    taken(&["/p/a.c=x", "/p/q/a.h=y"], "/p/ /p/a.c=x /p/q/ /p/q/a.h=y");
    taken(&["/p/empty.h="], "/p/ /p/empty.h=");
    taken(&["/p/q/", "/p/q/r/", "/p/q/", "/"], "/p/ /p/q/ /p/q/r/");
    taken(&["/a=old", "/a=new"], "/a=new");
    taken(&["/p/l>/r/x", "/l>/", "/k>/r"], "/k>r /l>. /p/ /p/l>../r/x");
    taken(&["/p/q/l>/p/./q//h.h"], "/p/ /p/q/ /p/q/l>../../p/q/h.h");
    taken(&["/p/l>/p/l"], "/p/ /p/l>../p/l");
    taken(&["/p/.../a=x", "/p/..a=y"], "/p/ /p/.../ /p/.../a=x /p/..a=y");
    // A file of the marker's name that has something in it is a file.
    taken(&["/p/forcing_technique_271828=x"], "/p/ /p/forcing_technique_271828=x");
}

#[test]
fn names_that_are_none() {
    refused(&["=x"], "the name \"\" is not absolute");
    refused(&["a.c=x"], "the name \"a.c\" is not absolute");
    refused(&["../a.c=x"], "the name \"../a.c\" is not absolute");
    refused(&["/=x"], "the name \"/\" is there already");
    refused(&["/../a.c=x"], "the name \"/../a.c\" is not canonical");
    refused(&["/p/../../a.c=x"], "the name \"/p/../../a.c\" is not canonical");
    refused(&["/p/..=x"], "the name \"/p/..\" is not canonical");
    refused(&["/p/./a.c=x"], "the name \"/p/./a.c\" is not canonical");
    refused(&["//a.c=x"], "the name \"//a.c\" is not canonical");
    refused(&["/p//a.c=x"], "the name \"/p//a.c\" is not canonical");
    refused(&["/p/=x"], "the name \"/p/\" is not canonical");
    refused(&["/p/..>/x"], "the name \"/p/..\" is not canonical");
    refused(&["/a\n=x", "b=x"], "the name \"b\" is not absolute");
    let long = format!("/{}", "x".repeat(255));
    taken(&[&format!("{long}=x")], &format!("{long}=x"));
    refused(&[&format!("{long}x=x")], &format!("the name \"{long}x\" has a component that is too long"));
    let deep = "/d".repeat(DEPTH);
    assert!(names("/", &[&format!("{deep}=x")]).is_ok());
    refused(&[&format!("{deep}/d=x")], &format!("the name \"{deep}/d\" lies too deep"));
    let longest = "/d".repeat(2047);
    refused(&[&format!("{longest}=x")], &format!("the name \"{longest}\" lies too deep"));
}

#[test]
fn names_without_end() {
    let deep = |at: usize| format!("/{at}{}", "/d".repeat(DEPTH - 1));
    let check = |count: usize, expected: Option<String>| {
        let entries = (0..count).map(|at| entry(&format!("{}=x", deep(at)))).collect();
        assert_eq!(
            Names::new(&Root::here(), Path::new("/"), entries, Path::new("/usr/bin/cc")).err(),
            expected
        );
    };
    check(MOST / DEPTH, None);
    check(MOST / DEPTH + 1, Some(format!("the name \"{}\" is one too many", deep(MOST / DEPTH))));
}

#[test]
fn names_in_each_others_way() {
    refused(&["/a=x", "/a/b=y"], "the name \"/a/b\" passes through a file");
    refused(&["/a=x", "/a/b>/y"], "the name \"/a/b\" passes through a file");
    refused(&["/a=x", "/a/"], "the name \"/a/forcing_technique_271828\" passes through a file");
    refused(&["/a>/etc", "/a/passwd=x"], "the name \"/a/passwd\" passes through a link");
    refused(&["/a>/b", "/a/"], "the name \"/a/forcing_technique_271828\" passes through a link");
    refused(&["/a>/etc", "/a=x"], "the name \"/a\" is a link already");
    refused(&["/a/b=x", "/a=x"], "the name \"/a\" is a directory already");
    refused(&["/a/b=x", "/a>/c"], "the name \"/a\" is there already");
    refused(&["/a=x", "/a>/c"], "the name \"/a\" is there already");
    refused(&["/a>/c", "/a>/c"], "the name \"/a\" is there already");
    refused(&["/>/c"], "the name \"/\" is there already");
}

#[test]
fn links_that_lead_out() {
    const OUT: &str = "the name \"/p/l\" is a link that leads out of the tree";
    refused(&["/p/l>"], OUT);
    refused(&["/p/l>x"], OUT);
    refused(&["/p/l>../../etc/passwd"], OUT);
    refused(&["/p/l>../../../../usr/include"], OUT);
    refused(&["/p/l>/../../etc"], "the name \"/p/l\" is a link that may lead out of the tree");
    refused(&["/p/l>/p/.."], "the name \"/p/l\" is a link that may lead out of the tree");
    let long = format!("/p/l>{}", "/x".repeat(2048));
    refused(&[&long], "the name \"/p/l\" is a link whose target is too long");
}

/// A link to the server's directory of that name, as clients spell it.
fn system(name: &str, up: usize) -> String {
    format!("{name}>{}{}", "../".repeat(up), &name[1..])
}

#[test]
fn system_directories() {
    let taken_alone = |name: &str, up: usize| {
        let names = names("/", &[&system(name, up)]);
        assert!(names.is_ok_and(|mut names| { names.root.entries.pop_first().is_some() }), "{name} {up}");
    };
    taken_alone("/usr/include", 22);
    taken_alone("/usr/include", 1);
    taken_alone("/usr/lib/gcc/x86_64-linux-gnu/12/include", 26);
    taken_alone("/opt/x/include", 23);
    taken_alone("/lib64/clang/include", 23);
    taken_alone("/home/u/gcc-13/lib/gcc/x86_64-pc-linux-gnu/13/include-fixed", 29);
    let alone = |name: &str, up: usize, why: &str| {
        refused(&[&system(name, up)], &format!("the name \"{name}\" {why}"));
    };
    const OTHER: &str = "is a link to what is no system directory of this server";
    const OUT: &str = "is a link that leads out of the tree";
    alone("/root", 21, OTHER);
    alone("/etc", 21, OTHER);
    alone("/usr", 21, OTHER);
    alone("/home/u/.ssh", 23, OTHER);
    alone("/home/u/gcc-13/bin", 23, OTHER);
    alone("/home/u/include", 23, OTHER);
    alone("/usr/local/include", 1, OUT);
    refused(&["/usr/include>../../../etc"], &format!("the name \"/usr/include\" {OUT}"));
    refused(&["/usr/include>../../usr/../etc"], &format!("the name \"/usr/include\" {OUT}"));
    refused(&["/usr/include>../..//usr/include"], &format!("the name \"/usr/include\" {OUT}"));
}

#[test]
fn a_compiler_behind_a_link_has_headers_beside_it() {
    let place = tempfile::tempdir().unwrap();
    let [home, link] = [place.path().join("gcc-13"), place.path().join("bin/gcc")];
    for directory in [home.join("bin"), home.join("lib/include"), place.path().join("bin")] {
        std::fs::create_dir_all(directory).unwrap();
    }
    std::fs::write(home.join("bin/gcc"), "").unwrap();
    std::os::unix::fs::symlink(home.join("bin/gcc"), &link).unwrap();
    let headers = home.join("lib/include");
    let asked = entry(&system(headers.to_str().unwrap(), 40));
    let names = Names::new(&Root::here(), Path::new("/"), vec![asked], &link).unwrap();
    assert_eq!(names.system_directories(), [headers]);
}

#[test]
fn system_directories_beside_others() {
    let [include, cxx] = [system("/usr/include", 22), system("/usr/include/c++/12", 24)];
    taken(&[&include, &cxx, &include, "/usr/include/sys/"], "/usr/ /usr/include!");
    taken(&[&cxx, &include], "/usr/ /usr/include!");
    taken(&["/usr/include/sys/", &include], "/usr/ /usr/include!");
    taken(&["/usr/src/a.c=x", &include], "/usr/ /usr/include! /usr/src/ /usr/src/a.c=x");
    refused(&["/usr/include/a.h=x", &include], "the name \"/usr/include\" is there already");
    let below = "lies below a system directory, where the server has its own";
    refused(&[&include, "/usr/include/a.h=x"], &format!("the name \"/usr/include/a.h\" {below}"));
    refused(&[&include, "/usr/include/a.h>/x"], &format!("the name \"/usr/include/a.h\" {below}"));
    refused(&[&include, "/usr/include=x"], "the name \"/usr/include\" is a system directory");
    let found = names("/", &[&include, &system("/usr/nowhere/include", 23)]).unwrap();
    assert_eq!(found.system_directories(), [Path::new("/usr/include")], "the server has no other");
}

#[test]
fn working_directories() {
    let check = |directory: &str, lines: &[&str], expected: Result<&str, &str>| {
        let found = names(directory, lines).map(|names| names.directory().to_owned());
        let expected = expected.map(Into::into).map_err(|why| format!("the directory \"{directory}\" {why}"));
        assert_eq!(found, expected, "{directory} {lines:?}");
    };
    check("/", &[], Ok("/"));
    check("/p/q", &["/p/q/a.c=x"], Ok("/p/q"));
    check("/new/one", &[], Ok("/new/one"));
    check("/l/q", &["/l>/p/r", "/p/r/q/"], Ok("/p/r/q"));
    check("/l/q/new", &["/l>/k", "/k>/p", "/p/q>/"], Ok("/new"));
    check("/l", &["/l>/l"], Err("is a loop of links"));
    check("/l/x", &["/l>/l/l"], Err("is a loop of links"));
    check("", &[], Err("is not absolute"));
    check("p", &[], Err("is not absolute"));
    check("/p/../q", &[], Err("is not canonical"));
    check("/a/b", &["/a=x"], Err("passes through a file"));
    check("/a", &["/a=x"], Err("passes through a file"));
    check("/usr/include/sys", &[&system("/usr/include", 22)], Ok("/usr/include/sys"));
}

#[test]
fn what_is_added_gives_way() {
    let mut found = names("/p", &["/p/a.c=x", "/lib>/usr/lib", "/bin=x", "/usr/src/"]).unwrap();
    let below = |found: &Names, path: &str| found.has_files_below(Path::new(path));
    assert_eq!(
        ["/p", "/lib", "/bin", "/usr", "/opt"].map(|path| below(&found, path)),
        [true, true, true, false, false]
    );
    assert!(found.add_directory(Path::new("/usr")) && found.add_directory(Path::new("/opt/x")));
    assert!(found.add_link(Path::new("/lib"), Path::new("/usr/lib")));
    assert!(!found.add_link(Path::new("/lib"), Path::new("/usr/lib64")));
    assert!(found.add_link(Path::new("/lib64"), Path::new("/usr/lib64")));
    assert!(!found.add_directory(Path::new("/lib")) && !found.add_directory(Path::new("/bin/x")));
    assert!(!found.add_link(Path::new("/p"), Path::new("/x")));
    let mut lines = Vec::new();
    listed(&found.into_root(), "", &mut lines);
    assert_eq!(
        lines.join(" "),
        "/bin=x /lib>usr/lib /lib64>usr/lib64 /opt/ /opt/x/ /p/ /p/a.c=x /usr/ /usr/src/"
    );
}

#[test]
fn memory_is_told_before_it_is_taken() {
    let limits = |unpacked_bytes| Limits { unpacked_bytes, ..Limits::default() };
    let found = names("/", &["/a=xxxxxxxxxx", "/b=yyy"]).unwrap();
    let (long, short) = (14, 7);
    let nodes = 2 * 200;
    assert_eq!(found.will_hold(&limits(usize::MAX)), nodes + long + short + 255 * long);
    assert_eq!(found.will_hold(&limits(100)), nodes + long + short + 100);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is taken has only names that stay below the root, and links that climb no higher than to it.
    #[test]
    fn nothing_that_is_taken_leaves_the_root(
        entries in prop::collection::vec(("(/|\\.|\\.\\.|a|b|//|usr/include){0,7}", any::<Option<bool>>(), "[/.ab]{0,9}"), 0..9),
        directory in "/[ab/]{0,5}",
    ) {
        let entries = entries.into_iter().map(|(name, kind, text)| FileEntry {
            name: OsString::from_vec(name.into_bytes()).into(),
            content: match kind {
                Some(true) => Content::File(text.into_bytes()),
                Some(false) => Content::File(Vec::new()),
                None => Content::Link(text.into()),
            },
        });
        if let Ok(names) = Names::new(&Root::here(), Path::new(&directory), entries.collect(), Path::new("/usr/bin/cc")) {
            check_inside(&names.into_root(), 0);
        }
    }
}

fn check_inside(directory: &Directory, depth: usize) {
    for (name, named) in &directory.entries {
        assert!(!name.is_empty() && name != "." && name != ".." && !name.as_bytes().contains(&b'/'));
        match &named.node {
            Node::Directory(directory) => check_inside(directory, depth + 1),
            Node::Link(text) => {
                let text = Path::new(text);
                let climbs = text.components().take_while(|part| *part == Component::ParentDir).count();
                assert!(climbs == depth && !text.is_absolute());
                assert!(!text.components().skip(climbs).any(|part| part == Component::ParentDir));
            }
            Node::File(_) | Node::System => {}
        }
    }
}
