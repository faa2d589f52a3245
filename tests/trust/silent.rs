//! A compiler here that does not say what it is. Knows nothing of how long it is waited for.

use test_hosts::workdir::names_in;

use crate::toolbox::Toolbox;
use crate::{Site, daemon, daemons};

/// It compiles all the same, and so do hosts.
#[test]
fn a_wrapper_that_talks_without_end() {
    for distccd in daemons() {
        let (here, there) = (Toolbox::empty(), Toolbox::empty());
        here.put_script("#!/bin/sh\ncase $1 in --version) exec yes;; esac\nexec /usr/bin/gcc \"$@\"\n");
        let (site, daemon) = (Site::new(), daemon(distccd, &there));
        let client = site.client(&daemon.host()).env("PATH", here.path());
        let said = site.compile(&client).err();
        assert!(
            said.contains("gcc gives no proper answer ") && said.lines().count() == 1,
            "{distccd}: {said}"
        );
        assert_eq!(site.compile(&client).err(), "", "{distccd}");
        let counts = site.client("").run(&["--summary"]).good().out();
        assert!(counts.starts_with("2 remote, 0 here\n"), "{distccd}: {counts}");
    }
}

/// It cannot even be started, and so it is not asked for every file.
#[test]
fn a_compiler_that_cannot_be_asked() {
    let (here, site) = (Toolbox::empty(), Site::new());
    here.put_script("#!/nowhere/at/all\n");
    site.client("127.0.0.1:1").env("PATH", here.path()).run(&crate::WORDS);
    let known = names_in(&site.work.distcc_dir().join("compilers"));
    assert!(known.iter().any(|name| name.starts_with("ID-")), "{known:?}");
}
