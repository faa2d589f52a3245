//! A daemon that can be reached over one of the transports, and what it did. Knows nothing of what is compiled.

use test_hosts::client::Client;
use test_hosts::distccd::{Distccd, Setup};
use test_hosts::ssh_host::SshHost;
use test_hosts::workdir::Workdir;

use crate::Transport;
use crate::inetd::SuperServer;

const SLOTS: u32 = 8;

/// Gone when dropped.
pub(crate) enum Served {
    Port(Distccd),
    Login(SshHost),
    Connection(SuperServer),
}

impl Served {
    /// None after a skip has been announced.
    pub(crate) fn start(transport: Transport, distccd: &str) -> Option<Served> {
        Some(match transport {
            Transport::Tcp => Served::Port(Distccd::start(&Setup { jobs: SLOTS, ..Setup::of(distccd) })),
            Transport::Ssh => Served::Login(SshHost::start(distccd)?),
            Transport::SocketActivate => Served::Connection(SuperServer::socket_activate(distccd)?),
            Transport::Inetd => Served::Connection(SuperServer::inetd(distccd)?),
        })
    }

    /// A client whose only host it is.
    pub(crate) fn client<'a>(&self, distcc: &'a str, state: &'a Workdir, options: &str) -> Client<'a> {
        match self {
            Served::Port(daemon) => {
                Client::new(distcc, state, &format!("{}/{SLOTS}{options}", daemon.host()))
            }
            Served::Login(host) => host.client(distcc, state, &host.spec(SLOTS, options)),
            Served::Connection(server) => {
                Client::new(distcc, state, &format!("127.0.0.1:{}/{SLOTS}{options}", server.port()))
            }
        }
    }

    /// Panics unless it comes to tell of this many good compiles, and of nothing else.
    #[track_caller]
    pub(crate) fn assert_served(&self, jobs: usize) {
        match self {
            Served::Port(daemon) => daemon.assert_served(jobs),
            Served::Login(host) => host.assert_served(jobs),
            Served::Connection(server) => server.assert_served(jobs),
        }
    }
}
