//! Keeps a daemon announced: through Avahi as long as it runs, else by ourselves. Knows no daemon.

use std::convert::Infallible;
use std::time::Duration;

use tokio::select;
use tokio::time::{sleep, timeout};

use crate::avahi::Bus;
use crate::mdns::Responder;
use crate::service::Announcement;

/// Avahi is given so long to come back before we speak for ourselves.
const RESTART: Duration = Duration::from_secs(3);
/// When something failed, and when there is no bus on which Avahi could appear.
const PAUSE: Duration = Duration::from_secs(60);

/// What became of an announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// It is made.
    Announced {
        /// The name it has got.
        instance: String,
        /// Who answers questions about it.
        through: &'static str,
    },
    /// It could not be made; that is tried again later.
    Failed(String),
}

/// Announces until `end`, and withdraws. `tell` hears whenever something has become of it.
pub async fn announce(announcement: &Announcement, end: impl Future<Output = ()>, tell: impl Fn(Progress)) {
    select! {
        () = end => {}
        never = keep_announced(announcement, &tell) => match never {},
    }
}

/// Dropping the future withdraws.
async fn keep_announced(announcement: &Announcement, tell: &impl Fn(Progress)) -> Infallible {
    loop {
        match Bus::connect().await.ok() {
            Some(mut bus) if bus.has_avahi().await.unwrap_or(false) => {
                let announced = |instance: &str| {
                    tell(Progress::Announced { instance: instance.to_owned(), through: "Avahi" });
                };
                match bus.announce(announcement, &announced).await {
                    Ok(()) => {
                        let _ = timeout(RESTART, bus.avahi_comes()).await;
                    }
                    Err(error) => {
                        tell(Progress::Failed(format!("avahi: {error}")));
                        drop(bus);
                        sleep(PAUSE).await;
                    }
                }
            }
            bus => announce_alone(announcement, bus, tell).await,
        }
    }
}

/// Until Avahi appears, which would answer the same questions.
async fn announce_alone(announcement: &Announcement, bus: Option<Bus>, tell: &impl Fn(Progress)) {
    let responder = Responder::announce(announcement);
    tell(match &responder {
        Ok(_) => {
            Progress::Announced { instance: announcement.instance(), through: "multicast DNS of our own" }
        }
        Err(error) => Progress::Failed(format!("multicast DNS: {error}")),
    });
    if let Some(mut bus) = bus
        && bus.avahi_comes().await.is_ok()
    {
        return;
    }
    loop {
        sleep(PAUSE).await;
        if let Ok(bus) = Bus::connect().await
            && bus.has_avahi().await.unwrap_or(false)
        {
            return;
        }
    }
}
