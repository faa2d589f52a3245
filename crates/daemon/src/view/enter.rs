//! The moment between fork and exec in which a process moves into its view: system calls and nothing else, for another
//! thread may have held any lock when this process was copied. Knows nothing of what is shown in a view.

use std::ffi::{CStr, CString};
use std::io;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;
use nix::unistd::{chdir, getgid, getuid, pivot_root, write};
use tokio::process::Command;

/// The kernel's error numbers are below this; the step that failed is above.
const STEP: i32 = 4096;

/// What is done before and after the calls that show things.
const OWN_NAMESPACES: i32 = 1;
const SAME_USER: i32 = 2;
const NO_PROPAGATION: i32 = 3;
const NEW_ROOT: i32 = 4;
const DIRECTORY: i32 = 5;
const FIRST_CALL: i32 = 6;

/// A system call, prepared.
#[derive(Debug, Clone)]
pub(super) enum Call {
    Mount {
        from: CString,
        to: CString,
        kind: Option<&'static CStr>,
        flags: MsFlags,
        data: CString,
    },
    /// Takes rights from all that is mounted at and below a path: `MOUNT_ATTR_…`.
    Restrict {
        to: CString,
        attributes: u64,
    },
}

/// The way into a view.
#[derive(Debug)]
pub(super) struct Entry {
    root: CString,
    calls: Vec<Call>,
    directory: CString,
    user: CString,
    group: CString,
}

impl Entry {
    /// Does `calls`, makes `root` the root, and goes to `directory` in it.
    pub(super) fn new(root: CString, calls: Vec<Call>, directory: CString) -> Entry {
        let line = |id: u32| CString::new(format!("{id} {id} 1\n")).expect("digits and blanks");
        Entry { root, calls, directory, user: line(getuid().as_raw()), group: line(getgid().as_raw()) }
    }

    fn enter(&self) -> Result<(), i32> {
        let at = |step: i32| move |errno: Errno| step * STEP + errno as i32;
        unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS).map_err(at(OWN_NAMESPACES))?;
        self.stay_who_we_are().map_err(at(SAME_USER))?;
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&CStr>, c"/", None::<&CStr>, private, None::<&CStr>).map_err(at(NO_PROPAGATION))?;
        for (call, step) in self.calls.iter().zip(FIRST_CALL..) {
            call.run().map_err(at(step))?;
        }
        self.change_root().map_err(at(NEW_ROOT))?;
        chdir(self.directory.as_c_str()).map_err(at(DIRECTORY))
    }

    /// Files go on belonging to whom they belong, and nobody else is known in there.
    fn stay_who_we_are(&self) -> nix::Result<()> {
        tell(c"/proc/self/setgroups", c"deny")?;
        tell(c"/proc/self/uid_map", &self.user)?;
        tell(c"/proc/self/gid_map", &self.group)
    }

    /// The old root goes over the new one, and away.
    fn change_root(&self) -> nix::Result<()> {
        chdir(self.root.as_c_str())?;
        pivot_root(c".", c".")?;
        umount2(c".", MntFlags::MNT_DETACH)?;
        chdir(c"/")
    }
}

impl Call {
    fn run(&self) -> nix::Result<()> {
        match self {
            Call::Mount { from, to, kind, flags, data } => {
                mount(Some(from.as_c_str()), to.as_c_str(), *kind, *flags, Some(data.as_c_str()))
            }
            Call::Restrict { to, attributes } => restrict(to, *attributes),
        }
    }
}

fn tell(file: &CStr, text: &CStr) -> nix::Result<()> {
    let file = open(file, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    write(file, text.to_bytes()).map(drop)
}

#[allow(unsafe_code, reason = "neither nix nor rustix offers mount_setattr(2)")]
fn restrict(path: &CStr, attributes: u64) -> nix::Result<()> {
    let change = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: reads a string that ends and as many bytes of `change` as it has.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &raw const change,
            size_of_val(&change),
        )
    };
    Errno::result(done).map(drop)
}

/// Has the new process go that way before it becomes the compiler.
#[allow(unsafe_code, reason = "only between fork and exec is a process single and still ours")]
pub(super) fn before_it_runs(command: &mut Command, entry: Entry) {
    // SAFETY: `enter` makes system calls with what was prepared here; it neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(move || entry.enter().map_err(io::Error::from_raw_os_error));
    }
}

/// What `error` says, if it is one of ours.
pub(super) fn explain(error: &io::Error) -> Option<String> {
    let code = error.raw_os_error().filter(|code| *code >= STEP)?;
    let what = match code / STEP {
        OWN_NAMESPACES => "no namespaces of its own".to_owned(),
        SAME_USER => "no user in its namespace".to_owned(),
        NO_PROPAGATION => "its mounts cannot be kept apart".to_owned(),
        NEW_ROOT => "its root cannot be changed".to_owned(),
        DIRECTORY => "the client's directory cannot be entered".to_owned(),
        call => format!("step {} of what it shows failed", call - FIRST_CALL + 1),
    };
    Some(format!("{what}: {}", Errno::from_raw(code % STEP).desc()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_tell_their_step() {
        let check = |code: i32, expected: Option<&str>| {
            let told = explain(&io::Error::from_raw_os_error(code));
            assert_eq!(told.as_deref(), expected, "{code}");
        };
        check(Errno::ENOENT as i32, None);
        check(
            OWN_NAMESPACES * STEP + Errno::EPERM as i32,
            Some("no namespaces of its own: Operation not permitted"),
        );
        check(
            (FIRST_CALL + 2) * STEP + Errno::ENOENT as i32,
            Some("step 3 of what it shows failed: No such file or directory"),
        );
    }
}
