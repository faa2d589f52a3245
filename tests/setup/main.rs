//! `distcc-arch setup`, `hosts` and `undo` over whole systems that are directories. Knows the program only from outside.

mod asking;
mod chroot_daemons;
mod chroots;
mod failing;
mod hosts;
mod killed;
mod makepkg;
mod scene;
mod server;
mod state;
mod toolchains;
mod undoing;
