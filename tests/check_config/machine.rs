//! A whole machine below a directory of the test's own, with a configuration that is good until a test breaks it. Knows
//! no check.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use nix::unistd::{getegid, geteuid};
use test_hosts::need;
use test_hosts::process::{Outcome, clean, run};
use test_hosts::workdir::Workdir;

/// Its makepkg.conf.
pub(crate) const GOOD: &str = "\
CHOST=\"x86_64-pc-linux-gnu\"
CFLAGS=\"-O2 -pipe -fno-plt \\
  -Wformat\"
CXXFLAGS=\"$CFLAGS -Wp,-D_GLIBCXX_ASSERTIONS\"
MAKEFLAGS=\"-j11\"
BUILDENV=(distcc color !ccache check !sign)
OPTIONS=(strip docs !libtool)
DISTCC_HOSTS=\"192.168.0.2/5,lzo 192.168.0.3/3 192.168.0.4/3\"
";

/// A root directory with makepkg's functions, a user, compilers, links and a good configuration.
pub(crate) struct Machine {
    work: Workdir,
    /// Of the user `u`.
    pub(crate) uid: u32,
}

impl Machine {
    /// None after a skip has been announced.
    pub(crate) fn new() -> Option<Machine> {
        need::program("makepkg", "apt-get install makepkg")?;
        let (uid, gid) = match geteuid() {
            root if root.is_root() => (54321, 54321),
            us => (us.as_raw(), getegid().as_raw()),
        };
        let there = Machine { work: Workdir::new(), uid };
        there.write("etc/passwd", &format!("root:x:0:0::/root:/bin/sh\nu:x:{uid}:{gid}::/home/u:/bin/sh\n"));
        there.write("etc/makepkg.conf", GOOD);
        fs::create_dir_all(there.at("usr/share")).unwrap();
        symlink("/usr/share/makepkg", there.at("usr/share/makepkg")).unwrap();
        for program in ["gcc", "g++", "cc", "c++", "distcc"] {
            there.write(&format!("usr/bin/{program}"), "#!/bin/sh\nexit 1\n");
            fs::set_permissions(there.at(&format!("usr/bin/{program}")), fs::Permissions::from_mode(0o755))
                .unwrap();
        }
        fs::create_dir_all(there.at("usr/lib/distcc/bin")).unwrap();
        for compiler in ["gcc", "g++", "cc", "c++"] {
            symlink("../../../bin/distcc", there.at("usr/lib/distcc/bin").join(compiler)).unwrap();
        }
        there.write("home/u/.distcc/lock/cpu_localhost_0", "");
        for path in ["home/u", "home/u/.distcc", "home/u/.distcc/lock", "home/u/.distcc/lock/cpu_localhost_0"]
        {
            chown(there.at(path), Some(uid), Some(gid)).unwrap();
        }
        symlink("/usr/bin/makepkg", there.at("usr/bin/makepkg")).unwrap();
        Some(there)
    }

    pub(crate) fn root(&self) -> String {
        self.work.src().display().to_string()
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.work.src().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    /// Gives a file these permissions.
    pub(crate) fn allow(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Changes the first such words of makepkg.conf.
    pub(crate) fn replace(&self, old: &str, new: &str) {
        let text = fs::read_to_string(self.at("etc/makepkg.conf")).unwrap();
        assert!(text.contains(old), "{old}");
        self.write("etc/makepkg.conf", &text.replacen(old, new, 1));
    }

    /// Gives it functions of makepkg that read drop-ins, as those of 6.1 and later do.
    pub(crate) fn reads_drop_ins(&self) {
        fs::remove_file(self.at("usr/share/makepkg")).unwrap();
        for (from, to) in [("buildenv.sh", "buildenv.sh"), ("buildenv", "buildenv")] {
            fs::create_dir_all(self.at("usr/share/makepkg/util")).unwrap();
            symlink(Path::new("/usr/share/makepkg").join(from), self.at("usr/share/makepkg").join(to))
                .unwrap();
        }
        for name in ["error", "message", "option", "util"] {
            let name = format!("util/{name}.sh");
            symlink(Path::new("/usr/share/makepkg").join(&name), self.at("usr/share/makepkg").join(&name))
                .unwrap();
        }
        let loader = fs::read_to_string("/usr/share/makepkg/util/config.sh").unwrap();
        let reads = "source_safe \"$MAKEPKG_CONF\"";
        let drop_ins = "if [[ -d \"$MAKEPKG_CONF.d\" ]]; then \
            for c in \"$MAKEPKG_CONF.d\"/*.conf; do source_safe \"$c\"; done; fi";
        let loader = loader.replacen(reads, &format!("{reads}; {drop_ins}"), 1);
        self.write("usr/share/makepkg/util/config.sh", &loader);
    }

    pub(crate) fn check(&self, words: &[&str]) -> Outcome {
        self.check_in("", words)
    }

    pub(crate) fn check_in(&self, directory: &str, words: &[&str]) -> Outcome {
        self.check_as("u", directory, words)
    }

    pub(crate) fn check_as(&self, user: &str, directory: &str, words: &[&str]) -> Outcome {
        let mut command = clean(env!("CARGO_BIN_EXE_distcc-arch"));
        command.args(["check", "--offline", "--user", user, "--root", &self.root()]).args(words);
        command.current_dir(self.at(directory)).env("HOME", self.at("home/u")).env("TMPDIR", self.work.tmp());
        run(command)
    }

    /// Runs a remedy that bash alone understands.
    pub(crate) fn type_in_bash(&self, remedy: &str) {
        let mut shell = clean(Path::new("bash"));
        shell.args(["-c", remedy]);
        run(shell).good();
    }

    /// Runs a remedy as a shell would.
    pub(crate) fn type_in(&self, remedy: &str) {
        let mut shell = clean(Path::new("/bin/sh"));
        shell.args(["-c", remedy]);
        run(shell).good();
    }
}
