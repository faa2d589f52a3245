//! What a gcc or clang command line asks for; knows no disk, no environment, no socket and no compiler.
//!
//! | file | what it holds |
//! |---|---|
//! | [`analyze()`] | a command → [`Compilation`], or [`WhyLocal`] |
//! | `server_command.rs` | the same words seen by the machine that must protect itself: [`ServerCommand`], or [`Refusal`] |
//! | `sources_command.rs` | the same where sources and headers have come instead of preprocessed text: [`SourcesCommand`] |
//! | `options.rs`, `options/` | the option table: spelling, where the value sits, which run wants it, its fate at both ends |
//! | `arguments.rs` | words → arguments, by that table |
//! | `hazard.rs` | values that decide an option's fate: `native`, paths, words for the assembler and for clang's inside |
//! | `response_file.rs` | `@file` |
//! | `language.rs`, `family.rs` | what an input is, and which kind of compiler is called |
//! | `outputs.rs` | object and dependency file implied by the words |
//! | `preprocess_args.rs`, `server_args.rs` | the two halves that a distributed compile is split into |
//! | `typed_options.rs` | the options one by one, for those who sort them in their own way |
//! | `sources_words.rs`, `include_path.rs` | the same for a compile whose source and headers are sent |
//! | `native.rs` | what a command for this very processor is asked about, and what it is with the answer |
//! | `probe.rs` | compiles that build systems run only to learn about the compiler |
//! | `line_markers.rs` | names and directory for text that was preprocessed elsewhere |

mod analyze;
mod arguments;
mod compilation;
mod family;
mod hazard;
mod include_path;
mod language;
mod line_markers;
mod native;
mod options;
mod outputs;
mod preprocess_args;
mod probe;
mod response_file;
mod server_args;
mod server_command;
mod sources_command;
mod sources_words;
mod telltale;
mod typed_options;
mod why_local;

pub use analyze::{analyze, analyze_native};
pub use compilation::Compilation;
pub use family::Family;
pub use include_path::INCLUDE_PATH_VARIABLES;
pub use language::Language;
pub use native::{NativeCompilation, ToldProcessor, read_native_of_client};
pub use outputs::Writer;
pub use server_command::{Refusal, ServerCommand};
pub use sources_command::{Place, SourcesCommand};
pub use sources_words::WhyText;
pub use typed_options::TypedOption;
pub use why_local::WhyLocal;
