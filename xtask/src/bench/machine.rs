//! What the figures were measured on.

use crate::run;
use std::fmt::{Display, Formatter, Result};
use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

/// The machine, as far as it says what it is.
#[derive(Debug)]
pub(super) struct Machine {
    /// The name of its CPU.
    pub(super) cpu: String,
    /// Cores that this program may use; 0 if the system does not tell.
    pub(super) cores: usize,
    /// Kernel and compiler.
    pub(super) system: String,
}

impl Machine {
    pub(super) fn look(root: &Path) -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name"));
        let cpu = cpu.map(|name| name.trim_start_matches([' ', '\t', ':']));
        let said = |line: &[&str]| run::read(root, line).unwrap_or_default().trim().to_owned();
        let system = [said(&["uname", "-sr"]), said(&["rustc", "--version"])];
        Self {
            cpu: cpu.unwrap_or("an unnamed CPU").to_owned(),
            cores: available_parallelism().map_or(0, usize::from),
            system: system.into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(", "),
        }
    }
}

impl Display for Machine {
    fn fmt(&self, into: &mut Formatter<'_>) -> Result {
        let Self { cpu, cores, system } = self;
        write!(into, "{cpu}, {cores} cores, {system}")
    }
}
