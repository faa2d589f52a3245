//! The environment variables that `lsdistcc -d` heeds, read once. Knows no command line.

/// What the environment says of this machine's name.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// `HOST`, as tcsh sets it.
    pub(crate) host: Option<String>,
    /// `HOSTNAME`, as bash sets it.
    pub(crate) hostname: Option<String>,
}

impl Settings {
    /// Reads the environment.
    pub(crate) fn read() -> Settings {
        let [host, hostname] = ["HOST", "HOSTNAME"].map(|name| std::env::var(name).ok());
        Settings { host, hostname }
    }
}
