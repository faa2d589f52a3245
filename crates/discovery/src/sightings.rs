//! The daemons that are there now, put together from what each network says of them. Pure; knows no network.

use crate::service::Service;

/// More are not kept: nobody has so many machines, but anybody may send so many names.
const MOST: usize = 512;

/// Over which network something was heard: the interface's number and the family. One daemon is heard over several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Via {
    pub(crate) interface: i32,
    pub(crate) protocol: i32,
}

/// What a network says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A daemon is there, or says something new of itself.
    Seen(Via, Box<Service>),
    /// A daemon is no longer there.
    Gone(Via, String),
    /// Whoever was there at the beginning has been heard.
    Settled,
}

/// Who is there; in the order of appearance.
#[derive(Debug, Default)]
pub(crate) struct Sightings {
    seen: Vec<(Via, Service)>,
}

impl Sightings {
    /// Takes in what was heard; whether that changed who is there.
    pub(crate) fn add(&mut self, event: Event) -> bool {
        match event {
            Event::Settled => false,
            Event::Gone(via, instance) => {
                let before = self.seen.len();
                self.seen.retain(|(known, service)| (*known, &service.instance) != (via, &instance));
                self.seen.len() != before
            }
            Event::Seen(via, service) => {
                let is_known =
                    |(known, other): &(Via, Service)| (*known, &other.instance) == (via, &service.instance);
                match self.seen.iter().position(is_known) {
                    Some(at) if self.seen[at].1 == *service => return false,
                    Some(at) => self.seen[at].1 = *service,
                    None if self.seen.len() >= MOST => return false,
                    None => self.seen.push((via, *service)),
                }
                true
            }
        }
    }

    /// Each daemon once, at its best address. Two that listen at one place are one.
    pub(crate) fn services(&self) -> Vec<&Service> {
        let mut found: Vec<&Service> = Vec::new();
        for (_, service) in &self.seen {
            match found.iter_mut().find(|known| is_same(known, service)) {
                Some(known) if service.address.rank() < known.address.rank() => *known = service,
                Some(_) => {}
                None => found.push(service),
            }
        }
        found
    }
}

fn is_same(one: &Service, other: &Service) -> bool {
    one.instance == other.instance || (&one.address, one.port) == (&other.address, other.port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::service::Traits;

    fn seen(interface: i32, protocol: i32, instance: &str, ip: &str) -> Event {
        let address = Address::new(ip.parse().unwrap(), Some("eth0")).unwrap();
        let traits = Traits::parse([]);
        let service = Service { instance: instance.into(), machine: "m".into(), address, port: 3632, traits };
        Event::Seen(Via { interface, protocol }, Box::new(service))
    }

    fn gone(interface: i32, protocol: i32, instance: &str) -> Event {
        Event::Gone(Via { interface, protocol }, instance.into())
    }

    #[track_caller]
    fn check(events: &[Event], expected: &str) {
        let mut sightings = Sightings::default();
        for event in events {
            sightings.add(event.clone());
        }
        let services = sightings.services();
        let got: Vec<_> =
            services.iter().map(|service| format!("{}={}", service.instance, service.address)).collect();
        assert_eq!(got.join(" "), expected);
    }

    #[test]
    fn one_daemon_over_several_networks() {
        let [v4, v6] = [seen(2, 0, "a", "10.0.0.1"), seen(2, 1, "a", "fe80::1")];
        let other = seen(3, 0, "a", "10.1.0.1");
        let b = seen(2, 0, "b", "10.0.0.2");
        check(std::slice::from_ref(&v6), "a=fe80::1%eth0");
        check(&[v6.clone(), v4.clone(), other.clone(), b.clone()], "a=10.0.0.1 b=10.0.0.2");
        check(&[v4.clone(), v6.clone(), gone(2, 0, "a")], "a=fe80::1%eth0");
        check(&[v4.clone(), v6, gone(2, 0, "a"), gone(2, 1, "a"), b], "b=10.0.0.2");
        check(&[v4.clone(), other, gone(2, 0, "a")], "a=10.1.0.1");
        check(&[v4.clone(), gone(2, 0, "b"), Event::Settled], "a=10.0.0.1");
        check(&[v4.clone(), seen(2, 0, "a", "10.0.0.9")], "a=10.0.0.9");
        check(&[v4, seen(2, 0, "a #2", "10.0.0.1")], "a=10.0.0.1");
    }

    #[test]
    fn only_news_are_changes() {
        let mut sightings = Sightings::default();
        assert!(sightings.add(seen(2, 0, "a", "10.0.0.1")));
        assert!(!sightings.add(seen(2, 0, "a", "10.0.0.1")));
        assert!(sightings.add(seen(2, 0, "a", "10.0.0.2")));
        assert!(!sightings.add(gone(2, 1, "a")) && !sightings.add(Event::Settled));
        assert!(sightings.add(gone(2, 0, "a")) && sightings.services().is_empty());
    }

    #[test]
    fn a_flood_ends() {
        let mut sightings = Sightings::default();
        for number in 0..2 * MOST {
            let ip = format!("10.0.{}.{}", number / 256, number % 256);
            sightings.add(seen(2, 0, &number.to_string(), &ip));
        }
        assert_eq!(sightings.services().len(), MOST);
    }
}
