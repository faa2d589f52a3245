//! Multicast DNS spoken by this process itself, for machines without Avahi. Knows nothing of Avahi.

use std::time::Duration;

use mdns_sd::{IfKind, Receiver, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent, ServiceInfo};
use tokio::select;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep_until};

use crate::address::Address;
use crate::service::{Announcement, Reach, SERVICE_TYPE, Service, Traits};
use crate::sightings::{Event, Via};

const DOMAIN: &str = "local.";
/// Whoever is there and heard the first question has answered.
const SETTLING: Duration = Duration::from_secs(1);
/// The longest that a farewell to the network may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// What is announced; dropping it tells the network that the daemon has gone.
pub(crate) struct Responder {
    daemon: ServiceDaemon,
    full_name: String,
}

impl Responder {
    /// Announces from a thread of its own, under another name should this one be taken.
    pub(crate) fn announce(announcement: &Announcement) -> mdns_sd::Result<Responder> {
        let kind = announcement.subtype().unwrap_or_else(|| SERVICE_TYPE.to_owned());
        let txt = announcement.txt();
        let txt: Vec<(&str, &str)> = txt.iter().filter_map(|string| string.split_once('=')).collect();
        let label = announcement.machine.split('.').next().unwrap_or_default();
        let mut info = ServiceInfo::new(
            &format!("{kind}.{DOMAIN}"),
            &announcement.instance(),
            &format!("{label}.{DOMAIN}"),
            "",
            announcement.port,
            &txt[..],
        )?
        .enable_addr_auto();
        if let Reach::Interface { index, ipv6, .. } = &announcement.reach {
            let only = if *ipv6 { IfKind::IndexV6(*index) } else { IfKind::IndexV4(*index) };
            info.set_interfaces(vec![only]);
        }
        let full_name = info.get_fullname().to_owned();
        let daemon = start()?;
        daemon.register(info)?;
        Ok(Responder { daemon, full_name })
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if let Ok(done) = self.daemon.unregister(&self.full_name) {
            let _ = done.recv_timeout(FAREWELL);
        }
        if let Ok(done) = self.daemon.shutdown() {
            let _ = done.recv_timeout(FAREWELL);
        }
    }
}

/// Sends who is there to `events` until the receiver ends. `kind` is a type or a subtype.
pub(crate) async fn browse(kind: &str, events: &Sender<Event>) -> mdns_sd::Result<()> {
    let daemon = start()?;
    // mdns-sd 0.21 does not hear its own answers to a question for a subtype, but each daemon says what its own is.
    let found = daemon.browse(&format!("{SERVICE_TYPE}.{DOMAIN}"))?;
    pass_on(&found, kind, events).await;
    daemon.shutdown().map(drop)
}

async fn pass_on(found: &Receiver<ServiceEvent>, kind: &str, events: &Sender<Event>) {
    let settling = sleep_until(Instant::now() + SETTLING);
    tokio::pin!(settling);
    let mut is_settled = false;
    loop {
        let event = select! {
            event = found.recv_async() => match event {
                Ok(ServiceEvent::ServiceResolved(service)) => {
                    let seen = understand(&service).filter(|service| is_of(kind, service));
                    seen.map(|service| Event::Seen(Via::default(), Box::new(service)))
                }
                Ok(ServiceEvent::ServiceRemoved(_, full_name)) => {
                    Some(Event::Gone(Via::default(), instance(&full_name)))
                }
                Ok(_) => None,
                Err(_) => return,
            },
            () = &mut settling, if !is_settled => {
                is_settled = true;
                Some(Event::Settled)
            }
            () = events.closed() => return,
        };
        if let Some(event) = event
            && events.send(event).await.is_err()
        {
            return;
        }
    }
}

fn is_of(kind: &str, service: &Service) -> bool {
    let subtype = || service.traits.compiler.as_ref()?.subtype();
    kind == SERVICE_TYPE || subtype().as_deref() == Some(kind)
}

/// Nobody else can reach the loopback interface.
fn start() -> mdns_sd::Result<ServiceDaemon> {
    let daemon = ServiceDaemon::new()?;
    daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])?;
    Ok(daemon)
}

fn understand(found: &ResolvedService) -> Option<Service> {
    let address =
        found.addresses.iter().filter_map(address).min_by_key(|address| (address.rank(), address.ip))?;
    Some(Service {
        instance: instance(&found.fullname),
        machine: found.host.trim_end_matches('.').to_owned(),
        address,
        port: Some(found.port).filter(|port| *port > 0)?,
        traits: traits(found),
    })
}

fn traits(found: &ResolvedService) -> Traits {
    let string = |property: &mdns_sd::TxtProperty| {
        let mut string = property.key().as_bytes().to_vec();
        if let Some(value) = property.val() {
            string.push(b'=');
            string.extend(value);
        }
        string
    };
    let strings: Vec<_> = found.txt_properties.iter().map(string).collect();
    Traits::parse(strings.iter().map(Vec::as_slice))
}

fn address(found: &ScopedIp) -> Option<Address> {
    let interface = match found {
        ScopedIp::V6(ip) => Some(ip.scope_id().name.as_str()),
        _ => None,
    };
    Address::new(found.to_ip_addr(), interface)
}

/// `distcc@red\ 2._distcc._tcp.local.` is the instance `distcc@red 2`.
fn instance(full_name: &str) -> String {
    let end = full_name.find(&format!(".{SERVICE_TYPE}.")).unwrap_or(full_name.len());
    full_name[..end].replace('\\', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let service = |txt: &[&str]| Service {
            instance: "i".into(),
            machine: "m".into(),
            address: Address::new([10, 0, 0, 2].into(), None).unwrap(),
            port: 3632,
            traits: Traits::parse(txt.iter().map(|string| string.as_bytes())),
        };
        let gcc = service(&["cc_version=12", "cc_machine=x86_64-linux-gnu"]);
        assert!(is_of("_x86-64-linux-gnu--12._sub._distcc._tcp", &gcc) && is_of(SERVICE_TYPE, &gcc));
        assert!(!is_of("_x86-64-linux-gnu--13._sub._distcc._tcp", &gcc));
        assert!(!is_of("_x86-64-linux-gnu--12._sub._distcc._tcp", &service(&[])));
    }

    #[test]
    fn instances() {
        let check = |full_name, expected| assert_eq!(instance(full_name), expected);
        check("distcc@red._distcc._tcp.local.", "distcc@red");
        check("distcc@red\\.home (2)._distcc._tcp.local.", "distcc@red.home (2)");
        check("odd", "odd");
    }
}
