//! Hosts that announce themselves: that clients and daemons of both makes find each other, through Avahi and without it, and
//! what becomes of it when something ends. Knows nothing of how announcements are made.

mod ending;
mod finding;
mod machine;
mod pairings;
