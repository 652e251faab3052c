//! One run: a server, its players, and what it has spent while they were counted.

use super::Options;
use super::contender::Contender;
use super::cores::Cores;
use super::figures::Measured;
use super::process::Server;
use super::swarm::{Game, Swarm};
use super::usage::{Spent, resident_kib};
use crate::client::Phase;

/// Lets players play on a server that is started for them. The error is a sentence that names the
/// server and shows the end of its log.
pub(crate) fn on_server<T>(
    options: &Options,
    cores: &Cores,
    game: Game,
    drive: impl FnOnce(&Server) -> Result<T, String>,
) -> Result<T, String> {
    let name = game.contender.name();
    let server = Server::start(options, cores, game)
        .map_err(|why| format!("{name} did not start: {why}"))?;
    drive(&server).map_err(|why| {
        let tail = server.tail();
        let said = if tail.is_empty() { "nothing" } else { tail.as_str() };
        format!("{name} with {} players: {why}; its log ends with: {said}", game.players)
    })
}

/// Measures.
pub(crate) fn measure(
    options: &Options,
    cores: &Cores,
    contender: Contender,
    players: usize,
) -> Result<Measured, String> {
    let (seconds, quiet_seconds) = (options.seconds, options.seconds / 2);
    let game = Game { contender, players, seconds, quiet_seconds };
    on_server(options, cores, game, |server| drive(server, cores, game))
}

fn drive(server: &Server, cores: &Cores, game: Game) -> Result<Measured, String> {
    let ids = server.ids();
    let kib_before = resident_kib(&ids)?;
    let swarm = Swarm::start(server, game)?;
    swarm.wait_for(Phase::Hits)?;
    let at_hits = Spent::read(&ids, cores.server())?;
    swarm.wait_for(Phase::CalmDown)?;
    let at_calm = Spent::read(&ids, cores.server())?;
    let kib_playing = resident_kib(&ids)?;
    swarm.wait_for(Phase::Quiet)?;
    let at_quiet = Spent::read(&ids, cores.server())?;
    swarm.wait_for(Phase::Over)?;
    let at_end = Spent::read(&ids, cores.server())?;
    Ok(Measured {
        cpu_hits_s: at_calm.since(&at_hits),
        core_hits_s: at_calm.core_since(&at_hits),
        cpu_quiet_s: at_end.since(&at_quiet),
        kib_before,
        kib_playing,
        report: swarm.report()?,
    })
}
