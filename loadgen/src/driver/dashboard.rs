//! The whole terminal shows how a run does, four times a second.
//!
//! It reads no keys: Ctrl-C is the signal that it is without a dashboard.

mod screen;

use super::LoadConfig;
use super::crowd::{Phase, Shared};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use score::Clock;
use screen::Sight;
use std::io::{Result, Stderr, stderr, stdin};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::interval;

/// From one picture to the next.
const EVERY: Duration = Duration::from_millis(250);
/// Seconds that the pictures reach back.
pub(super) const REACH: usize = 240;

/// The dashboard of a run, until it is dropped. Then the terminal is as it was.
#[derive(Debug)]
pub(super) struct Dashboard {
    task: JoinHandle<()>,
    end: Option<oneshot::Sender<()>>,
    before: Termios,
}

impl Dashboard {
    /// Takes the terminal; none if it is not this process's to take.
    pub(super) fn start(
        config: &LoadConfig,
        clock: Clock,
        recorder: Shared,
        phases: watch::Receiver<Phase>,
    ) -> Option<Self> {
        let before = silence()?;
        let (end, mut ended) = oneshot::channel();
        let mut drawn = Sight::new(config);
        let task = tokio::spawn(async move {
            let Ok(mut terminal) = open() else { return };
            let mut ticks = interval(EVERY);
            loop {
                tokio::select! {
                    _ = ticks.tick() => {}
                    _ = &mut ended => return,
                }
                drawn.look(clock.now(), *phases.borrow(), &recorder.lock());
                if terminal.draw(|frame| screen::draw(frame, &drawn)).is_err() {
                    return;
                }
            }
        });
        Some(Self { task, end: Some(end), before })
    }

    /// Ends it, after the picture that is being drawn.
    pub(super) async fn stop(mut self) {
        drop(self.end.take());
        drop((&mut self.task).await);
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.task.abort();
        execute!(stderr(), LeaveAlternateScreen, Show).ok();
        tcsetattr(stdin(), OptionalActions::Now, &self.before).ok();
    }
}

fn open() -> Result<Terminal<CrosstermBackend<Stderr>>> {
    execute!(stderr(), EnterAlternateScreen, Hide)?;
    Terminal::new(CrosstermBackend::new(stderr()))
}

/// Keeps what is typed off the picture; answers how the terminal was. A process in the background
/// would be stopped for that.
fn silence() -> Option<Termios> {
    if tcgetpgrp(stdin()).ok()? != getpgrp() {
        return None;
    }
    let before = tcgetattr(stdin()).ok()?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
    tcsetattr(stdin(), OptionalActions::Now, &silent).ok()?;
    Some(before)
}
