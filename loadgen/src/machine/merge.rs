//! One report of the runs of several processes.

mod seconds;

use super::bar::PixelErrors;
use super::latency::Samples;
use super::measured::BAR_ERROR;
use super::{ErrorCount, Report, RunInfo, SCHEMA, ServerCost, ShardTotal};
use std::collections::{BTreeMap, BTreeSet};

/// Why reports can't be merged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There is none.
    #[error("there is no report to merge: name at least one file")]
    Empty,
    /// A report of another program.
    #[error("a report has schema {0}, and this is {SCHEMA}: merge with the version that wrote it")]
    Schema(u32),
    /// A report without samples.
    #[error(
        "the report of seed {seed} has no histogram of {field}, and percentiles can't be merged: \
         run it again with this version"
    )]
    Histogram {
        /// The seed of its run.
        seed: u64,
        /// The latency.
        field: String,
    },
    /// The same run again.
    #[error(
        "the run of seed {seed}, begun at {began_unix_ms} ms of Unix time, is here twice: name its \
         file once"
    )]
    Twice {
        /// Its seed.
        seed: u64,
        /// When it began.
        began_unix_ms: u64,
    },
}

impl Report {
    /// The report of all players of some runs, in whatever order they are given.
    ///
    /// Counts add up, percentiles are those of all samples together, and a server that several runs
    /// have read is there once, as the run saw it that read for the longest time. What runs tell of
    /// the world itself, such as fallen bosses, does not add up: the most that one saw counts. The
    /// ledger is the newest; if one run has none, nothing is proven.
    ///
    /// Seconds are aligned by the clock of the machines, to whole ones. Counts and players of a
    /// second add up. Of its latencies only percentiles are known: the median is the mean of the
    /// runs, weighted by their samples, and all others are the worst that a run saw.
    ///
    /// Thresholds and a baseline have to be judged anew.
    ///
    /// # Errors
    /// [`MergeError`] if there is no report, if one is of another schema or without histograms, or
    /// if a run is there twice.
    pub fn merge(mut reports: Vec<Self>) -> Result<Self, MergeError> {
        check(&reports)?;
        reports.sort_by_cached_key(|report| identity(&report.info));
        let mut merged = Self {
            schema: SCHEMA,
            info: info(&reports),
            ledger_version: ledger_version(&reports),
            errors: errors(&reports),
            servers: servers(&reports),
            shards: shards(&reports),
            merged: runs(&reports).cloned().collect(),
            ..Self::default()
        };
        merged.series = seconds::merged(&reports, &merged);
        reports.iter().for_each(|report| merged.add_counts(report));
        merged.add_samples(&reports);
        Ok(merged)
    }

    fn add_counts(&mut self, other: &Self) {
        let frames = self.frames_received as f64 + other.frames_received as f64;
        let cpu_us = |it: &Self| it.cpu_us_per_frame * it.frames_received as f64;
        self.cpu_us_per_frame = (cpu_us(self) + cpu_us(other)) / frames.max(1.0);
        self.cpu_s += other.cpu_s;
        for (sum, more) in self.sums().into_iter().zip(other.clone().sums()) {
            *sum = sum.saturating_add(*more);
        }
        self.players_undrained = self.players_undrained.saturating_add(other.players_undrained);
        self.players_missing = self.players_missing.saturating_add(other.players_missing);
        for (reason, count) in &other.rejected_by {
            let sum = self.rejected_by.entry(reason.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
        for (kind, more) in &other.cheats {
            let sum = self.cheats.entry(kind.clone()).or_default();
            sum.tried = sum.tried.saturating_add(more.tried);
            sum.refused = sum.refused.saturating_add(more.refused);
            sum.let_through = sum.let_through.saturating_add(more.let_through);
        }
        self.generations_unseen = self.generations_unseen.max(other.generations_unseen);
        self.generations_settled = self.generations_settled.max(other.generations_settled);
        extend(&mut self.unfair, &other.unfair);
        extend(&mut self.invalid, &other.invalid);
    }

    /// What adds up.
    fn sums(&mut self) -> [&mut u64; 21] {
        [
            &mut self.hits_sent,
            &mut self.hits_acked,
            &mut self.hits_rejected,
            &mut self.hits_unresolved,
            &mut self.hits_skipped,
            &mut self.damage_acked,
            &mut self.damage_unresolved,
            &mut self.damage_truth,
            &mut self.damage_late,
            &mut self.damage_lost,
            &mut self.damage_doubled,
            &mut self.damage_unseen,
            &mut self.damage_late_untold,
            &mut self.shares_told,
            &mut self.shares_wrong,
            &mut self.shares_untold,
            &mut self.frames_received,
            &mut self.bytes_received,
            &mut self.bytes_sent,
            &mut self.reconnects,
            &mut self.connect_failures,
        ]
    }

    fn add_samples(&mut self, reports: &[Self]) {
        for field in self.latencies().map(|it| it.field) {
            let mut samples = Samples::default();
            let histograms = reports.iter().filter_map(|report| report.histograms.get(field));
            histograms.for_each(|buckets| samples.add(buckets));
            self.measure(field, &samples);
        }
        let mut bars = PixelErrors::default();
        for report in reports {
            let buckets = report.histograms.get(BAR_ERROR).map_or(&[][..], Vec::as_slice);
            bars.add(buckets, report.bar_error_px.max);
        }
        self.measure_bars(&bars);
        self.faults = self.errors.iter().filter(|line| line.fault).map(|line| line.count).sum();
    }
}

fn check(reports: &[Report]) -> Result<(), MergeError> {
    if reports.is_empty() {
        return Err(MergeError::Empty);
    }
    for report in reports {
        if report.schema != SCHEMA {
            return Err(MergeError::Schema(report.schema));
        }
        if let Some(field) = without_histogram(report) {
            return Err(MergeError::Histogram { seed: report.info.seed, field });
        }
    }
    let mut known = BTreeSet::new();
    for run in runs(reports) {
        if !known.insert(identity(run)) {
            let RunInfo { seed, began_unix_ms, .. } = *run;
            return Err(MergeError::Twice { seed, began_unix_ms });
        }
    }
    Ok(())
}

/// A latency that was measured, and whose samples the report does not have.
fn without_histogram(report: &Report) -> Option<String> {
    let measured = report.latencies().into_iter().map(|it| (it.field, it.latency.count));
    let mut measured = measured.chain([(BAR_ERROR, report.bar_error_px.count)]);
    let has = |field: &str| report.histograms.contains_key(field);
    let field = measured.find(|(field, count)| *count > 0 && !has(field));
    let is_bare = |shard: &&ShardTotal| shard.ack_ms.count > 0 && shard.ack_buckets.is_empty();
    let shard = || report.shards.iter().find(is_bare).map(|shard| shard.target.clone());
    field.map(|(field, _)| field.to_owned()).or_else(shard)
}

/// What tells a run from others.
fn identity(run: &RunInfo) -> (u64, u64, String) {
    (run.began_unix_ms, run.seed, run.plan.clone())
}

/// The single runs of which these reports are.
fn runs(reports: &[Report]) -> impl Iterator<Item = &RunInfo> {
    reports.iter().flat_map(|report| match report.merged.as_slice() {
        [] => std::slice::from_ref(&report.info),
        merged => merged,
    })
}

fn info(reports: &[Report]) -> RunInfo {
    let infos = || reports.iter().map(|report| &report.info);
    let players: f64 = infos().map(|info| f64::from(info.players)).sum();
    let hits: f64 = infos().map(|info| f64::from(info.players) * info.rate_per_s).sum();
    let joined = |field: fn(&RunInfo) -> &String| {
        let mut texts = Vec::new();
        infos().for_each(|info| extend(&mut texts, std::slice::from_ref(field(info))));
        texts.join(" + ")
    };
    let mut targets = Vec::new();
    infos().for_each(|info| extend(&mut targets, &info.targets));
    RunInfo {
        seed: reports[0].info.seed,
        targets,
        players: infos().fold(0, |sum, info| sum.saturating_add(info.players)),
        rate_per_s: if players > 0.0 { hits / players } else { 0.0 },
        duration_s: infos().map(|info| info.duration_s).fold(0.0, f64::max),
        interrupted: infos().any(|info| info.interrupted),
        began_unix_ms: infos().map(|info| info.began_unix_ms).min().unwrap_or(0),
        arrivals: joined(|info| &info.arrivals),
        plan: joined(|info| &info.plan),
        version: joined(|info| &info.version),
        command: String::new(),
    }
}

fn ledger_version(reports: &[Report]) -> Option<u64> {
    let versions: Option<Vec<_>> = reports.iter().map(|report| report.ledger_version).collect();
    versions.and_then(|versions| versions.into_iter().max())
}

/// The same text is the same error.
fn errors(reports: &[Report]) -> Vec<ErrorCount> {
    let mut sums: BTreeMap<(String, bool), u64> = BTreeMap::new();
    for line in reports.iter().flat_map(|report| &report.errors) {
        let sum = sums.entry((line.error.clone(), line.fault)).or_default();
        *sum = sum.saturating_add(line.count);
    }
    let lines = sums.into_iter().map(|((error, fault), count)| ErrorCount { error, count, fault });
    let mut lines: Vec<_> = lines.collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.count));
    lines
}

/// Two runs that read the same page have seen the same server, not two of them.
fn servers(reports: &[Report]) -> Vec<ServerCost> {
    let mut servers: Vec<ServerCost> = Vec::new();
    for server in reports.iter().flat_map(|report| &report.servers) {
        match servers.iter_mut().find(|known| known.url == server.url) {
            Some(known) if known.over_s < server.over_s => *known = server.clone(),
            Some(_) => {}
            None => servers.push(server.clone()),
        }
    }
    servers
}

fn shards(reports: &[Report]) -> Vec<ShardTotal> {
    let mut shards: Vec<(ShardTotal, Samples)> = Vec::new();
    for shard in reports.iter().flat_map(|report| &report.shards) {
        let known = shards.iter().position(|(known, _)| known.target == shard.target);
        let index = known.unwrap_or_else(|| {
            let target = shard.target.clone();
            shards.push((ShardTotal { target, ..ShardTotal::default() }, Samples::default()));
            shards.len() - 1
        });
        let (sum, samples) = &mut shards[index];
        sum.players = sum.players.saturating_add(shard.players);
        sum.hits_answered = sum.hits_answered.saturating_add(shard.hits_answered);
        sum.frames = sum.frames.saturating_add(shard.frames);
        samples.add(&shard.ack_buckets);
    }
    let shards = shards.into_iter().map(|(sum, samples)| {
        let (ack_ms, ack_buckets) = (samples.latency(), samples.buckets());
        ShardTotal { ack_ms, ack_buckets, ..sum }
    });
    shards.collect()
}

/// Adds the texts that are not there yet.
fn extend(texts: &mut Vec<String>, more: &[String]) {
    for text in more {
        if !texts.contains(text) {
            texts.push(text.clone());
        }
    }
}

#[cfg(test)]
mod tests;
