//! What processes have spent, from /proc.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Nanoseconds of one tick of /proc/stat and /proc/PID/stat, which Linux tells in hundredths of a
/// second.
const STAT_TICK_NS: u64 = 10_000_000;

/// What some processes have spent so far, and everybody on their core.
#[derive(Clone, Debug)]
pub(crate) struct Spent {
    /// Nanoseconds of each thread that runs.
    threads: BTreeMap<u64, u64>,
    /// Nanoseconds of all threads, also of those that have ended, in coarse steps.
    coarse: u64,
    /// Nanoseconds of everybody on the core, in coarse steps.
    core: u64,
}

impl Spent {
    /// As of now.
    pub(crate) fn read(ids: &[u32], core: usize) -> Result<Self, String> {
        let (mut threads, mut coarse) = (BTreeMap::new(), 0);
        for id in ids {
            let dir = format!("/proc/{id}/task");
            for entry in fs::read_dir(&dir).map_err(|error| format!("{dir}: {error}"))?.flatten() {
                // A thread may end between two looks; the coarse sum has it.
                let Ok(text) = fs::read_to_string(entry.path().join("schedstat")) else { continue };
                let thread = entry.file_name().to_string_lossy().parse().unwrap_or_default();
                let spent = text.split(' ').next().and_then(|word| word.parse().ok());
                threads.insert(thread, spent.unwrap_or_default());
            }
            coarse += stat(*id)?;
        }
        Ok(Self { threads, coarse, core: busy(core)? })
    }

    /// Seconds since an earlier moment: exact, unless a thread has ended in between.
    pub(crate) fn since(&self, before: &Self) -> f64 {
        let is_whole = before.threads.keys().all(|thread| self.threads.contains_key(thread));
        let exact = self.threads.iter().map(|(thread, spent)| {
            spent.saturating_sub(before.threads.get(thread).copied().unwrap_or_default())
        });
        let spent = if is_whole { exact.sum() } else { self.coarse - before.coarse };
        Duration::from_nanos(spent).as_secs_f64()
    }

    /// Seconds of all processes on the core since an earlier moment.
    pub(crate) fn core_since(&self, before: &Self) -> f64 {
        Duration::from_nanos(self.core.saturating_sub(before.core)).as_secs_f64()
    }
}

/// All that a core has done but to idle and to wait for disks, the fourth and fifth of its numbers.
fn busy(core: usize) -> Result<u64, String> {
    let path = "/proc/stat";
    let text = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let name = format!("cpu{core} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name));
    let words = line.ok_or(format!("{path}: no core {core}"))?.split_whitespace().take(8);
    let ticks = words.enumerate().filter(|(place, _)| !matches!(place, 3 | 4));
    Ok(ticks.flat_map(|(_, word)| word.parse::<u64>()).sum::<u64>() * STAT_TICK_NS)
}

/// The 14th and 15th field: user and system time of all threads. Names may hold spaces, and stand
/// in parentheses before the third one.
fn stat(id: u32) -> Result<u64, String> {
    let path = format!("/proc/{id}/stat");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2).map(|word| word.parse::<u64>());
    Ok(ticks.flatten().sum::<u64>() * STAT_TICK_NS)
}

/// Resident memory of all together, in KiB.
pub(crate) fn resident_kib(ids: &[u32]) -> Result<u64, String> {
    let mut sum = 0;
    for id in ids {
        let path = format!("/proc/{id}/status");
        let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let word = line.and_then(|line| line.split_whitespace().next());
        sum += word.and_then(|word| word.parse::<u64>().ok()).ok_or(format!("{path}: no VmRSS"))?;
    }
    Ok(sum)
}
