//! One entry of the host list. Knows nothing of how it is spelled or which of its slots are free.

/// A machine that may take jobs, as one token of the host list names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The token, verbatim.
    pub spec: String,
    /// How it is reached.
    pub place: Place,
    /// How many jobs it may have at once from this machine, at least 1.
    pub slots: u32,
    /// `,lzo`: what is sent is compressed.
    pub lzo: bool,
    /// `,cpp`: it preprocesses too (pump mode).
    pub pump: bool,
    /// `,down`: counted and listed, but never given a job.
    pub down: bool,
    /// `,auth`: it wants the client to authenticate.
    pub auth: bool,
}

/// How a host is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// This machine, without a daemon.
    Local,
    /// A daemon that listens; an IPv6 address stands without its brackets.
    Tcp {
        /// Name or address.
        name: String,
        /// From 1.
        port: u16,
    },
    /// A daemon started through ssh for each job.
    Ssh {
        /// The user to log in as, if not ssh's default.
        user: Option<String>,
        /// Name or address.
        name: String,
        /// The daemon's path there, if not the default.
        command: Option<String>,
    },
}

impl Host {
    /// The machine's name without port and options, for monitors and messages.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.place {
            Place::Local => "localhost",
            Place::Tcp { name, .. } | Place::Ssh { name, .. } => name,
        }
    }

    /// What its lock files are named after: `tcp_HOST_PORT`, `ssh_HOST` or `localhost`, as distcc 3.4 does, so
    /// that both share the files.
    #[must_use]
    pub fn lock_stem(&self) -> String {
        match &self.place {
            Place::Local => "localhost".to_owned(),
            Place::Tcp { name, port } => format!("tcp_{name}_{port}"),
            Place::Ssh { name, .. } => format!("ssh_{name}"),
        }
    }
}
