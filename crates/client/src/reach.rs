//! How a host is got hold of for one exchange of words: through the network, or through an ssh that is heard when it fails.
//! Knows nothing of the words.

use crate::connection::{self, Connection};
use crate::interrupts::Interrupts;
use crate::remote::{Failure, broken};
use crate::ssh::{Ssh, Target};
use crate::ssh_failure;
use hosts::{Host, Place};
use job_state::Phase;
use logging::Log;
use std::time::Duration;

/// What leads to hosts.
#[derive(Clone, Copy)]
pub(crate) struct Reach<'a> {
    /// The longest silence of a host.
    pub(crate) silence: Duration,
    /// What leads to ssh hosts, or why nothing does.
    pub(crate) ssh: &'a Result<Vec<String>, String>,
    /// Where ssh's own words go.
    pub(crate) log: &'a Log,
    pub(crate) interrupts: &'a Interrupts,
}

impl<'a> Reach<'a> {
    /// Has `talk` talk to the daemon on `host`, both of which tell `phase` where that stands.
    ///
    /// # Errors
    /// [`Failure`], be it that of `talk`.
    pub(crate) fn converse<T>(
        &self,
        host: &Host,
        phase: &mut dyn FnMut(Phase),
        talk: impl FnOnce(&mut Connection, &mut dyn FnMut(Phase)) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        if host.auth {
            return Err(Failure::Unsupported("hosts that want authentication"));
        }
        match &host.place {
            Place::Local => Err(Failure::Ours("localhost needs no connection".into())),
            Place::Tcp { name, port } => {
                let addresses = connection::resolve(name, *port, self.interrupts)?;
                phase(Phase::Connect);
                let mut connection = Connection::open(&addresses, self.silence, self.interrupts)?;
                talk(&mut connection, phase)
            }
            Place::Ssh { user, name, command } => {
                let target = Target { user: user.as_deref(), name, daemon: command.as_deref() };
                let mut connection = self.connect_through_ssh(target)?;
                phase(Phase::Connect);
                let answer = talk(&mut connection, phase);
                self.part_from_ssh(answer, connection)
            }
        }
    }

    fn connect_through_ssh(&self, target: Target) -> Result<Connection<'a>, Failure> {
        let program = self.ssh.as_ref().map_err(|problem| Failure::Ssh(problem.clone()))?;
        let (ssh, stream) = Ssh::start(program, target, self.interrupts)
            .map_err(|error| Failure::Ssh(format!("cannot start {}: {error}", program[0])))?;
        Ok(Connection::through(ssh, stream, self.silence, self.interrupts))
    }

    /// ssh knows best why there is no answer. What it says goes to our log, never to where a compiler's messages go.
    fn part_from_ssh<T>(&self, answer: Result<T, Failure>, connection: Connection) -> Result<T, Failure> {
        let Some(ssh) = connection.close() else { return answer };
        let farewell =
            ssh.part(answer.is_err(), self.interrupts).map_err(|error| broken("ending ssh", error))?;
        for line in &farewell.said {
            self.log.info(format_args!("ssh: {line}"));
        }
        answer.map_err(|failure| match failure {
            Failure::Interrupted(_)
            | Failure::NoIncludes(_)
            | Failure::Ours(_)
            | Failure::Refused(_)
            | Failure::NotThisJob(_) => failure,
            Failure::SourcesNotTaken(_) | Failure::NotTold | Failure::ProofNotTaken
                if ssh_failure::has_started(&farewell) =>
            {
                failure
            }
            failure => Failure::Ssh(ssh_failure::describe(&failure, &farewell)),
        })
    }
}
