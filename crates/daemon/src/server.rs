//! What all jobs of one daemon share. Knows nothing of a single job.

use std::sync::Arc;
use std::time::Duration;

use logging::Log;
use protocol::Limits;
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::spawn_blocking;
use toolchain::Hashes;

use crate::access::AccessList;
use crate::budget::Budget;
use crate::execution::Environment;
use crate::journal::Journal;
use crate::settings::{Mode, Settings};
use crate::sources::Sources;
use crate::stats::Stats;
use crate::strays::Strays;
use crate::toolchains::Toolchains;
use crate::workspace::Workspaces;

/// Passed to every job.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) journal: Arc<Journal>,
    pub(crate) access: AccessList,
    pub(crate) toolchains: Toolchains,
    pub(crate) environment: Environment,
    pub(crate) workspaces: Workspaces,
    pub(crate) sources: Sources,
    pub(crate) strays: Strays,
    pub(crate) limits: Limits,
    /// Memory for requests whose compilers have not started, and for answers that have not been taken.
    pub(crate) budget: Budget,
    /// A job has one of these while its compiler runs.
    pub(crate) slots: Semaphore,
    /// How many of them there are.
    pub(crate) jobs: usize,
    /// There is one client only; if that comes by ssh it has no proof where the first compiler is its own.
    pub(crate) serves_one: bool,
    pub(crate) stats: Stats,
    /// Of the files of all compilers.
    pub(crate) hashes: Arc<Hashes>,
    pub(crate) io_timeout: Duration,
    pub(crate) job_lifetime: Option<Duration>,
    reloads: Arc<Semaphore>,
    reloading: Mutex<()>,
    stage: watch::Sender<Stage>,
}

/// How near the daemon's end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    Draining,
    Closing,
}

impl Server {
    pub(crate) fn new(
        settings: &Settings,
        journal: Journal,
        toolchains: Toolchains,
        workspaces: Workspaces,
    ) -> Server {
        Server {
            journal: Arc::new(journal),
            access: settings.access.clone(),
            toolchains,
            environment: Environment::new(settings),
            workspaces,
            sources: Sources::new(settings.pump, settings.jobs),
            strays: Strays::adopt(),
            limits: settings.limits.clone(),
            budget: Budget::of(settings.bodies_mib),
            slots: Semaphore::new(settings.jobs.min(Semaphore::MAX_PERMITS)),
            jobs: settings.jobs,
            serves_one: settings.mode == Mode::Inetd,
            stats: Stats::new(settings.stats.is_some(), settings.jobs),
            hashes: Arc::default(),
            io_timeout: settings.io_timeout,
            job_lifetime: settings.job_lifetime,
            reloads: Arc::new(Semaphore::new(2)),
            reloading: Mutex::default(),
            stage: watch::Sender::new(Stage::Serving),
        }
    }

    /// The log as it is now.
    pub(crate) fn log(&self) -> Arc<Log> {
        self.journal.log()
    }

    /// Opens the log anew, and reads anew what may change while the daemon serves. Nobody waits for it: a disk that does
    /// not answer takes as long as it likes.
    pub(crate) fn reload(self: &Arc<Self>) {
        // One at work and one that waits will have read whatever there is now.
        let Ok(place) = Arc::clone(&self.reloads).try_acquire_owned() else { return };
        let server = Arc::clone(self);
        tokio::spawn(async move {
            let _turn = server.reloading.lock().await;
            let journal = Arc::clone(&server.journal);
            let _ = spawn_blocking(move || journal.reopen()).await;
            server.sources.doubt();
            match server.toolchains.reload().await {
                Ok(()) => server.report_toolchains().await,
                Err(wrong) => {
                    server.log().error(format_args!("{wrong}; what was read before stays in force"));
                }
            }
            drop(place);
        });
    }

    /// What is odd about the toolchains that the administrator names is worth a line each.
    pub(crate) async fn report_toolchains(&self) {
        for problem in self.toolchains.problems(&self.log()).await {
            self.log().warning(format_args!("{problem}"));
        }
    }

    /// Tells all jobs to end whose compilers do not run yet.
    pub(crate) fn drain(&self) {
        self.stage.send_replace(Stage::Draining);
    }

    /// Tells all jobs to end.
    pub(crate) fn close(&self) {
        self.stage.send_replace(Stage::Closing);
    }

    /// Returns when jobs without a compiler are to end.
    pub(crate) async fn draining(&self) {
        self.reach(Stage::Draining).await;
    }

    /// Returns when jobs are to end.
    pub(crate) async fn closing(&self) {
        self.reach(Stage::Closing).await;
    }

    async fn reach(&self, wanted: Stage) {
        // The sender lives as long as we do.
        let _ = self.stage.subscribe().wait_for(|stage| *stage >= wanted).await;
    }
}
