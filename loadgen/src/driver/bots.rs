//! A few labelled bots that keep a boss busy until they are told to stop.

use super::LoadError;
use super::crowd::{Crowd, Phase};
use super::target::Target;
use crate::machine::{BotConfig, Seat};
use protocol::Micros;
use score::Clock;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Hits a second of each bot.
const RATE: f64 = 2.5;
/// How long the bots have to close their connections.
const CLOSE_MAX: Duration = Duration::from_secs(3);

const NAMES: [&str; 24] = [
    "Ada", "Brynn", "Corvin", "Dara", "Elowen", "Fenn", "Greta", "Halvar", "Isolde", "Jorun",
    "Kael", "Lirien", "Marek", "Nyra", "Orin", "Petra", "Quill", "Runa", "Soren", "Tamsin",
    "Ulric", "Vesna", "Wren", "Yara",
];

/// Lets `count` bots play on a target until `stop` completes. They come back after every loss.
///
/// # Errors
/// [`LoadError::Target`] if the target is no address, [`LoadError::System`] without a thread.
pub async fn bots(
    target: String,
    count: u32,
    seed: u64,
    stop: impl Future<Output = ()>,
) -> Result<(), LoadError> {
    let targets = Arc::from([Target::look_up(&target).await?]);
    let (clock, mut seeds) = (Clock::start(), fastrand::Rng::with_seed(seed));
    let seats = (0..count).zip((1..).flat_map(names)).map(|(index, name)| {
        let connects = Micros::from_millis(20 * u64::from(index));
        let config = BotConfig { connects, every: 0, mix: true, ..BotConfig::new(name, RATE) };
        Seat { config, seed: seeds.u64(..) }
    });
    let crowd = Crowd::start(seats, targets, clock, None);
    let mut crowd = crowd.map_err(|error| LoadError::System(error.to_string()))?;
    crowd.turn(Phase::Load { start: Micros(0) });
    stop.await;
    crowd.turn(Phase::Close);
    // Whoever is not through by then is cut when the crowd drops.
    drop(timeout(CLOSE_MAX, crowd.over()).await);
    Ok(())
}

/// All names once; from the second round on with its number.
fn names(round: u32) -> impl Iterator<Item = String> {
    NAMES.iter().map(move |name| match round {
        1 => format!("Bot {name}"),
        _ => format!("Bot {name} {round}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::limits::NAME_CHARS_MAX;
    use std::collections::BTreeSet;

    #[test]
    fn bots_are_labelled_and_no_two_share_a_name() {
        let names: Vec<_> = (1..).flat_map(names).take(2_000).collect();
        assert!(names.iter().all(|name| name.starts_with("Bot ")));
        assert!(names.iter().all(|name| name.chars().count() <= NAME_CHARS_MAX));
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
