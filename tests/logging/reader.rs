//! A socket that stands in for journald's or syslogd's and keeps all that is sent to it. Knows nothing of senders.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use test_hosts::wait::wait_for;

use crate::record::Record;

/// Nothing that is waited for may take longer.
const SOON: Duration = Duration::from_secs(20);
/// How long the end of a reader may take.
const BEAT: Duration = Duration::from_millis(20);

/// Dropped, it is gone and its path free.
pub(crate) struct Reader {
    path: PathBuf,
    kept: Arc<Mutex<Vec<Vec<u8>>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Everybody may write to it, as a daemon that gave up root has to.
    pub(crate) fn at(path: &Path) -> Reader {
        let socket = bound(path);
        socket.set_read_timeout(Some(BEAT)).unwrap();
        let (kept, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (keep, stopped) = (Arc::clone(&kept), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            let mut buffer = vec![0; 1 << 18];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok(length) = socket.recv(&mut buffer) {
                    keep.lock().unwrap().push(buffer[..length].to_vec());
                }
            }
        });
        Reader { path: path.to_owned(), kept, stop, thread: Some(thread) }
    }

    /// All lines so far, as syslogd sees them.
    pub(crate) fn lines(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        kept.iter().map(|line| String::from_utf8(line.clone()).unwrap()).collect()
    }

    /// All records so far, as journald sees them.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.kept.lock().unwrap().iter().map(|bytes| Record::read(bytes)).collect()
    }

    /// The first record that tells of `text`, waited for.
    #[track_caller]
    pub(crate) fn record(&self, text: &str) -> Record {
        wait_for(SOON, &format!("a record of \"{text}\""), || {
            self.records().into_iter().find(|record| record.get("MESSAGE").contains(text))
        })
    }

    /// The first line with `text` in it and the one before that, waited for.
    #[track_caller]
    pub(crate) fn line(&self, text: &str) -> [String; 2] {
        wait_for(SOON, &format!("a line with \"{text}\""), || {
            let lines = self.lines();
            let at = lines.iter().position(|line| line.contains(text))?;
            Some([lines[at].clone(), at.checked_sub(1).map_or(String::new(), |at| lines[at].clone())])
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
        let _ = fs::remove_file(&self.path);
    }
}

/// A socket there that nobody reads yet.
pub(crate) fn bound(path: &Path) -> UnixDatagram {
    let socket = UnixDatagram::bind(path).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o666)).unwrap();
    socket
}
