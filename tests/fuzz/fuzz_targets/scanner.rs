//! Any bytes as a source and its header: a scan ends soon, with files that are there or with a refusal.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use include_scan::{Budget, Command, Scanner};
use libfuzzer_sys::fuzz_target;

/// One memory for all runs, as the include server has.
static SCANNER: LazyLock<(Scanner, PathBuf)> = LazyLock::new(|| {
    let place = Path::new("/dev/shm").join(format!("distcc-arch-fuzz-{}", std::process::id()));
    fs::create_dir_all(&place).expect("a directory in memory");
    (Scanner::new(Budget { bytes: 32 << 20 }), place)
});

fuzz_target!(|input: (u8, &[u8])| {
    let (standard, text) = input;
    let (scanner, place) = &*SCANNER;
    let at = text.windows(2).position(|pair| pair == b"\n\n").unwrap_or(text.len());
    let (source, header) = text.split_at(at);
    for (name, text) in [("x.c", source), ("h.h", header)] {
        fs::write(place.join(name), text).expect("a file in memory");
    }
    let standard = ["-std=gnu17", "-std=c99", "-xc++", "-std=c89"][usize::from(standard % 4)];
    let words = ["/usr/bin/gcc", standard, "-I.", "-c", "x.c"].map(Into::into).to_vec();
    let command = Command {
        directory: place.clone(),
        words,
        environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
    };
    if let Ok(names) = scanner.reads(&command) {
        assert!(names.iter().all(|name| name.is_file()), "{names:?}");
    }
});
