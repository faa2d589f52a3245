//! Compilers that call themselves what the client's is, and are not. Knows nothing of how they are found out.

use crate::toolbox::Toolbox;
use crate::{DISTCCD, Site, assert_told_of, daemon, daemons};

#[test]
fn a_wrapper_that_adds_an_option() {
    check(|compilers| compilers.put_script("#!/bin/sh\nexec /usr/bin/gcc \"$@\" -O1\n"));
    check(|compilers| compilers.put_script("#!/bin/sh\nexec /usr/bin/gcc -O1 \"$@\"\n"));
}

#[test]
fn a_copy_that_differs_in_one_byte() {
    check(|compilers| compilers.put_copy(spoil));
}

/// A host that would take the source with its headers, and is known to have another compiler, has nobody look for headers.
#[test]
fn nothing_is_scanned_for_it() {
    let (compilers, site) = (Toolbox::empty(), Site::new());
    compilers.put_script("#!/bin/sh\nexec /usr/bin/gcc \"$@\" -O1\n");
    let (fake, other) = (daemon(DISTCCD, &compilers), daemon(DISTCCD, &Toolbox::empty()));
    let client = site.client(&format!("{},lzo,cpp {}", fake.host(), other.host()));
    assert_told_of(
        &site.compile(&client.clone().env("DISTCC_INCLUDE_SERVER", "0")).err(),
        &[format!("{},lzo,cpp", fake.host())],
    );
    assert_eq!(site.compile(&client.env("INCLUDE_SERVER_PORT", "/nowhere/socket")).err(), "");
}

/// Sums become conjunctions.
pub(crate) fn spoil(cc1: &mut [u8]) {
    let template = b"\0add{l}\t{%2, %0|%0, %2}\0";
    let at = cc1.windows(template.len()).position(|bytes| bytes == template);
    cc1[at.expect("a template of gcc 12") + 2] = b'n';
}

/// The same, on the other hand, serves.
#[test]
fn a_copy_that_does_not_differ() {
    for distccd in daemons() {
        let compilers = Toolbox::empty();
        compilers.put_copy(|_| {});
        let (site, daemon) = (Site::new(), daemon(distccd, &compilers));
        let outcome = site.compile(&site.client(&daemon.host()).env("DISTCC_FALLBACK", "0"));
        assert_eq!(outcome.err(), "", "{distccd}");
    }
}

/// What one language is compiled by says nothing of another.
#[test]
fn a_gcc_without_cxx() {
    let compilers = Toolbox::empty();
    compilers.put_copy(|_| {});
    compilers.remove_part("cc1plus");
    let (site, daemon) = (Site::new(), daemon(DISTCCD, &compilers));
    let client = site.client(&daemon.host());
    assert_eq!(site.compile(&client.clone().env("DISTCC_FALLBACK", "0")).err(), "");
    daemon.assert_served(1);
    let said = client.run(&["gcc", "-x", "c++", "-c", "x.c"]).good().err();
    assert_told_of(&said, &[daemon.host()]);
    assert!(said.contains(" does not compile C++"), "{said}");
}

#[track_caller]
fn check(fake: impl Fn(&Toolbox)) {
    for distccd in daemons() {
        let compilers = Toolbox::empty();
        fake(&compilers);
        let (site, daemon) = (Site::new(), daemon(distccd, &compilers));
        let outcome = site.compile(&site.client(&daemon.host()));
        assert_told_of(&outcome.err(), &[daemon.host()]);
        let again = site.compile(&site.client(&daemon.host()));
        assert_eq!(again.err(), "", "{distccd}");
        let why = site.client(&daemon.host()).run(&["--why", "gcc", "-c", "x.c"]).good().out();
        assert!(why.starts_with("local: compiler: ") && why.contains(&daemon.host()), "{why}");
        let counts = site.client("").run(&["--summary"]).good().out();
        assert!(counts.starts_with("0 remote, 2 here (2 compiler)\n"), "{counts}");
    }
}
