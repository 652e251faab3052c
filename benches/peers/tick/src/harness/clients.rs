//! The clients side by side: what a received frame costs `worldboss loadgen`, which books and
//! measures everything, and the raw client, which only counts.

use super::Options;
use super::contender::Contender;
use super::cores::Cores;
use super::figures::Spread;
use super::measure::on_server;
use super::process::{Process, Server};
use super::swarm::{Game, Swarm};
use super::tables::{Bound, spread, verdict};
use crate::client::Phase;
use loadgen::machine::Latency;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::process::Command;

/// How many times the raw client's CPU loadgen may spend on a frame.
const RATIO: Bound = Bound::AtMost(1.5);

/// Who plays on worldboss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Client {
    /// That of all servers, on bare epoll.
    Raw,
    /// `worldboss loadgen`, as anybody runs it.
    Loadgen,
}

/// One client in one round, on a server of its own.
#[derive(Debug, Serialize)]
pub(crate) struct ClientRun {
    client: Client,
    players: usize,
    /// From 1.
    round: usize,
    /// Or the sentence why not.
    measured: Result<Spent, String>,
}

/// What a client has spent while its players hit.
#[derive(Clone, Copy, Debug, Serialize)]
struct Spent {
    /// Microseconds of all its threads per received frame, hits and all.
    us_per_frame: f64,
    /// Received frames; those of loadgen's ramp and drain with them.
    frames: u64,
    /// Of the time between two frames of one player.
    interval_p99_ms: f64,
    /// By how much hits leave late, if the client looks.
    lag_p99_ms: Option<f64>,
}

/// What matters here of loadgen's report.
#[derive(Debug, Deserialize)]
struct Told {
    cpu_us_per_frame: f64,
    frames_received: u64,
    frame_interval_ms: Latency,
    generator_lag_ms: Latency,
}

/// Lets both clients take turns.
pub(crate) fn compare(options: &Options, cores: &Cores, players: usize) -> Vec<ClientRun> {
    let turns = (1..=options.rounds)
        .flat_map(|round| [Client::Raw, Client::Loadgen].map(|client| (client, round)));
    let runs = turns.map(|(client, round)| {
        let seconds = options.seconds;
        let game = Game { contender: Contender::Worldboss, players, seconds, quiet_seconds: 1 };
        let measured = on_server(options, cores, game, |server| match client {
            Client::Raw => raw(server, game),
            Client::Loadgen => loadgen(options, server, game),
        });
        let run = ClientRun { client, players, round, measured };
        eprintln!("{}", run.line());
        run
    });
    runs.collect()
}

fn raw(server: &Server, game: Game) -> Result<Spent, String> {
    let swarm = Swarm::start(server, game)?;
    swarm.wait_for(Phase::Over)?;
    let report = swarm.report()?;
    #[expect(clippy::cast_precision_loss, reason = "frames of some minutes")]
    let us_per_frame = report.hits.client_cpu * 1e6 / report.hits.frames as f64;
    let (frames, interval_p99_ms) = (report.hits.frames, report.interval_p99_ms);
    Ok(Spent { us_per_frame, frames, interval_p99_ms, lag_p99_ms: None })
}

fn loadgen(options: &Options, server: &Server, game: Game) -> Result<Spent, String> {
    let json = server.path("loadgen.json");
    let mut command = Command::new(&options.worldboss);
    command.args(["loadgen", "--rate", "2", "--target", &format!("ws://{}/ws", server.addr)]);
    command.args(["--players", &game.players.to_string()]);
    command.args(["--duration", &format!("{}s", game.seconds)]);
    // How late it was is in the table.
    command.args(["--lag-max", "1m", "--json"]).arg(&json);
    let mut process = Process::start(&mut command, server.path("client.log"), None)?;
    let status = process.child().wait().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err(format!("loadgen ended ({status}) and said:\n{}", process.tail()));
    }
    let text = std::fs::read_to_string(&json).map_err(|error| error.to_string())?;
    let told: Told = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    Ok(Spent {
        us_per_frame: told.cpu_us_per_frame,
        frames: told.frames_received,
        interval_p99_ms: told.frame_interval_ms.p99,
        lag_p99_ms: Some(told.generator_lag_ms.p99),
    })
}

impl Client {
    /// What tables call it.
    fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Loadgen => "loadgen",
        }
    }
}

impl ClientRun {
    /// Whether it did not work.
    pub(crate) fn is_failed(&self) -> bool {
        self.measured.is_err()
    }

    /// For whoever waits.
    fn line(&self) -> String {
        let Self { client, players, round, measured } = self;
        let name = client.name();
        match measured {
            Ok(spent) => format!(
                "{players} players, round {round}, client {name}: {:.2} us per received frame",
                spent.us_per_frame
            ),
            Err(sentence) => format!("{players} players, round {round}, client {name}: {sentence}"),
        }
    }
}

/// Everything that a person is told at the end. With `is_judged` also whether the limit is kept.
pub(crate) fn table(runs: &[ClientRun], is_judged: bool) -> String {
    let mut text = String::from(
        "\nClients of worldboss: their own CPU while players hit, in us per received frame\n\n\
         | players | client | min / median / max | frames | interval p99 ms | lag p99 ms |\n\
         |---|---|---|---|---|---|\n",
    );
    let mut sizes: Vec<usize> = runs.iter().map(|run| run.players).collect();
    sizes.dedup();
    for &players in &sizes {
        for client in [Client::Raw, Client::Loadgen] {
            let _ = writeln!(text, "{}", row(runs, client, players));
        }
    }
    text.push('\n');
    for &players in sizes.iter().filter(|_| is_judged) {
        let ratio = ratio(runs, players);
        if !ratio.median.is_nan() {
            let what = format!("CPU per received frame, loadgen / raw, {players} players");
            text.push_str(&verdict(&what, ratio, RATIO));
        }
    }
    text
}

fn row(runs: &[ClientRun], client: Client, players: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "frames of some minutes")]
    let frames = |spent: &Spent| spent.frames as f64;
    let of =
        |figure: fn(&Spent) -> f64| Spread::of(of(runs, client, players).map(|(_, s)| figure(s)));
    let us_per_frame = of(|spent| spent.us_per_frame);
    if us_per_frame.median.is_nan() {
        return format!("| {players} | {} | failed | | | |", client.name());
    }
    let lag = of(|spent| spent.lag_p99_ms.unwrap_or(f64::NAN)).median;
    format!(
        "| {players} | {} | {} | {:.0} | {:.1} | {} |",
        client.name(),
        spread(us_per_frame),
        of(frames).median,
        of(|spent| spent.interval_p99_ms).median,
        if lag.is_nan() { "-".to_owned() } else { format!("{lag:.1}") },
    )
}

/// What loadgen spends in parts of what the raw client does, by round.
fn ratio(runs: &[ClientRun], players: usize) -> Spread {
    Spread::of(of(runs, Client::Loadgen, players).map(|(round, spent)| {
        let raw = of(runs, Client::Raw, players).find(|(beside, _)| *beside == round);
        spent.us_per_frame / raw.map_or(f64::NAN, |(_, raw)| raw.us_per_frame)
    }))
}

/// A client's runs of this size that worked, with their rounds.
fn of(runs: &[ClientRun], client: Client, players: usize) -> impl Iterator<Item = (usize, &Spent)> {
    let runs = runs.iter().filter(move |run| (run.client, run.players) == (client, players));
    runs.filter_map(|run| Some((run.round, run.measured.as_ref().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(client: Client, round: usize, us_per_frame: Option<f64>) -> ClientRun {
        let spent = |us_per_frame| Spent {
            us_per_frame,
            frames: 500,
            interval_p99_ms: 100.0,
            lag_p99_ms: None,
        };
        let measured = us_per_frame.map(spent).ok_or("the server is full".to_owned());
        ClientRun { client, players: 50, round, measured }
    }

    #[test]
    fn a_ratio_is_to_the_raw_client_of_the_same_round() {
        use Client::{Loadgen, Raw};
        let runs = [
            run(Raw, 1, Some(2.0)),
            run(Loadgen, 1, Some(2.0)),
            run(Raw, 2, Some(4.0)),
            run(Loadgen, 2, Some(8.0)),
            run(Raw, 3, None),
            run(Loadgen, 3, Some(9.0)),
        ];
        let Spread { min, median, max } = ratio(&runs, 50);
        assert_eq!((min, median, max), (1.0, 1.5, 2.0));
        assert!(table(&runs[4..5], true).contains("| 50 | raw | failed |"));
        assert!(table(&runs, true).contains("\u{2713} CPU per received frame"));
        assert!(table(&runs[2..], true).contains("\u{2717} CPU per received frame"));
        assert!(!table(&runs, false).contains("CPU per received frame, loadgen / raw"));
    }
}
