//! Waiting for what other processes do: looks again and again, up to a deadline.

use std::thread;
use std::time::{Duration, Instant};

/// Longest wait for anything. On a busy machine six servers may take seconds to come up.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Long enough that looking does not become the load.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until the probe finds something. What it could not do meanwhile is told only at the
/// deadline.
pub(super) fn until<T>(
    what: &str,
    mut probe: impl FnMut() -> Result<Option<T>, String>,
) -> Result<T, String> {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let reason = match probe() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => String::new(),
            Err(sentence) => format!("; at last: {sentence}"),
        };
        if Instant::now() >= deadline {
            return Err(format!("{what} took longer than {} s{reason}", WAIT_MAX.as_secs()));
        }
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_on_the_way_do_not_end_the_wait() {
        let mut answers = [Err("not yet".to_owned()), Ok(None), Ok(Some(7))].into_iter();
        assert_eq!(until("the answer", || answers.next().expect("asked 3 times")), Ok(7));
    }
}
