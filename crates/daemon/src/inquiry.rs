//! What this server tells whoever asks: its compilers, and what else it offers. Knows nothing of connections.

use std::ffi::{OsStr, OsString};

use protocol::inquiry::{Inquiry, Telling, TellingCompiler};

use crate::identities::Known;
use crate::server::Server;
use crate::toolchains::Names;

/// Nobody builds with more compilers, and no machine has more.
const MOST: usize = 300;

/// The answer to an inquiry. It takes as long as compilers take to be looked at that nobody has looked at before.
pub(crate) async fn tell(server: &Server, inquiry: &Inquiry) -> Telling {
    let (names, about): (Vec<OsString>, _) = match &inquiry.compilers[..] {
        [] => (server.toolchains.names().into_iter().collect(), Names::Exact),
        asked => (asked.to_vec(), Names::Plain),
    };
    let (mut compilers, mut missing) = (Vec::new(), Vec::new());
    for name in names.into_iter().take(MOST) {
        match server.toolchains.meant_by(server, &name, about).await {
            Ok(known) => compilers.extend(known.iter().map(|known| entry(&name, known))),
            Err(why) => missing.push((name, why)),
        }
    }
    Telling {
        server: format!("distcc-arch {}", env!("CARGO_PKG_VERSION")),
        slots: u32::try_from(server.jobs).ok(),
        features: features(server),
        targets: server.toolchains.targets().into_iter().collect(),
        compilers,
        missing,
    }
}

fn features(server: &Server) -> Vec<String> {
    let pump = server.sources.refused().is_none().then_some("pump");
    ["lzo"].into_iter().chain(pump).map(str::to_owned).collect()
}

fn entry(name: &OsStr, known: &Known) -> TellingCompiler {
    let identity = &known.identity;
    TellingCompiler {
        name: name.to_owned(),
        target: identity.target.clone(),
        version: identity.version.clone(),
        machine: identity.machine.to_string(),
        fingerprint: identity.fingerprint.map(|fingerprint| fingerprint.to_string()),
    }
}
