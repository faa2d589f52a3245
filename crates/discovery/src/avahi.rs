//! Avahi as its D-Bus interface offers it: whether it runs, announcing a daemon through it, and finding daemons. Knows
//! nothing of what to do without it.

use std::collections::HashMap;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use nix::net::if_::if_indextoname;
use tokio::select;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use tokio::time::timeout;
use zbus::connection::Builder;
use zbus::export::futures_core::Stream;
use zbus::fdo::DBusProxy;
use zbus::zvariant::{DynamicType, OwnedObjectPath, Type};
use zbus::{Connection, MatchRule, Message, MessageStream};

use crate::address::Address;
use crate::service::{Announcement, Reach, SERVICE_TYPE, Service, Traits};
use crate::sightings::{Event, Via};

const NAME: &str = "org.freedesktop.Avahi";
const SERVER: &str = "org.freedesktop.Avahi.Server";
const GROUP: &str = "org.freedesktop.Avahi.EntryGroup";
const RESOLVER: &str = "org.freedesktop.Avahi.ServiceResolver";
const COLLISION_ERROR: &str = "org.freedesktop.Avahi.CollisionError";

/// For any interface, and for any family.
const UNSPECIFIED: i32 = -1;

/// States of Avahi itself, and of what is announced through it.
const SERVER_RUNNING: i32 = 2;
const GROUP_ESTABLISHED: i32 = 2;
const GROUP_COLLISION: i32 = 3;
const GROUP_FAILURE: i32 = 4;

/// The longest that one answer may take; Avahi itself gives up after five seconds.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);
const LONGEST_CONNECT: Duration = Duration::from_secs(3);
/// So many machines of one name, or Avahi is not in its right mind.
const MOST_RENAMES: usize = 50;
/// More instances at once are not looked at.
const MOST_ITEMS: usize = 2048;

/// A connection to the system bus, and what comes over it.
pub(crate) struct Bus {
    connection: Connection,
    messages: MessageStream,
}

/// What Avahi, or the bus about it, tells without being asked.
enum Signal {
    Owner { is_there: bool },
    Server(i32),
    Group(i32, String),
    New(Item),
    Removed(Item),
    Found(Box<Resolved>),
    AllForNow,
    BrowserFailed(String),
}

/// An instance as it is heard over one network: interface, family, name, type, domain.
type Item = (i32, i32, String, String, String);

impl Bus {
    /// Connects, and listens from then on.
    pub(crate) async fn connect() -> zbus::Result<Bus> {
        let building = Builder::system()?.method_timeout(LONGEST_ANSWER).build();
        let connection = timeout(LONGEST_CONNECT, building)
            .await
            .map_err(|_| zbus::Error::Failure("the system bus does not answer".into()))??;
        let messages = MessageStream::from(&connection);
        let bus = DBusProxy::new(&connection).await?;
        let owner = MatchRule::builder()
            .interface("org.freedesktop.DBus")?
            .member("NameOwnerChanged")?
            .arg(0, NAME)?;
        bus.add_match_rule(owner.build()).await?;
        bus.add_match_rule(MatchRule::builder().sender(NAME)?.interface(SERVER)?.build()).await?;
        Ok(Bus { connection, messages })
    }

    /// Whether Avahi runs.
    pub(crate) async fn has_avahi(&self) -> zbus::Result<bool> {
        let bus = DBusProxy::new(&self.connection).await?;
        Ok(bus.name_has_owner(NAME.try_into()?).await?)
    }

    /// Returns when Avahi has come.
    pub(crate) async fn avahi_comes(&mut self) -> zbus::Result<()> {
        while !matches!(self.next().await?, Signal::Owner { is_there: true }) {}
        Ok(())
    }

    /// Announces until Avahi ends, and follows what becomes of it meanwhile; `announced` hears the name each time that one
    /// is established. Dropping the bus withdraws.
    pub(crate) async fn announce(
        &mut self,
        announcement: &Announcement,
        announced: &impl Fn(&str),
    ) -> zbus::Result<()> {
        let connection = self.connection.clone();
        let mut entry = Entry { connection, group: None, name: announcement.instance(), announcement };
        let state: i32 = call(&self.connection, "/", SERVER, "GetState", &()).await?;
        if state == SERVER_RUNNING {
            entry.register().await?;
        }
        loop {
            match self.next().await? {
                Signal::Owner { .. } => return Ok(()),
                Signal::Server(SERVER_RUNNING) => entry.register().await?,
                // The machine itself is being renamed.
                Signal::Server(_) => entry.reset().await?,
                Signal::Group(GROUP_ESTABLISHED, _) => announced(&entry.name),
                Signal::Group(GROUP_COLLISION, _) => {
                    entry.rename().await?;
                    entry.reset().await?;
                    entry.register().await?;
                }
                Signal::Group(GROUP_FAILURE, why) => return Err(zbus::Error::Failure(why)),
                _ => {}
            }
        }
    }

    /// Sends who is there to `events`, until Avahi or the receiver ends. `kind` is a type or a subtype.
    pub(crate) async fn browse(mut self, kind: &str, events: &Sender<Event>) -> zbus::Result<()> {
        let all = (UNSPECIFIED, UNSPECIFIED, kind, "", 0_u32);
        let _browser: OwnedObjectPath =
            call(&self.connection, "/", SERVER, "ServiceBrowserNew", &all).await?;
        let mut present = Present::new(self.connection.clone());
        let mut all_are_known = false;
        while !events.is_closed() {
            let event = select! {
                signal = self.next() => match signal? {
                    Signal::Owner { is_there: false } => return Ok(()),
                    Signal::New(item) => present.comes(item),
                    Signal::Removed(item) => Some(present.goes(item)),
                    Signal::Found(answer) => present.says(*answer),
                    Signal::AllForNow => {
                        all_are_known = true;
                        None
                    }
                    Signal::BrowserFailed(why) => return Err(zbus::Error::Failure(why)),
                    _ => None,
                },
                Some(Ok(answer)) = present.asking.join_next() => present.is_resolved(answer),
            };
            // A receiver that is gone ends the loop.
            if let Some(event) = event {
                let _ = events.send(event).await;
            }
            if all_are_known && present.asking.is_empty() {
                let _ = events.send(Event::Settled).await;
                all_are_known = false;
            }
        }
        Ok(())
    }

    async fn next(&mut self) -> zbus::Result<Signal> {
        loop {
            let message = poll_fn(|context| Pin::new(&mut self.messages).poll_next(context)).await;
            let message = message.ok_or_else(|| zbus::Error::Failure("the system bus has gone".into()))??;
            if let Some(signal) = understand(&message) {
                return Ok(signal);
            }
        }
    }
}

/// Who is there, each with what goes on telling of it once it has answered.
struct Present {
    connection: Connection,
    items: HashMap<Item, Option<OwnedObjectPath>>,
    asking: JoinSet<(Item, Option<Resolved>, Option<OwnedObjectPath>)>,
}

impl Present {
    fn new(connection: Connection) -> Present {
        Present { connection, items: HashMap::new(), asking: JoinSet::new() }
    }

    fn comes(&mut self, item: Item) -> Option<Event> {
        if self.items.len() < MOST_ITEMS && self.items.insert(item.clone(), None).is_none() {
            self.asking.spawn(resolve(self.connection.clone(), item));
        }
        None
    }

    fn goes(&mut self, item: Item) -> Event {
        if let Some(Some(resolver)) = self.items.remove(&item) {
            self.forget(resolver);
        }
        Event::Gone(via(&item), item.2)
    }

    /// What cannot be resolved cannot be used, but may become so; what went away meanwhile is no more.
    fn is_resolved(
        &mut self,
        (item, answer, resolver): (Item, Option<Resolved>, Option<OwnedObjectPath>),
    ) -> Option<Event> {
        match (self.items.get_mut(&item), resolver) {
            (Some(known), resolver) => *known = resolver,
            (None, Some(resolver)) => self.forget(resolver),
            (None, None) => {}
        }
        self.says(answer?)
    }

    fn says(&self, answer: Resolved) -> Option<Event> {
        let via = Via { interface: answer.0, protocol: answer.1 };
        // A question for a subtype is answered with the type.
        let is_item = |item: &Item| (via, &answer.2, &answer.4) == (self::via(item), &item.2, &item.4);
        let is_present = self.items.keys().any(is_item);
        service(answer).filter(|_| is_present).map(|service| Event::Seen(via, Box::new(service)))
    }

    /// Nobody waits for it.
    fn forget(&self, resolver: OwnedObjectPath) {
        let connection = self.connection.clone();
        tokio::spawn(async move {
            let _: zbus::Result<()> = call(&connection, resolver.as_str(), RESOLVER, "Free", &()).await;
        });
    }
}

/// What is announced through Avahi.
struct Entry<'a> {
    connection: Connection,
    group: Option<OwnedObjectPath>,
    name: String,
    announcement: &'a Announcement,
}

impl Entry<'_> {
    async fn register(&mut self) -> zbus::Result<()> {
        let group = match &self.group {
            Some(group) => group.clone(),
            None => call(&self.connection, "/", SERVER, "EntryGroupNew", &()).await?,
        };
        self.group = Some(group.clone());
        for _ in 0..MOST_RENAMES {
            match self.add(&group).await {
                // Taken by another daemon on this machine.
                Err(zbus::Error::MethodError(name, ..)) if name == COLLISION_ERROR => self.rename().await?,
                Err(error) => return Err(error),
                Ok(()) => return call(&self.connection, group.as_str(), GROUP, "Commit", &()).await,
            }
        }
        Err(zbus::Error::Failure("no name is free".into()))
    }

    async fn add(&self, group: &OwnedObjectPath) -> zbus::Result<()> {
        let (interface, protocol) = match &self.announcement.reach {
            Reach::Everywhere => (UNSPECIFIED, UNSPECIFIED),
            Reach::Interface { index, ipv6, .. } => {
                (i32::try_from(*index).unwrap_or(UNSPECIFIED), (*ipv6).into())
            }
        };
        let txt: Vec<_> = self.announcement.txt().into_iter().map(String::into_bytes).collect();
        let place = (interface, protocol, 0_u32, self.name.as_str(), SERVICE_TYPE, "");
        let (interface, protocol, flags, name, kind, domain) = place;
        let service = (interface, protocol, flags, name, kind, domain, "", self.announcement.port, txt);
        let () = call(&self.connection, group.as_str(), GROUP, "AddService", &service).await?;
        let Some(subtype) = self.announcement.subtype() else { return Ok(()) };
        let subtype = (interface, protocol, flags, name, kind, domain, subtype.as_str());
        call(&self.connection, group.as_str(), GROUP, "AddServiceSubtype", &subtype).await
    }

    async fn reset(&self) -> zbus::Result<()> {
        let Some(group) = &self.group else { return Ok(()) };
        call(&self.connection, group.as_str(), GROUP, "Reset", &()).await
    }

    async fn rename(&mut self) -> zbus::Result<()> {
        let taken = self.name.as_str();
        self.name = call(&self.connection, "/", SERVER, "GetAlternativeServiceName", &taken).await?;
        Ok(())
    }
}

async fn call<Body, Answer>(
    bus: &Connection,
    path: &str,
    interface: &str,
    method: &str,
    body: &Body,
) -> zbus::Result<Answer>
where
    Body: serde::Serialize + DynamicType,
    Answer: for<'a> serde::Deserialize<'a> + Type,
{
    bus.call_method(Some(NAME), path, Some(interface), method, body).await?.body().deserialize()
}

/// Interface, family, name, type, domain, host, its family, address, port, TXT, flags.
type Resolved = (i32, i32, String, String, String, String, i32, String, u16, Vec<Vec<u8>>, u32);

/// Over the family that it was heard with, so that each has its own address. The first answer, and what will tell of later
/// ones.
async fn resolve(bus: Connection, item: Item) -> (Item, Option<Resolved>, Option<OwnedObjectPath>) {
    let (interface, protocol, name, kind, domain) = &item;
    let question = (*interface, *protocol, name.as_str(), kind.as_str(), domain.as_str(), *protocol, 0_u32);
    let answer = call(&bus, "/", SERVER, "ResolveService", &question).await.ok();
    let resolver = call(&bus, "/", SERVER, "ServiceResolverNew", &question).await.ok();
    (item, answer, resolver)
}

fn service(answer: Resolved) -> Option<Service> {
    let (interface, _, instance, _, _, machine, _, address, port, txt, _) = answer;
    let ip: IpAddr = address.parse().ok()?;
    let interface = u32::try_from(interface).ok().and_then(|index| if_indextoname(index).ok());
    let interface = interface.and_then(|name| name.into_string().ok());
    Some(Service {
        instance,
        machine,
        address: Address::new(ip, interface.as_deref())?,
        port: Some(port).filter(|port| *port > 0)?,
        traits: Traits::parse(txt.iter().map(Vec::as_slice)),
    })
}

fn via((interface, protocol, ..): &Item) -> Via {
    Via { interface: *interface, protocol: *protocol }
}

fn understand(message: &Message) -> Option<Signal> {
    let header = message.header();
    let body = message.body();
    let item = || {
        let (interface, protocol, name, kind, domain, _): (i32, i32, String, String, String, u32) =
            body.deserialize().ok()?;
        Some((interface, protocol, name, kind, domain))
    };
    let state = || body.deserialize::<(i32, String)>().ok();
    let interface = header.interface()?.as_str();
    match (interface.rsplit('.').next()?, header.member()?.as_str()) {
        ("DBus", "NameOwnerChanged") => {
            let (name, _, new): (String, String, String) = body.deserialize().ok()?;
            (name == NAME).then_some(Signal::Owner { is_there: !new.is_empty() })
        }
        ("Server", "StateChanged") => Some(Signal::Server(state()?.0)),
        ("EntryGroup", "StateChanged") => state().map(|(state, why)| Signal::Group(state, why)),
        ("ServiceBrowser", "ItemNew") => Some(Signal::New(item()?)),
        ("ServiceBrowser", "ItemRemove") => Some(Signal::Removed(item()?)),
        ("ServiceResolver", "Found") => Some(Signal::Found(Box::new(body.deserialize().ok()?))),
        ("ServiceBrowser", "AllForNow") => Some(Signal::AllForNow),
        ("ServiceBrowser", "Failure") => Some(Signal::BrowserFailed(body.deserialize().ok()?)),
        _ => None,
    }
}
