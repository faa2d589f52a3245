//! What the compilers of this machine are, found out once and looked at again whenever it counts. Knows nothing of who
//! wants to know.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::unistd::{AccessFlags, access};
use tokio::sync::{Mutex as Turn, Semaphore, mpsc, oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use toolchain::{Evidence, Fingerprint, Identity, Root, Surroundings, identify};

use crate::compiler::Compiler;
use crate::places::Places;
use crate::question;
use crate::refusal;
use crate::server::Server;
use crate::standing_in;

/// Each of them reads some files of several megabytes and starts a dozen processes.
const AT_ONCE: usize = 2;

/// No look takes longer, be it at a compiler on a slow network disk.
const LONGEST: Duration = Duration::from_secs(60);

/// Nobody waits longer for a look, be it that others come first, or that it cannot even be broken off.
const PATIENCE: Duration = Duration::from_secs(2 * LONGEST.as_secs());

/// More compilers than any machine has.
const MOST: usize = 1000;

/// For so long nobody asks a compiler again that has not answered.
const PAUSE: Duration = Duration::from_secs(10);

/// For so long a script is believed to start what it started.
const BELIEVED: Duration = Duration::from_secs(600);

/// All that are known.
#[derive(Debug)]
pub(crate) struct Identities {
    known: Mutex<HashMap<Compiler, Memory>>,
    at_work: Semaphore,
    places: Places,
}

/// What a look at a compiler ends with: what it is, or why it does not say so.
type Found = Result<Arc<Known>, String>;

/// What is known of one compiler.
#[derive(Debug)]
enum Memory {
    /// Whoever wants to know waits for the same look, which goes on when nobody does any more.
    Looking(watch::Receiver<Option<Found>>),
    Known(Arc<Known>),
    Silent(String, Instant),
}

/// A compiler that has been looked at.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) identity: Identity,
    evidence: Evidence,
    since: Instant,
    pub(crate) compiler: Compiler,
    /// Whether it does, and since when that is known.
    makes_32_bits: Turn<Option<(bool, Instant)>>,
}

impl Known {
    /// Whether its files are still those that were looked at, as far as they are known.
    fn still_holds(&self) -> bool {
        let is_certain = self.identity.is_certain();
        (is_certain || self.since.elapsed() < BELIEVED)
            && root(&self.compiler).is_ok_and(|root| self.evidence.still_holds(&root))
    }

    /// Whether it compiles for an x86 of 32 bits when it is told to.
    pub(crate) async fn makes_32_bits(&self, server: &Server) -> bool {
        let trial = async {
            let trial = ["-x", "c", "-c", "/dev/null", "-o", "trial.o"].map(OsString::from);
            let words = standing_in::words_for(&trial);
            let words: Vec<&OsStr> = words.iter().chain(&trial).map(OsString::as_os_str).collect();
            question::ask(server, &self.compiler, &words).await.is_ok_and(|said| said.is_empty())
        };
        let mut known = self.makes_32_bits.lock().await;
        // It may have failed for want of something else than a compiler.
        match *known {
            Some((makes, since)) if makes || since.elapsed() < PAUSE => makes,
            _ => known.insert((trial.await, Instant::now())).0,
        }
    }
}

/// `gcc 12.2.0 for x86_64-linux-gnu`
impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { family, target, version, .. } = &self.identity;
        match family {
            Some(family) => write!(f, "{family} {version} for {target}"),
            None => write!(f, "{}, which does not say what it is", self.compiler.program.display()),
        }
    }
}

impl Identities {
    pub(crate) fn new() -> Identities {
        Identities { known: Mutex::default(), at_work: Semaphore::new(AT_ONCE), places: Places::new() }
    }

    /// The places that compilers may be at.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// What the compiler is now.
    ///
    /// # Errors
    /// Why it does not say so.
    pub(crate) async fn of(self: &Arc<Self>, server: &Arc<Server>, compiler: &Compiler) -> Found {
        match self.remembered(compiler) {
            Some(Ok(known)) => match self.holds(server, &known).await {
                Ok(true) => return Ok(known),
                Ok(false) => {}
                Err(silent) => return Err(silent),
            },
            Some(Err(why)) => return Err(why),
            None => {}
        }
        let mut look = self.look(server, compiler)?;
        let Ok(found) = timeout(PATIENCE, look.wait_for(Option::is_some)).await else {
            if let Some(place) = &compiler.place {
                self.places.fell_silent(&server.log(), place, PATIENCE);
            }
            return Err(format!("{}: it takes too long to look at it", compiler.program.display()));
        };
        found.ok().and_then(|found| found.clone()).unwrap_or_else(|| Err(broken_off(compiler)))
    }

    /// Whether a compiler still is what this fingerprint says, be it in files that have been written anew: each package
    /// that brings libraries writes the loader's list of them.
    ///
    /// # Errors
    /// Why nobody knows.
    pub(crate) async fn is_still(
        self: &Arc<Self>,
        server: &Arc<Server>,
        was: &Arc<Known>,
        whole: Fingerprint,
    ) -> Result<bool, String> {
        if self.holds(server, was).await == Ok(true) {
            return Ok(true);
        }
        self.of(server, &was.compiler).await.map(|now| now.identity.has(whole))
    }

    /// Asks again what did not answer.
    pub(crate) fn doubt(&self) {
        self.all().retain(|_, memory| !matches!(memory, Memory::Silent(..)));
        self.places.doubt();
    }

    /// Whether it has been looked at.
    pub(crate) fn is_known(&self, compiler: &Compiler) -> bool {
        matches!(self.all().get(compiler), Some(Memory::Known(_)))
    }

    /// All that are known just now.
    pub(crate) fn known(&self) -> Vec<Arc<Known>> {
        let all = self.all();
        let known = all.values().filter_map(|memory| match memory {
            Memory::Known(known) => Some(Arc::clone(known)),
            _ => None,
        });
        known.collect()
    }

    /// Whether its files are still those that were looked at.
    ///
    /// # Errors
    /// Nobody can look at them.
    pub(crate) async fn holds(&self, server: &Server, known: &Arc<Known>) -> Result<bool, String> {
        let Some(place) = &known.compiler.place else { return Ok(known.still_holds()) };
        let known = Arc::clone(known);
        let looked = self.places.look(&server.log(), place, move || known.still_holds()).await;
        looked.map_err(|silent| silent.at(place))
    }

    fn remembered(&self, compiler: &Compiler) -> Option<Found> {
        match self.all().get(compiler)? {
            Memory::Known(known) => Some(Ok(Arc::clone(known))),
            Memory::Silent(why, since) if since.elapsed() < PAUSE => Some(Err(why.clone())),
            Memory::Silent(..) | Memory::Looking(_) => None,
        }
    }

    /// The look at a compiler that is under way, else a new one.
    fn look(
        self: &Arc<Self>,
        server: &Arc<Server>,
        compiler: &Compiler,
    ) -> Result<watch::Receiver<Option<Found>>, String> {
        let mut all = self.all();
        if let Some(Memory::Looking(look)) = all.get(compiler)
            && look.has_changed().is_ok()
        {
            return Ok(look.clone());
        }
        make_room(&mut all)?;
        let (tell, told) = watch::channel(None);
        let before = match all.insert(compiler.clone(), Memory::Looking(told.clone())) {
            Some(Memory::Silent(why, _)) => Some(why),
            _ => None,
        };
        let (identities, server, compiler) = (Arc::clone(self), Arc::clone(server), compiler.clone());
        tokio::spawn(async move {
            let found = identities.find_out(&server, &compiler).await;
            let (memory, told) = match found {
                Ok(known) => (Memory::Known(Arc::clone(&known)), Ok(known)),
                Err(error) => {
                    let why = format!("{}: {error}", compiler.program.display());
                    if before.as_ref() != Some(&why) {
                        let in_full = refusal::in_full(&compiler, &error);
                        server.log().warning(format_args!("cannot find out what a compiler is: {in_full}"));
                    }
                    (Memory::Silent(why.clone(), Instant::now()), Err(why))
                }
            };
            identities.all().insert(compiler, memory);
            tell.send_replace(Some(told));
        });
        Ok(told)
    }

    async fn find_out(&self, server: &Server, compiler: &Compiler) -> io::Result<Arc<Known>> {
        // Of those at places each place has its own few, and one that does not answer keeps what it got.
        let _at_work = match compiler.place {
            None => Some(self.at_work.acquire().await.expect("the semaphore is never closed")),
            Some(_) => None,
        };
        let looked = timeout(LONGEST, look(server, compiler, &self.places)).await;
        let found = looked.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        found.map(|(identity, evidence)| {
            let makes_32_bits = Turn::default();
            let since = Instant::now();
            Arc::new(Known { identity, evidence, since, compiler: compiler.clone(), makes_32_bits })
        })
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Compiler, Memory>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn broken_off(compiler: &Compiler) -> String {
    format!("{}: the look at it was broken off", compiler.program.display())
}

/// What is known can be found out again; what is being looked at has somebody who waits for it.
fn make_room(all: &mut HashMap<Compiler, Memory>) -> Result<(), String> {
    if all.len() >= MOST {
        all.retain(|_, memory| matches!(memory, Memory::Looking(_)));
    }
    if all.len() >= MOST {
        return Err("too many compilers are being looked at".to_owned());
    }
    Ok(())
}

/// Files are read in a thread of their own; the questions that come up there are put from here.
async fn look(server: &Server, compiler: &Compiler, places: &Places) -> io::Result<(Identity, Evidence)> {
    type Question = (Vec<OsString>, oneshot::Sender<io::Result<Vec<u8>>>);
    let (asks, mut questions) = mpsc::channel::<Question>(1);
    let around =
        Surroundings { search_path: server.environment.search_path(compiler), ..Surroundings::default() };
    let visit = match &compiler.place {
        Some(place) => Some(places.stay(place).await.map_err(|silent| io::Error::other(silent.at(place)))?),
        None => None,
    };
    let thinking = spawn_blocking({
        let compiler = compiler.clone();
        let hashes = Arc::clone(&server.hashes);
        move || {
            let _visit = visit;
            if compiler.root.is_none() {
                // A compiler that is closed to us is there all the same.
                access(&compiler.program, AccessFlags::X_OK)?;
            }
            identify(&root(&compiler)?, &compiler.program, &around, &hashes, &mut |words| {
                let (answers, answer) = oneshot::channel();
                let words = words.iter().map(OsString::from).collect();
                asks.blocking_send((words, answers)).map_err(io::Error::other)?;
                answer.blocking_recv().map_err(io::Error::other)?
            })
        }
    });
    while let Some((words, answers)) = questions.recv().await {
        let words: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
        let _ = answers.send(question::ask(server, compiler, &words).await);
    }
    thinking.await?
}

fn root(compiler: &Compiler) -> io::Result<Root> {
    Root::open(compiler.root.as_deref().unwrap_or(Path::new("/")))
}
