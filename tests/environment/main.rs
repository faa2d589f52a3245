//! What variables change for the client, how it ends, and ccache on either side of it. Knows nothing of how that is read.

mod ccache;
mod dependencies;
mod exit_codes;
mod variables;
