//! What fails again and again is said ever more seldom.

use protocol::Unavailable;

/// Failures of one thing, in a row.
#[derive(Debug, Default)]
pub(crate) struct Complaint(u32);

impl Complaint {
    /// Notes how an attempt went. A failure is said if it is the first, second, fourth, eighth and
    /// so on in its row.
    pub(crate) fn hear<T>(&mut self, went: &Result<T, Unavailable>, what: impl FnOnce() -> String) {
        let Err(why) = went else {
            self.0 = 0;
            return;
        };
        self.0 = self.0.saturating_add(1);
        if self.0.is_power_of_two() {
            let (what, times) = (what(), self.0);
            tracing::warn!(
                target: "worldboss::authority",
                "{what}, {times} times now: {why}",
            );
        }
    }
}
