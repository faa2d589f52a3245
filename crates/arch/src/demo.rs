//! Contents page: the nouns of the demo, whose story is `commands/demo.rs`.

pub(crate) mod comparison;
pub(crate) mod compilers;
pub(crate) mod crew;
pub(crate) mod host;
pub(crate) mod report;
pub(crate) mod sample;
pub(crate) mod source;
pub(crate) mod source_tree;
pub(crate) mod workshop;
