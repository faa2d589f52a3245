//! Who is there, now and from now on, told to a caller that keeps no runtime. Knows nothing of what the caller does with it.

use std::ops::ControlFlow;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::select;
use tokio::sync::mpsc::{Sender, channel};
use tokio::time::{MissedTickBehavior, interval};

use crate::avahi::Bus;
use crate::mdns;
use crate::service::Service;
use crate::sightings::{Event, Sightings};

/// What is known at one moment.
#[derive(Debug)]
pub struct View<'a> {
    /// Each daemon once, in the order of appearance.
    pub services: Vec<&'a Service>,
    /// This is not what was known the last time.
    pub is_new: bool,
    /// Whoever was there at the beginning has had the time to answer.
    pub is_settled: bool,
}

/// Calls `each` with who is there of `kind` (a DNS-SD type or subtype) whenever that changes, and at least every
/// `tick`, until it breaks.
///
/// # Errors
/// One line: neither Avahi nor the network can be used, or Avahi has ended meanwhile.
pub fn follow(
    kind: &str,
    tick: Duration,
    mut each: impl FnMut(&View) -> ControlFlow<()>,
) -> Result<(), String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let (sender, mut events) = channel(64);
        let kind = kind.to_owned();
        let source = tokio::spawn(async move { listen(&kind, &sender).await });
        let mut sightings = Sightings::default();
        let mut is_settled = false;
        let mut ticks = interval(tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_new = select! {
                event = events.recv() => {
                    let Some(event) = event else { break };
                    let is_first = event == Event::Settled && !is_settled;
                    is_settled |= is_first;
                    sightings.add(event) || is_first
                }
                _ = ticks.tick() => false,
            };
            if each(&View { services: sightings.services(), is_new, is_settled }).is_break() {
                return Ok(());
            }
        }
        source.await.map_err(|error| error.to_string())?
    })
}

/// Ends when Avahi does: who comes next may choose anew.
async fn listen(kind: &str, events: &Sender<Event>) -> Result<(), String> {
    if let Ok(bus) = Bus::connect().await
        && bus.has_avahi().await.unwrap_or(false)
    {
        bus.browse(kind, events).await.map_err(|error| format!("avahi: {error}"))?;
        return Err("avahi has ended".to_owned());
    }
    mdns::browse(kind, events).await.map_err(|error| format!("multicast DNS: {error}"))
}
