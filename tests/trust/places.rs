//! Where a sample is compiled here. Knows nothing of what comes of it.

use std::fs;

use crate::{DISTCCD, Site, daemon, toolbox::Toolbox};

/// A TMPDIR that is missing, is no directory, or may not be written.
#[test]
fn a_tmpdir_that_is_of_no_use() {
    let daemon = daemon(DISTCCD, &Toolbox::empty());
    let here = Toolbox::empty();
    here.put_script("#!/bin/sh\nexec /usr/bin/gcc \"$@\"\n");
    for place in ["/nowhere/at/all", "/dev/null", "/proc/self"] {
        let site = Site::new();
        let client = site.client(&daemon.host()).env("PATH", here.path()).env("TMPDIR", place);
        let client = client.env("DISTCC_FALLBACK", "0");
        assert_eq!(site.compile(&client).err(), "", "{place}");
        let left = fs::read_dir(site.work.distcc_dir()).expect("a directory of ours").flatten();
        let canary = |name: &str| name.starts_with("distcc_canary");
        assert!(left.into_iter().all(|entry| !canary(&entry.file_name().to_string_lossy())), "{place}");
    }
}
