//! Sockets that a service manager listens on and passes to the daemon when somebody connects (sd_listen_fds(3)). Knows
//! nothing of those who connect.

use std::io;
use std::net::TcpListener;

use listenfd::ListenFd;

use crate::options::Options;

/// What was passed, in its order.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    listeners: Vec<TcpListener>,
    /// Why one of them cannot be used.
    problem: Option<String>,
}

impl Passed {
    /// Takes all of them.
    pub(crate) fn take(mut passed: ListenFd) -> Passed {
        let mut taken = Passed::default();
        for at in 0..passed.len() {
            match passed.take_tcp_listener(at) {
                Ok(listener) => taken.listeners.extend(listener),
                Err(error) => taken.problem = Some(unusable(&error)),
            }
        }
        taken
    }

    /// Whether anything was passed.
    pub(crate) fn is_any(&self) -> bool {
        !self.listeners.is_empty() || self.problem.is_some()
    }

    /// Descriptors of the sockets.
    ///
    /// # Errors
    /// Why one of them cannot be used, in one line.
    pub(crate) fn listeners(&self) -> Result<Vec<TcpListener>, String> {
        match &self.problem {
            Some(problem) => Err(problem.clone()),
            None => {
                let listeners = self.listeners.iter().map(TcpListener::try_clone).collect::<Result<_, _>>();
                listeners.map_err(|error| unusable(&error))
            }
        }
    }

    /// Options that say where to listen, where others have decided that: a line for the log.
    pub(crate) fn unheeded(&self, options: &Options) -> Option<String> {
        let given = [("--port", options.port.is_some()), ("--listen", options.listen.is_some())];
        let given: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        let line = || format!("{} not heeded: the service manager passed the sockets", given.join(" and "));
        (self.is_any() && !given.is_empty()).then(line)
    }
}

fn unusable(error: &io::Error) -> String {
    format!("a socket that was passed cannot be used: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options;

    #[test]
    fn where_to_listen_is_not_ours_to_say() {
        let passed = Passed { listeners: vec![TcpListener::bind("127.0.0.1:0").unwrap()], problem: None };
        let check = |passed: &Passed, line: &str, expected: Option<&str>| {
            let words = ["distccd"].into_iter().chain(line.split_whitespace());
            let options = options::parse(words.map(Into::into)).unwrap();
            let unheeded = passed.unheeded(&options);
            let what =
                unheeded.as_deref().and_then(|line| line.split_once(" not heeded")).map(|(what, _)| what);
            assert_eq!(what, expected, "{line}");
        };
        check(&passed, "--daemon", None);
        check(&passed, "--port 3632", Some("--port"));
        check(&passed, "--listen 127.0.0.1 -p 9", Some("--port and --listen"));
        check(&Passed::default(), "--listen 127.0.0.1 -p 9", None);
    }

    #[test]
    fn nothing_passed_is_nothing_wrong() {
        let none = Passed::take(ListenFd::empty());
        assert!(!none.is_any() && none.listeners().unwrap().is_empty());
    }
}
