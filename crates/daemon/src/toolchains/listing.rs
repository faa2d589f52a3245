//! What there is, for a client whose compiler is not: found out aside, and told as far as it is known by then. Knows
//! nothing of jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use toolchain::{Entry, Place};

use super::Toolchains;
use super::offered::{located, names_at};
use crate::compiler::Compiler;
use crate::compiler_name::split;
use crate::server::Server;

/// Nobody waits longer for it; whoever comes next may be told of more.
const PROMPT: Duration = Duration::from_millis(200);

/// So many names are told at most of compilers that nobody has looked at yet.
const NAMES: usize = 8;

/// The list that is being made, if one is.
#[derive(Debug, Default)]
pub(super) struct Listings(Mutex<Option<watch::Receiver<Listing>>>);

/// The compilers that are here just now.
#[derive(Debug, Default)]
struct Listing {
    /// Target, then family and version.
    known: BTreeMap<String, BTreeSet<String>>,
    not_yet: Vec<OsString>,
    is_whole: bool,
}

/// Where a compiler is behind all links, and its root.
type Home = (Option<PathBuf>, PathBuf);

impl Toolchains {
    /// What a client can have: `it has gcc 12.2.0 and clang 14.0.6 for x86_64-linux-gnu`.
    pub(super) async fn what_there_is(&self, server: &Arc<Server>) -> String {
        let mut listing = self.listing(server);
        let _ = timeout(PROMPT, listing.wait_for(|listing| listing.is_whole)).await;
        listing.borrow().to_string()
    }

    /// The list that is being made, else a new one: what is there may have changed since the last.
    fn listing(&self, server: &Arc<Server>) -> watch::Receiver<Listing> {
        let mut at_work = self.listings.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listing) = at_work.as_ref().filter(|listing| listing.has_changed().is_ok()) {
            return listing.clone();
        }
        let (tell, listing) = watch::channel(Listing::default());
        let server = Arc::clone(server);
        tokio::spawn(async move { list(&server, &tell).await });
        *at_work = Some(listing.clone());
        listing
    }

    /// All compilers of C that are here, each once.
    async fn all(&self, server: &Server, tell: &watch::Sender<Listing>) -> Vec<(OsString, Compiler)> {
        let mut homes = BTreeSet::new();
        let mut found: Vec<(OsString, Compiler)> = Vec::new();
        let mut add = |more: Vec<(OsString, Compiler, Home)>| {
            found.extend(
                more.into_iter()
                    .filter_map(|(name, compiler, home)| homes.insert(home).then_some((name, compiler))),
            );
            let names = found.iter().map(|(name, _)| name.clone()).collect();
            tell.send_modify(|listing| listing.not_yet = names);
        };
        let native = self.compilers.names().into_iter().filter(is_of_c);
        let native = native.filter_map(|name| {
            let compiler = Compiler::here(self.compilers.find(&name).ok()?);
            Some(at_home(name, compiler))
        });
        add(native.collect());
        for Entry { place, .. } in self.offered.entries() {
            let path = place.path().to_owned();
            add(self.places().look(&server.log(), &path, move || at(&place)).await.unwrap_or_default());
        }
        found
    }
}

async fn list(server: &Arc<Server>, tell: &watch::Sender<Listing>) {
    let toolchains = &server.toolchains;
    let mut all = toolchains.all(server, tell).await;
    let is_for_another = |name: &OsString| name.to_str().is_some_and(|name| split(name).is_some());
    all.sort_by_key(|(name, compiler)| (!toolchains.identities.is_known(compiler), is_for_another(name)));
    for (name, compiler) in all {
        let known = toolchains.identities.of(server, &compiler).await.map(|known| known.to_string());
        tell.send_modify(|listing| {
            listing.not_yet.retain(|other| *other != name);
            if let Ok(Some((compiler, target))) = known.as_deref().map(|known| known.split_once(" for ")) {
                listing.known.entry(target.to_owned()).or_default().insert(compiler.to_owned());
            }
        });
    }
    tell.send_modify(|listing| listing.is_whole = true);
}

fn is_of_c(name: &OsString) -> bool {
    let name = name.to_str().unwrap_or_default();
    let plain = split(name).map_or(name, |(_, plain)| plain);
    plain.starts_with("gcc") || (plain.starts_with("clang") && !plain.starts_with("clang++"))
}

fn at(place: &Place) -> Vec<(OsString, Compiler, Home)> {
    let names = names_at(place).into_iter().filter(is_of_c);
    names.filter_map(|name| located(place, &name).map(|compiler| at_home(name, compiler))).collect()
}

fn at_home(name: OsString, compiler: Compiler) -> (OsString, Compiler, Home) {
    let home = (compiler.root.clone(), compiler.behind_links());
    (name, compiler, home)
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.iter().map(|(target, compilers)| {
            let compilers: Vec<&str> = compilers.iter().map(String::as_str).collect();
            format!("{} for {target}", compilers.join(" and "))
        });
        let known: Vec<String> = known.collect();
        let names = self.not_yet.iter().take(NAMES).map(|name| name.display().to_string());
        let names: Vec<String> =
            names.chain((self.not_yet.len() > NAMES).then(|| "others".to_owned())).collect();
        match (known.is_empty(), names.is_empty()) {
            (true, true) if self.is_whole => f.write_str("it has no compiler"),
            (true, true) => f.write_str("what it has is being looked at"),
            (false, true) => write!(f, "it has {}", known.join(", ")),
            (true, false) => write!(f, "it has {}", names.join(", ")),
            (false, false) => write!(f, "it has {}, and {}", known.join(", "), names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        let check = |known: &[(&str, &[&str])], not_yet: &[&str], is_whole, expected: &str| {
            let known = known.iter().map(|(target, compilers)| {
                ((*target).to_owned(), compilers.iter().map(|one| (*one).to_owned()).collect())
            });
            let not_yet = not_yet.iter().map(OsString::from).collect();
            let listing = Listing { known: known.collect(), not_yet, is_whole };
            assert_eq!(listing.to_string(), expected);
        };
        check(&[], &[], true, "it has no compiler");
        check(&[], &[], false, "what it has is being looked at");
        check(&[], &["gcc", "clang"], false, "it has gcc, clang");
        check(
            &[("arm", &["gcc 9"]), ("x86", &["clang 14", "gcc 12"])],
            &[],
            true,
            "it has gcc 9 for arm, clang 14 and gcc 12 for x86",
        );
        check(&[("x86", &["gcc 12"])], &["clang"], false, "it has gcc 12 for x86, and clang");
        let many = ["gcc-1", "gcc-2", "gcc-3", "gcc-4", "gcc-5", "gcc-6", "gcc-7", "gcc-8", "gcc-9"];
        let expected = format!("it has {}, others", many[..8].join(", "));
        check(&[], &many, false, &expected);
    }
}
