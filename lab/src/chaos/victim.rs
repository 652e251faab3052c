//! Whom the faults of processes happen to: a process of ours, or the master of a Redis.

use super::place::Pair;
use super::process::Process;

/// A process that something can be done to.
#[derive(Debug)]
pub(super) enum Victim<'a> {
    Process(&'a mut Process),
    Master(&'a mut Pair),
}

impl Victim<'_> {
    pub(super) fn pid(&self) -> Option<u32> {
        match self {
            Self::Process(process) => process.pid(),
            Self::Master(pair) => pair.pid(),
        }
    }

    pub(super) async fn kill(&mut self) -> Result<(), String> {
        match self {
            Self::Process(process) => process.kill().await,
            Self::Master(pair) => pair.kill(),
        }
    }

    pub(super) async fn pause(&mut self) -> Result<(), String> {
        match self {
            Self::Process(process) => process.pause().await,
            Self::Master(pair) => pair.pause(),
        }
    }

    pub(super) async fn resume(&mut self) -> Result<(), String> {
        match self {
            Self::Process(process) => process.resume().await,
            Self::Master(pair) => pair.resume(),
        }
    }

    pub(super) async fn ask_to_end(&mut self) -> Result<(), String> {
        match self {
            Self::Process(process) => process.ask_to_end().await,
            Self::Master(pair) => pair.terminate(),
        }
    }

    /// Whether one that was asked to end has; an error if it did not end in order.
    pub(super) async fn has_ended(&mut self) -> Result<bool, String> {
        let Self::Process(process) = self else { return Ok(true) };
        if process.pid().is_none() {
            return Ok(true);
        }
        match process.ended().await? {
            None => Ok(false),
            Some(status) if status.success() => Ok(true),
            Some(status) => {
                let (name, said) = (process.name(), process.last_words());
                Err(format!("{name} ended by {status}, saying: {said}"))
            }
        }
    }

    pub(super) fn start(&mut self) -> Result<(), String> {
        match self {
            Self::Process(process) => process.start(),
            Self::Master(pair) => pair.start_again(),
        }
    }

    /// From now on, its replica hears nothing.
    pub(super) fn cut_tie(&mut self) -> Result<(), String> {
        match self {
            Self::Process(_) => Err(NO_REPLICA.to_owned()),
            Self::Master(pair) => pair.cut_tie(),
        }
    }

    /// How many entries of its log its replica lacks.
    pub(super) fn unheard(&self) -> Result<u64, String> {
        match self {
            Self::Process(_) => Err(NO_REPLICA.to_owned()),
            Self::Master(pair) => pair.unheard(),
        }
    }

    /// Kills it, and lets its replica take over; who that is.
    pub(super) fn fail_over(&mut self) -> Result<String, String> {
        match self {
            Self::Process(_) => Err(NO_REPLICA.to_owned()),
            Self::Master(pair) => pair.fail_over(),
        }
    }
}

const NO_REPLICA: &str = "it has no replica";
