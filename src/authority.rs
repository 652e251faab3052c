//! `--authority`: the owner of the truth, wherever it runs.

use ::authority::{Authority, Embedded, Remote};
use anyhow::bail;
use protocol::{BossId, Scenario, Spawn, Unavailable};
use std::path::Path;
use std::sync::Arc;

/// Opens the authority that a flag names.
pub(crate) fn open(flag: &str) -> anyhow::Result<Arc<dyn Authority>> {
    if let Some(dir) = flag.strip_prefix("embedded:").filter(|dir| !dir.is_empty()) {
        return Ok(Arc::new(Embedded::open(Path::new(dir))?));
    }
    if flag.starts_with("ws:") || flag.starts_with("wss:") {
        return Ok(Arc::new(Remote::new(flag)?));
    }
    bail!("`{flag}` names no authority; this build has embedded:DIR and ws://HOST:PORT")
}

/// The boss that is played, which begins if the authority does not have it. A scenario that was
/// named also becomes that of its next generation; the one that comes along changes nothing.
pub(crate) async fn boss(
    authority: &dyn Authority,
    scenario: Scenario,
    named: bool,
) -> anyhow::Result<BossId> {
    let Scenario { id: boss, spec } = scenario;
    let missing = matches!(authority.truth(boss).await, Err(Unavailable::NoBoss(_)));
    if missing || named {
        authority.spawn(Spawn { boss, spec: Box::new(spec) }).await?;
    }
    Ok(boss)
}
