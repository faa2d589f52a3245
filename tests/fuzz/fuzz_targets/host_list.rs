//! Any bytes as a host list: every host in it is the one that its own words give, and names a lock file safely.
#![no_main]

use hosts::HostList;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let list = HostList::parse(bytes, "fuzz");
    for host in &list.hosts {
        assert_eq!(&HostList::parse(host.spec.as_bytes(), "again").hosts, std::slice::from_ref(host));
        assert!(host.slots > 0 && !host.name().is_empty(), "{host:?}");
        assert!(!host.lock_stem().contains(['/', '\0']) && host.lock_stem().len() < 250, "{host:?}");
    }
    assert_eq!(list.clone().randomized(1).hosts.len(), list.hosts.len());
});
