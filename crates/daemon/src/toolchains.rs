//! Which of this machine's compilers a job gets: by its name one on the daemon's PATH, by a proof the one that is meant.
//! Knows nothing of connections.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use toolchain::Fingerprint;

use crate::compiler::{Compiler, Compilers, Refusal};
use crate::compiler_name::split;
use crate::identities::{Identities, Known};
use crate::server::Server;

/// All of them.
#[derive(Debug)]
pub(crate) struct Toolchains {
    compilers: Compilers,
    identities: Identities,
}

/// A compiler for a job.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) compiler: Compiler,
    /// What the job's proof was compared with.
    pub(crate) proven: Option<Arc<Known>>,
}

/// A compiler that may be the one.
struct Candidate<'a> {
    compiler: Compiler,
    /// What its target must be then.
    target: Option<&'a str>,
}

/// The names by which a compiler is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// The one that is given.
    Exact,
    /// That, and what it is called where its target is native.
    Plain,
}

impl Toolchains {
    pub(crate) fn new(compilers: Compilers) -> Toolchains {
        Toolchains { compilers, identities: Identities::new() }
    }

    /// Those on the daemon's PATH.
    pub(crate) fn on_path(&self) -> &Compilers {
        &self.compilers
    }

    /// The compiler for a job that calls it `name`; if it has a proof, the one that this fits.
    pub(crate) async fn choose(
        &self,
        server: &Server,
        name: &OsStr,
        proof: Option<&str>,
    ) -> Result<Chosen, Refusal> {
        let Some(proof) = proof else {
            let compiler = Compiler { program: self.compilers.find(name)?, root: None };
            return Ok(Chosen { compiler, proven: None });
        };
        let wanted: Option<Fingerprint> = proof.parse().ok();
        let mut others = BTreeSet::new();
        for candidate in self.candidates(name, Names::Plain) {
            let Ok(known) = self.identities.of(server, &candidate.compiler).await else { continue };
            if !candidate.fits(&known) {
                continue;
            }
            if known.identity.fingerprint.is_some_and(|found| Some(found) == wanted) {
                return Ok(Chosen { compiler: candidate.compiler, proven: Some(known) });
            }
            others.insert(known.to_string());
        }
        let others: Vec<String> = others.into_iter().collect();
        Err(Refusal::Unproven(match &others[..] {
            [] => format!("this server has no {}", name.display()),
            _ => format!("{} is not the client's here, but {}", name.display(), others.join(" or ")),
        }))
    }

    /// Everything that a job could mean by `name`, the one first that it gets without a proof.
    ///
    /// # Errors
    /// Why there is nothing.
    pub(crate) async fn meant_by(
        &self,
        server: &Server,
        name: &OsStr,
        names: Names,
    ) -> Result<Vec<Arc<Known>>, String> {
        let mut found = Vec::new();
        let mut why = None;
        for candidate in self.candidates(name, names) {
            match self.identities.of(server, &candidate.compiler).await {
                Ok(known) if candidate.fits(&known) => found.push(known),
                Ok(_) => {}
                Err(silent) => why = Some(silent),
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
        Err(why.unwrap_or_else(|| match self.compilers.find(name) {
            Err(refusal) => refusal.into_reason(),
            Ok(program) => format!("{} is gone", program.display()),
        }))
    }

    /// The names of all compilers that a client may use.
    pub(crate) fn names(&self) -> BTreeSet<OsString> {
        self.compilers.names()
    }

    /// The targets of all compilers that have been looked at.
    pub(crate) fn targets(&self) -> BTreeSet<String> {
        let targets = self.identities.known().into_iter().map(|known| known.identity.target.clone());
        targets.filter(|target| !target.is_empty()).collect()
    }

    fn candidates<'a>(&self, name: &'a OsStr, names: Names) -> Vec<Candidate<'a>> {
        let mut found: Vec<Candidate> = Vec::new();
        let mut add = |name, target| {
            let Ok(program) = self.compilers.find(name) else { return };
            if !found.iter().any(|other| other.compiler.program == program) {
                found.push(Candidate { compiler: Compiler { program, root: None }, target });
            }
        };
        add(name, None);
        if let Some((target, plain)) = name.to_str().and_then(split).filter(|_| names == Names::Plain) {
            add(OsStr::new(plain), Some(target));
        }
        found
    }
}

impl Candidate<'_> {
    fn fits(&self, known: &Known) -> bool {
        self.target.is_none_or(|target| target == known.identity.target)
    }
}
