//! What the compilers of this machine are, found out once and looked at again whenever it counts. Knows nothing of who
//! wants to know.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as Turn, OnceCell, Semaphore, mpsc, oneshot};
use tokio::task::spawn_blocking;
use toolchain::{Evidence, Fingerprint, Identity, Root, Surroundings, identify};

use crate::compiler::Compiler;
use crate::question;
use crate::server::Server;

/// Each of them reads some files of several megabytes and starts a dozen processes.
const AT_ONCE: usize = 2;

/// More compilers than any machine has.
const MOST: usize = 1000;

/// For so long nobody asks a compiler again that has not answered.
const PAUSE: Duration = Duration::from_secs(10);

/// All that are known.
#[derive(Debug)]
pub(crate) struct Identities {
    known: Mutex<HashMap<Compiler, Arc<Turn<Memory>>>>,
    at_work: Semaphore,
}

/// What is known of one compiler.
#[derive(Debug, Default)]
enum Memory {
    #[default]
    Nothing,
    Known(Arc<Known>),
    Silent(String, Instant),
}

/// A compiler that has been looked at.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) identity: Identity,
    evidence: Evidence,
    compiler: Compiler,
    makes_32_bits: OnceCell<bool>,
}

impl Known {
    /// Whether its files are still those that were looked at.
    pub(crate) fn still_holds(&self) -> bool {
        root(&self.compiler).is_ok_and(|root| self.evidence.still_holds(&root))
    }

    /// Whether it compiles for an x86 of 32 bits when it is told to.
    pub(crate) async fn makes_32_bits(&self, server: &Server) -> bool {
        let trial = async {
            let words = Compiler::FOR_32_BITS.iter().chain(&["-x", "c", "-c", "/dev/null", "-o", "trial.o"]);
            let words: Vec<&OsStr> = words.map(OsStr::new).collect();
            let Compiler { program, root, .. } = &self.compiler;
            question::ask(server, program, root.as_deref(), &words).await.is_ok_and(|said| said.is_empty())
        };
        *self.makes_32_bits.get_or_init(|| trial).await
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
        Identities { known: Mutex::default(), at_work: Semaphore::new(AT_ONCE) }
    }

    /// What the compiler is now.
    ///
    /// # Errors
    /// Why it does not say so.
    pub(crate) async fn of(&self, server: &Server, compiler: &Compiler) -> Result<Arc<Known>, String> {
        let memory = self.memory(compiler);
        let mut memory = memory.lock().await;
        match &*memory {
            Memory::Known(known) if known.still_holds() => return Ok(Arc::clone(known)),
            Memory::Silent(why, since) if since.elapsed() < PAUSE => return Err(why.clone()),
            _ => {}
        }
        let _at_work = self.at_work.acquire().await.expect("the semaphore is never closed");
        let found = look(server, compiler).await;
        let (result, remembered) = match found {
            Ok((identity, evidence)) => {
                let makes_32_bits = OnceCell::new();
                let compiler = compiler.clone();
                let known = Arc::new(Known { identity, evidence, compiler, makes_32_bits });
                (Ok(Arc::clone(&known)), Memory::Known(known))
            }
            Err(error) => {
                let why = format!("{}: {error}", compiler.program.display());
                (Err(why.clone()), Memory::Silent(why, Instant::now()))
            }
        };
        *memory = remembered;
        result
    }

    /// Whether a compiler still is what this fingerprint says, be it in files that have been written anew: each package
    /// that brings libraries writes the loader's list of them.
    pub(crate) async fn is_still(&self, server: &Server, was: &Known, whole: Fingerprint) -> bool {
        if was.still_holds() {
            return true;
        }
        self.of(server, &was.compiler).await.is_ok_and(|now| now.identity.has(whole))
    }

    /// All that are known just now.
    pub(crate) fn known(&self) -> Vec<Arc<Known>> {
        let all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.values().filter_map(|memory| match &*memory.try_lock().ok()? {
            Memory::Known(known) => Some(Arc::clone(known)),
            _ => None,
        });
        known.collect()
    }

    fn memory(&self, compiler: &Compiler) -> Arc<Turn<Memory>> {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST && !all.contains_key(compiler) {
            all.clear();
        }
        Arc::clone(all.entry(compiler.clone()).or_default())
    }
}

/// Files are read in a thread of their own; the questions that come up there are put from here.
async fn look(server: &Server, compiler: &Compiler) -> io::Result<(Identity, Evidence)> {
    type Question = (Vec<OsString>, oneshot::Sender<io::Result<Vec<u8>>>);
    let (asks, mut questions) = mpsc::channel::<Question>(1);
    let around =
        Surroundings { search_path: server.environment.search_path(compiler), ..Surroundings::default() };
    let Compiler { program, root: inside, .. } = compiler;
    let thinking = spawn_blocking({
        let compiler = compiler.clone();
        let hashes = Arc::clone(&server.hashes);
        move || {
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
        let _ = answers.send(question::ask(server, program, inside.as_deref(), &words).await);
    }
    thinking.await?
}

fn root(compiler: &Compiler) -> io::Result<Root> {
    Root::open(compiler.root.as_deref().unwrap_or(Path::new("/")))
}
