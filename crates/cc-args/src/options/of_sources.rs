//! What becomes of the preprocessor's options where sources and headers have come instead of preprocessed text. Knows
//! nothing of the other options: their fate is the one that they have with preprocessed text.

/// What becomes of a preprocessor's option at a server that preprocesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtSources {
    /// Handed on as it is: it names no file.
    Pass,
    /// Handed on; its value is a path on the client, or the beginning of one.
    Path,
    /// Handed on; its value is `OLD=NEW`, and paths that begin with OLD are written as NEW.
    Map,
    /// Accepted and not handed on.
    Drop,
    /// Its value, the file for dependencies, is replaced.
    DependencyFile,
    /// It reads what is not known to have been sent.
    Refuse,
}

/// Sorted by name.
pub(super) const FATES: &[(&str, AtSources)] = {
    use AtSources::{DependencyFile, Drop, Map, Pass, Path, Refuse};
    &[
        ("--define-macro", Pass),
        ("--embed-dir", Path),
        ("--gcc-install-dir=", Refuse),
        ("--gcc-toolchain=", Refuse),
        ("--gcc-triple=", Refuse),
        ("--imacros", Path),
        ("--include", Path),
        ("--include-directory", Path),
        ("--no-standard-includes", Pass),
        ("--no-system-header-prefix=", Pass),
        ("--stdlib=", Pass),
        ("--sysroot", Path),
        ("--system-header-prefix=", Pass),
        ("--traditional-cpp", Pass),
        ("--trigraphs", Pass),
        ("--undefine-macro", Pass),
        ("-A", Pass),
        ("-C", Pass),
        ("-CC", Pass),
        ("-D", Pass),
        ("-F", Path),
        ("-H", Pass),
        ("-I", Path),
        ("-MD", Pass),
        ("-MF", DependencyFile),
        ("-MG", Pass),
        ("-MMD", Pass),
        ("-MP", Pass),
        ("-MQ", Pass),
        ("-MT", Pass),
        ("-U", Pass),
        ("-cxx-isystem", Path),
        ("-fcoverage-prefix-map=", Map),
        ("-fcrash-diagnostics-dir=", Drop),
        ("-fdebug-prefix-map=", Map),
        ("-fdirectives-only", Pass),
        // Its inner options say where the object goes.
        ("-fembed-bitcode", Refuse),
        ("-ffile-prefix-map=", Map),
        ("-finput-charset=", Pass),
        ("-fkeep-system-includes", Pass),
        ("-fmacro-prefix-map=", Map),
        ("-fminimize-whitespace", Pass),
        ("-fno-directives-only", Pass),
        ("-fpreprocessed", Refuse),
        ("-fprofile-prefix-map=", Map),
        // It records where the object goes.
        ("-frecord-command-line", Refuse),
        ("-frewrite-imports", Pass),
        ("-frewrite-includes", Pass),
        ("-fuse-line-directives", Pass),
        ("-gcc-toolchain", Refuse),
        ("-ibuiltininc", Pass),
        ("-idirafter", Path),
        ("-iframework", Path),
        ("-iframeworkwithsysroot", Refuse),
        ("-imacros", Path),
        ("-imultiarch", Refuse),
        ("-imultilib", Refuse),
        ("-include", Path),
        ("-index-header-map", Refuse),
        ("-iprefix", Path),
        ("-iquote", Path),
        ("-isysroot", Path),
        ("-isystem", Path),
        ("-isystem-after", Path),
        ("-iwithprefix", Pass),
        ("-iwithprefixbefore", Pass),
        ("-iwithsysroot", Refuse),
        ("-nobuiltininc", Pass),
        ("-nostdinc", Pass),
        ("-nostdinc++", Pass),
        ("-nostdlibinc", Pass),
        ("-remap", Refuse),
        ("-stdlib++-isystem", Path),
        ("-stdlib=", Pass),
        ("-traditional", Pass),
        ("-traditional-cpp", Pass),
        ("-trigraphs", Pass),
        ("-undef", Pass),
    ]
};

/// The fate of the option of this name, if sources make a difference to it.
pub(crate) fn fate(name: &str) -> Option<AtSources> {
    let found = FATES.binary_search_by_key(&name, |(name, _)| name).ok()?;
    Some(FATES[found].1)
}

#[cfg(test)]
mod tests {
    use super::super::{AtClient, AtServer, Meaning, TABLE};
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_name_is_an_option() {
        assert!(FATES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (name, _) in FATES {
            assert!(TABLE.iter().any(|row| row.name == *name), "{name}");
        }
    }

    #[test]
    fn every_option_of_a_preprocessor_alone_has_a_fate() {
        for row in &TABLE {
            let stripped =
                matches!((row.client, row.server), (AtClient::Strip, AtServer::Drop | AtServer::Refuse(_)));
            let otherwise = matches!(
                row.meaning,
                Meaning::Idle | Meaning::PreprocessorWords | Meaning::PreprocessMode | Meaning::EndOfOptions
            );
            assert!(!stripped || otherwise || fate(row.name).is_some(), "{}", row.name);
        }
    }
}
