//! What a process says of itself on `/metrics`, under the names that Prometheus clients share.

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rustix::param::page_size;
use rustix::time::{ClockId, clock_gettime};
use std::sync::atomic::AtomicU64;

/// The page of `/metrics`: the metrics of `registry`, and the processor time, memory and open files
/// of this process. Linux alone tells the latter two.
#[must_use]
pub fn page(registry: &Registry) -> String {
    let mut page = String::new();
    let written = encode_registry(&mut page, registry)
        .and_then(|()| encode_registry(&mut page, &process()))
        .and_then(|()| encode_eof(&mut page));
    written.expect("writing to a String can't fail");
    page
}

fn process() -> Registry {
    let mut registry = Registry::default();
    let cpu = Counter::<f64, AtomicU64>::default();
    cpu.inc_by(cpu_seconds());
    registry.register("process_cpu_seconds", "Processor time used", cpu);
    let mut add = |name, help, value: Option<u64>| {
        if let Some(value) = value.and_then(|value| i64::try_from(value).ok()) {
            let gauge: Gauge = Gauge::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        }
    };
    add("process_resident_memory_bytes", "Memory that is resident", resident_bytes());
    add("process_open_fds", "Open files and sockets", open_files());
    registry
}

fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

fn resident_bytes() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let resident: u64 = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(resident * page_size() as u64)
}

fn open_files() -> Option<u64> {
    // Since Linux 6.2 the directory's size is their number. To count 20,000 takes 60 ms.
    match std::fs::metadata("/proc/self/fd").ok()?.len() {
        0 => Some(std::fs::read_dir("/proc/self/fd").ok()?.count() as u64),
        open => Some(open),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_of_the_process_beside_the_metrics_and_ends_once() {
        let mut registry = Registry::with_prefix("worldboss");
        registry.register("x", "Something", Gauge::<i64>::default());
        let page = page(&registry);
        for needle in ["worldboss_x 0\n", "process_cpu_seconds_total ", "# EOF\n"] {
            assert_eq!(page.matches(needle).count(), 1, "{needle} in {page}");
        }
        assert!(page.ends_with("# EOF\n"));
        if cfg!(target_os = "linux") {
            assert!(page.contains("process_resident_memory_bytes "), "{page}");
            assert!(page.contains("process_open_fds "), "{page}");
        }
    }
}
