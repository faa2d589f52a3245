//! The client's end against a server made of recorded words.

use super::*;
use crate::settings::StateDir;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use tempfile::TempDir;

/// A directory for a server, longer than a socket's address may be.
struct Site {
    _parent: TempDir,
    directory: PathBuf,
    settings: Settings,
}

fn site() -> Site {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("d".repeat(150));
    DirBuilder::new().mode(0o700).create(&directory).unwrap();
    let state_dir = Some(StateDir { path: parent.path().join("state"), create: true });
    let include_server_port = Some(directory.join("socket"));
    let settings = Settings { state_dir, include_server_port, include_server: false, ..Settings::read() };
    Site { _parent: parent, directory, settings }
}

fn listen(directory: &Path) -> UnixListener {
    let open = File::open(directory).unwrap();
    let short = format!("/proc/self/fd/{}/socket", std::os::fd::AsRawFd::as_raw_fd(&open));
    UnixListener::bind(short).unwrap()
}

/// Hears the request, then says `words` and what a lending is answered with; silent from then on, or gone.
fn answer(site: &Site, words: &'static [u8], lending: &'static [u8], stays: bool) -> thread::JoinHandle<()> {
    let listener = listen(&site.directory);
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut heard = vec![0; request().encode().len()];
        client.read_exact(&mut heard).unwrap();
        assert_eq!(heard, request().encode());
        client.write_all(words).unwrap();
        if !lending.is_empty() {
            client.read_exact(&mut [0; 12]).unwrap();
            client.write_all(lending).unwrap();
        }
        // The client goes when it has heard enough.
        while stays && client.read(&mut [0; 12]).is_ok_and(|count| count > 0) {}
    })
}

fn request() -> ScanRequest {
    ScanRequest { directory: "/w".into(), words: vec!["cc".into(), "a.c".into()], ..ScanRequest::default() }
}

fn scan<'i>(site: &Site, interrupts: &'i Interrupts) -> Result<Scanned<'i>, NoScan> {
    reach(&site.settings, interrupts).unwrap().scan(&request())
}

#[test]
fn what_is_said_of_a_command() {
    let check = |words, expected: &str| {
        let (site, interrupts) = (site(), Interrupts::catch().unwrap());
        let server = answer(&site, words, b"", false);
        let said = match scan(&site, &interrupts) {
            Ok(scanned) => format!("fits, {} missing", scanned.missing().len()),
            Err(NoScan::NotCovered { code, sentence }) => format!("{code}|{sentence}"),
            Err(NoScan::Absent(why)) => why,
            Err(NoScan::Interrupted(signal)) => signal.to_string(),
        };
        assert_eq!(said, expected);
        server.join().unwrap();
        assert!(site.directory.join("socket").exists());
    };
    check(b"FITS00000003", "fits, 0 missing");
    check(b"BUSY00000000BUSY00000000FITS00000003", "fits, 0 missing");
    check(b"CANT0000000eincbin: in a.s", "incbin|in a.s");
    check(b"", "the include server has gone");
    check(b"BUSY00000000CANT", "the include server has gone");
    check(
        b"ARGC00000000",
        "the include server makes no sense: expected token \"BUSY, FITS or CANT\", got \"ARGC00000000\"",
    );
}

#[test]
fn what_is_said_of_a_lending() {
    let check = |lending, expected: &str, again: bool| {
        let (site, interrupts) = (site(), Interrupts::catch().unwrap());
        let server = answer(&site, b"FITS00000003", lending, false);
        let mut scanned = scan(&site, &interrupts).unwrap();
        let (lent, _peer) = UnixStream::pair().unwrap();
        let said = match scanned.lend(lent.as_fd(), Duration::ZERO) {
            Ok(()) => "sent".to_owned(),
            Err(LendFailure::Peer(why)) => format!("peer: {why}"),
            Err(LendFailure::Ours(why)) => why,
            Err(LendFailure::Interrupted(signal)) => signal.to_string(),
        };
        assert_eq!(said, expected);
        assert_eq!(scanned.line.is_some(), again);
        server.join().unwrap();
    };
    check(b"SENT00000007", "sent", true);
    check(b"BUSY00000001BUSY00000002SENT00000007", "sent", true);
    check(b"BUSY00000001BUSY00000001", "peer: IO timeout", false);
    check(b"FPER00000004EPIP", "peer: EPIP", true);
    check(b"FOUR00000002no", "no", false);
    check(b"BUSY", "the include server has gone", false);
}

#[test]
fn a_silent_server_loses_its_place() {
    let (site, interrupts) = (site(), Interrupts::catch().unwrap());
    let server = answer(&site, b"BUSY00000000", b"", true);
    let begun = Instant::now();
    let said = scan(&site, &interrupts);
    assert!(matches!(&said, Err(NoScan::Absent(why)) if why == "the include server is silent"), "{said:?}");
    assert!(begun.elapsed() < SILENCE + Duration::from_secs(2));
    assert!(!site.directory.join("socket").exists());
    server.join().unwrap();
}

#[test]
fn who_is_absent() {
    let check = |prepare: &dyn Fn(&mut Site), expected: &str| {
        let (mut site, interrupts) = (site(), Interrupts::catch().unwrap());
        prepare(&mut site);
        let said = match reach(&site.settings, &interrupts) {
            Ok(conversation) => format!("reached {:?}", conversation.news()),
            Err(Absent::Gone(why)) => why.replace(&site.directory.display().to_string(), "DIR"),
            Err(Absent::SwitchedOff) => "switched off".to_owned(),
            Err(Absent::Interrupted(signal)) => signal.to_string(),
        };
        assert!(said.contains(expected), "{said}: {expected}");
    };
    check(&|_| {}, "the include server has gone");
    check(&|site| drop(listen(&site.directory)), "the include server has gone");
    check(&|site| site.settings.include_server_port = None, "switched off");
    check(&|site| fs::remove_dir(&site.directory).unwrap(), "no include server can be in DIR: No such file");
    let open = |site: &mut Site| fs::set_permissions(&site.directory, Permissions::from_mode(0o755)).unwrap();
    check(&open, "no include server can be in DIR: it is not for this user alone");
    let linked = |site: &mut Site| {
        let moved = site.directory.with_file_name("moved");
        fs::rename(&site.directory, &moved).unwrap();
        symlink(moved, &site.directory).unwrap();
    };
    check(&linked, "no include server can be in DIR: ");
    let told = |site: &mut Site| {
        std::mem::forget(listen(&site.directory));
        fs::write(site.directory.join("discrepancies"), "a.c: /w/b.h\n").unwrap();
    };
    check(&told, "please report this: a.c: /w/b.h");
}

#[test]
fn a_place_of_our_own_is_made_for_us_alone() {
    let mut site = site();
    (site.settings.include_server_port, site.settings.include_server) = (None, true);
    let path = directory(&site.settings).unwrap();
    assert!(path.starts_with(site.settings.state_dir.as_ref().unwrap().path.as_path()));
    Place::find(&site.settings).unwrap();
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o700);
}
