//! A build with planted faults: which one this process is.

use protocol::mutants::{UnknownMutant, VARIABLE, from_environment};

/// Takes the fault that the environment names, and says loudly that this is no build for players.
pub(crate) fn choose() -> Result<(), UnknownMutant> {
    match from_environment()? {
        Some(mutant) => tracing::warn!(
            target: "worldboss",
            "this process is the mutant `{}`. {} Nothing that it says is to be trusted",
            mutant.name(), mutant.what(),
        ),
        None => tracing::warn!(
            target: "worldboss",
            "this build has planted faults, and {VARIABLE} chooses one; players get another build",
        ),
    }
    Ok(())
}
