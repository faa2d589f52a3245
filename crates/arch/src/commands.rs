//! Contents page: one file per subcommand.

pub(crate) mod demo;
pub(crate) mod docs;
