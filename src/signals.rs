//! What the operating system asks for.

use tokio::signal::unix::{SignalKind, signal};

/// A request to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Ctrl-C: exit code 130.
    Interrupt,
    /// SIGTERM: exit code 0.
    Terminate,
}

impl Asked {
    /// The exit code of a clean stop.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 0,
        }
    }
}

/// Waits for a request to stop. A second one ends the process at once: journals keep it safe.
pub(crate) async fn asked() -> std::io::Result<Asked> {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let asked = tokio::select! {
        _ = interrupt.recv() => Asked::Interrupt,
        _ = terminate.recv() => Asked::Terminate,
    };
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => std::process::exit(130),
            _ = terminate.recv() => std::process::exit(143),
        }
    });
    Ok(asked)
}
