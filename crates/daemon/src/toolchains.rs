//! Which of this machine's compilers a job gets: by its name one on the daemon's PATH or, as toolchains.toml has them,
//! in a directory or another root; by a proof the one that is meant. Knows nothing of connections.

mod listing;
mod offered;
mod spots;

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use logging::Log;
use toolchain::{Entry, Family, Fingerprint, Processor};

use crate::compiler::{Compiler, Compilers, bare_name};
use crate::compiler_name::{is_32_bit_x86, is_x86, split};
use crate::identities::{Identities, Known};
use crate::places::{Places, all};
use crate::refusal::Refusal;
use crate::server::Server;
use crate::standing_in;

use listing::Listings;
pub(crate) use offered::ToolchainsFile;
use offered::{Offered, located, names_at};
pub(crate) use spots::Names;
use spots::{Spot, spots};

/// All of them.
#[derive(Debug)]
pub(crate) struct Toolchains {
    compilers: Compilers,
    offered: Offered,
    identities: Arc<Identities>,
    listings: Listings,
}

/// A compiler for a job.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) compiler: Compiler,
    /// What the job's proof was compared with.
    pub(crate) proven: Option<Proven>,
}

/// What a compiler was when a job began, and the fingerprint by which the job has it.
#[derive(Debug)]
pub(crate) struct Proven {
    known: Arc<Known>,
    whole: Fingerprint,
    /// What the job's own words for the client's processor mean to it.
    pub(crate) processor: Option<Processor>,
}

impl Chosen {
    /// The same with what `words`, if there are any, tell of the client's processor.
    ///
    /// # Errors
    /// They make no sense, or the compiler cannot be told.
    pub(crate) fn told(mut self, words: Vec<String>) -> Result<Chosen, Refusal> {
        if words.is_empty() {
            return Ok(self);
        }
        let takes_specs = |proven: &&mut Proven| {
            let identity = &proven.known.identity;
            identity.family == Some(Family::Gcc) && is_x86(&identity.target)
        };
        let gcc = self.proven.as_mut().filter(takes_specs).filter(|_| !self.compiler.stands_in);
        let Some(gcc) = gcc else {
            let program = self.compiler.program.display();
            return Err(Refusal::Unproven(format!("{program} cannot be told of processors")));
        };
        gcc.processor = Some(Processor::new(words).map_err(Refusal::Unproven)?);
        Ok(self)
    }
}

/// What a job could mean by a name.
#[derive(Debug)]
pub(crate) struct Meant {
    pub(crate) known: Arc<Known>,
    /// The target that it only stands in for.
    pub(crate) stands_in: Option<String>,
}

impl Toolchains {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it, in one line that names it.
    pub(crate) fn new(compilers: Compilers, file: ToolchainsFile) -> Result<Toolchains, String> {
        let (offered, identities) = (Offered::new(file)?, Arc::new(Identities::new()));
        Ok(Toolchains { compilers, offered, identities, listings: Listings::default() })
    }

    /// Reads the file again; if it is wrong, what was read before stays.
    ///
    /// # Errors
    /// As above.
    pub(crate) async fn reload(&self) -> Result<(), String> {
        self.identities.doubt();
        self.offered.reload().await
    }

    /// What the file names and this machine does not have, a line each.
    pub(crate) async fn problems(&self, log: &Log) -> Vec<String> {
        self.offered.problems(log, self.places()).await
    }

    /// Whether anything here can permit a compiler.
    pub(crate) fn can_permit(&self) -> bool {
        self.compilers.can_permit() || !self.offered.config().toolchains.is_empty()
    }

    /// Whether what a job was proven by is still there.
    ///
    /// # Errors
    /// Why nobody knows.
    pub(crate) async fn is_still(&self, server: &Arc<Server>, was: &Proven) -> Result<bool, String> {
        self.identities.is_still(server, &was.known, was.whole).await
    }

    /// Those on the daemon's PATH.
    pub(crate) fn on_path(&self) -> &Compilers {
        &self.compilers
    }

    /// The compiler for a job that calls it `name`; if it has a proof, the one that this fits.
    pub(crate) async fn choose(
        &self,
        server: &Arc<Server>,
        name: &OsStr,
        proof: Option<&str>,
    ) -> Result<Chosen, Refusal> {
        let Some(proof) = proof else { return self.by_name(server, name).await };
        let wanted: Option<Fingerprint> = proof.parse().ok();
        let mut spots = spots(name, Names::Plain, &self.offered.entries());
        // A proof fits wherever it fits, and other places may be slow.
        spots.sort_by_key(|spot| spot.place.is_some());
        let (mut others, mut silent) = (BTreeSet::new(), None);
        for spot in spots {
            let (compiler, known) = match self.fitting(server, &spot).await {
                Ok(Some(fitting)) => fitting,
                Ok(None) => continue,
                Err(why) => {
                    silent.get_or_insert(why);
                    continue;
                }
            };
            if let Some(whole) = wanted.filter(|wanted| known.identity.has(*wanted)) {
                return Ok(Chosen { compiler, proven: Some(Proven { known, whole, processor: None }) });
            }
            others.insert(known.to_string());
        }
        if let Some((compiler, known, _)) = self.stand_in(server, name).await {
            let mut wholes = known.identity.languages.values().flatten().map(|prints| prints.whole);
            if let Some(whole) = wholes.find(|whole| Some(standing_in::fingerprint(*whole)) == wanted) {
                return Ok(Chosen { compiler, proven: Some(Proven { known, whole, processor: None }) });
            }
        }
        Err(self.unproven(server, name, others, silent).await)
    }

    /// What is said where no proof fits: which `others` there are, and what cannot be asked.
    async fn unproven(
        &self,
        server: &Arc<Server>,
        name: &OsStr,
        others: BTreeSet<String>,
        silent: Option<String>,
    ) -> Refusal {
        if let Err(Refusal::NotPermitted(why)) = self.compilers.find(name) {
            server.log().warning(format_args!("{why}"));
        }
        let (name, others) = (name.display(), Vec::from_iter(others));
        Refusal::Unproven(match (&others[..], silent) {
            ([], Some(why)) => format!("{name} cannot be asked what it is here: {why}"),
            ([], None) => format!("{name}: no such program here; {}", self.what_there_is(server).await),
            (_, None) => format!("{name} is not the client's here, but {}", others.join(" or ")),
            (_, Some(why)) => format!("{name} is not the client's here, but {}; {why}", others.join(" or ")),
        })
    }

    /// A name without a target means a native compiler, and such are on the PATH; a name with one may mean a compiler that
    /// is native for it.
    async fn by_name(&self, server: &Arc<Server>, name: &OsStr) -> Result<Chosen, Refusal> {
        let refusal = match self.compilers.find(name) {
            Ok(program) => return Ok(Chosen { compiler: Compiler::here(program), proven: None }),
            Err(refusal) => refusal,
        };
        let found = self.named_for_a_target(server, name).await;
        if let Ok(Some(compiler)) = found {
            return Ok(Chosen { compiler, proven: None });
        }
        if let Some((compiler, ..)) = self.stand_in(server, name).await {
            return Ok(Chosen { compiler, proven: None });
        }
        Err(match (refusal, found) {
            (Refusal::Missing(why), Err(silent)) => Refusal::Missing(format!("{why}; {silent}")),
            (Refusal::Missing(why), Ok(_)) => {
                Refusal::Missing(format!("{why}; {}", self.what_there_is(server).await))
            }
            // What toolchains.toml offers is permitted.
            (Refusal::NotPermitted(_), Err(silent)) => {
                Refusal::Missing(format!("{}: {silent}", name.display()))
            }
            (other, _) => other,
        })
    }

    /// The first compiler that is meant by a name with a target.
    ///
    /// # Errors
    /// There is none, and one that cannot be asked may be it.
    async fn named_for_a_target(
        &self,
        server: &Arc<Server>,
        name: &OsStr,
    ) -> Result<Option<Compiler>, String> {
        let mut found = Ok(None);
        if bare_name(name).to_str().and_then(split).is_none() {
            return found;
        }
        for spot in spots(name, Names::Plain, &self.offered.entries()) {
            let here = match spot.target {
                None => self.at(server, &spot).await,
                Some(_) => {
                    let fitting = self.fitting(server, &spot).await;
                    fitting.map(|fitting| fitting.map(|(compiler, _)| compiler))
                }
            };
            match here {
                Ok(None) => {}
                Ok(compiler) => return Ok(compiler),
                Err(why) => found = found.and(Err(why)),
            }
        }
        found
    }

    /// Everything that a job could mean by `name`, the one first that it gets without a proof; if that one cannot be asked,
    /// only what a proof names.
    ///
    /// # Errors
    /// Why there is nothing, or, for a client that may leave out the proof, nothing before what cannot be asked.
    pub(crate) async fn meant_by(
        &self,
        server: &Arc<Server>,
        name: &OsStr,
        names: Names,
    ) -> Result<Vec<Meant>, String> {
        let (mut found, mut silent) = (Vec::new(), None);
        let spots = spots(name, names, &self.offered.entries());
        for fitting in all(spots.iter().map(|spot| self.fitting(server, spot))).await {
            match fitting {
                Ok(Some((_, known))) if is_told(&known, found.is_empty(), silent.is_some()) => {
                    found.push(Meant { known, stands_in: None });
                }
                Ok(_) => {}
                Err(why) if found.is_empty() && server.serves_one => return Err(why),
                Err(why) => silent = Some(why),
            }
        }
        if found.is_empty()
            && let Some((_, known, target)) = self.stand_in(server, name).await
            && is_told(&known, true, silent.is_some())
        {
            found.push(Meant { known, stands_in: Some(target) });
        }
        if !found.is_empty() {
            return Ok(found);
        }
        Err(silent.unwrap_or_else(|| match self.compilers.find(name) {
            Err(refusal) => refusal.told(name),
            Ok(program) => format!("{} is not for that target", program.display()),
        }))
    }

    /// The names of all compilers that a client may use.
    pub(crate) async fn names(&self, server: &Server) -> BTreeSet<OsString> {
        let mut names = self.compilers.names();
        let log = server.log();
        let entries = self.offered.entries().into_iter();
        let paths: Vec<_> = entries.map(|Entry { place, .. }| (place.path().to_owned(), place)).collect();
        let looks = paths.iter().map(|(path, place)| {
            let place = place.clone();
            self.places().look(&log, path, move || names_at(&place))
        });
        names.extend(all(looks).await.into_iter().flat_map(Result::unwrap_or_default));
        names
    }

    /// The targets of all compilers that have been looked at and are still here.
    pub(crate) async fn targets(&self, server: &Server) -> BTreeSet<String> {
        let places: Vec<PathBuf> =
            self.offered.entries().iter().map(|entry| entry.place.path().to_owned()).collect();
        let is_offered =
            |known: &Arc<Known>| known.compiler.place.as_ref().is_none_or(|place| places.contains(place));
        let known: Vec<_> = self.identities.known().into_iter().filter(is_offered).collect();
        let hold = all(known.iter().map(|known| self.identities.holds(server, known))).await;
        let here = known.iter().zip(hold).filter(|(_, holds)| *holds == Ok(true));
        let targets = here.map(|(known, _)| known.identity.target.clone());
        targets.filter(|target| !target.is_empty()).collect()
    }

    /// Returns when the place that a compiler is at has answered, if it is at one.
    ///
    /// # Errors
    /// It does not.
    pub(crate) async fn answers(&self, server: &Server, compiler: &Compiler) -> Result<(), String> {
        let Some(place) = &compiler.place else { return Ok(()) };
        let there = compiler.root.as_deref().unwrap_or(&compiler.program).to_owned();
        let log = server.log();
        let answered = self.places().look(&log, place, move || drop(File::open(there))).await;
        answered.map_err(|silent| silent.at(place))
    }

    fn places(&self) -> &Places {
        self.identities.places()
    }

    /// The compiler there and what it is, if that is what is looked for.
    async fn fitting(
        &self,
        server: &Arc<Server>,
        spot: &Spot,
    ) -> Result<Option<(Compiler, Arc<Known>)>, String> {
        let Some(compiler) = self.at(server, spot).await? else { return Ok(None) };
        let known = self.identities.of(server, &compiler).await?;
        let fits = spot.target.as_ref().is_none_or(|target| *target == known.identity.target);
        Ok(fits.then_some((compiler, known)))
    }

    /// The compiler there, if a client may use it.
    async fn at(&self, server: &Server, spot: &Spot) -> Result<Option<Compiler>, String> {
        let Spot { place, name, .. } = spot.clone();
        let Some(place) = place else { return Ok(self.compilers.find(&name).ok().map(Compiler::here)) };
        let path = place.path().to_owned();
        let found = self.places().look(&server.log(), &path, move || located(&place, &name)).await;
        found.map_err(|silent| silent.at(&path))
    }

    /// The native compiler that makes code for 32 bits where one for that target is missing, if that is allowed; and
    /// the target.
    async fn stand_in(&self, server: &Arc<Server>, name: &OsStr) -> Option<(Compiler, Arc<Known>, String)> {
        let (target, plain) = bare_name(name).to_str().and_then(split)?;
        if !self.offered.config().multilib || !is_32_bit_x86(target) {
            return None;
        }
        let native = Compiler::here(self.compilers.find(OsStr::new(plain)).ok()?);
        let known = self.identities.of(server, &native).await.ok()?;
        let compiler = Compiler { stands_in: true, ..native };
        known.makes_32_bits(server).await.then(|| (compiler, known, target.to_owned()))
    }
}

/// Whether a job can be sure to get it: without a proof it gets the first, be that one that is silent just now.
fn is_told(known: &Known, is_first: bool, after_silent: bool) -> bool {
    let is_provable = || known.identity.languages.values().any(Option::is_some);
    if after_silent { known.identity.is_certain() } else { is_first || is_provable() }
}
