//! What this server tells whoever asks: its compilers, and what else it offers. Knows nothing of connections.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use protocol::inquiry::{Inquiry, Telling, TellingCompiler, TellingLanguage};

use crate::server::Server;
use crate::standing_in;
use crate::toolchains::{Meant, Names};

/// Nobody builds with more compilers, and no machine has more.
const MOST: usize = 300;

/// The answer to an inquiry. It takes as long as compilers take to be looked at that nobody has looked at before.
pub(crate) async fn tell(server: &Arc<Server>, inquiry: &Inquiry) -> Telling {
    let (names, about): (Vec<OsString>, _) = match &inquiry.compilers[..] {
        [] => (server.toolchains.names(server).await.into_iter().collect(), Names::Exact),
        asked => (asked.to_vec(), Names::Plain),
    };
    let (mut compilers, mut missing): (Vec<TellingCompiler>, _) = (Vec::new(), Vec::new());
    for name in names.into_iter().take(MOST) {
        match server.toolchains.meant_by(server, &name, about).await {
            Ok(meant) => {
                for entry in meant.iter().map(|meant| entry(&name, meant, about)) {
                    // One compiler may have many names.
                    compilers.extend(Some(entry).filter(|entry| !compilers.contains(entry)));
                }
            }
            Err(why) => missing.push((name, why)),
        }
    }
    Telling {
        server: format!("distcc-arch {}", env!("CARGO_PKG_VERSION")),
        slots: u32::try_from(server.jobs).ok(),
        features: features(server),
        targets: server.toolchains.targets(server).await.into_iter().collect(),
        compilers,
        missing,
    }
}

fn features(server: &Server) -> Vec<String> {
    let pump = server.sources.refused().is_none().then_some("pump");
    ["lzo", "native"].into_iter().chain(pump).map(str::to_owned).collect()
}

/// Without a core a sample decides, whatever the fingerprint is: so for what only stands in for a target. Who asks about
/// everything has no use for what decides whether a sample is worth while.
fn entry(name: &OsStr, meant: &Meant, about: Names) -> TellingCompiler {
    let identity = &meant.known.identity;
    let languages = identity.languages.iter().map(|(language, prints)| {
        let stands_in = meant.stands_in.is_some();
        let whole = prints.map(|prints| match stands_in {
            true => standing_in::fingerprint(prints.whole),
            false => prints.whole,
        });
        let core = prints.filter(|_| about == Names::Plain && !stands_in).map(|prints| prints.core);
        TellingLanguage {
            name: language.to_string(),
            whole: whole.map(|whole| whole.to_string()),
            core: core.map(|core| core.to_string()),
        }
    });
    TellingCompiler {
        name: name.to_owned(),
        target: meant.stands_in.as_ref().unwrap_or(&identity.target).clone(),
        version: identity.version.clone(),
        machine: identity.machine.to_string(),
        languages: languages.collect(),
    }
}
