//! Runs a law over samples, and tells whether a mutant breaks it.

use crate::sample::{Sample, SampleDelta};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestCaseResult};
use proptest::test_runner::{TestError, TestRng, TestRunner};
use std::fmt::Debug;

/// Cases for each law and structure, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 256;
/// Cases in which a mutant has to be caught.
const MUTANT_CASES: u32 = 2_000;
const MUTANT_SEED: [u8; 32] = [7; 32];

/// What a law about updates gets: a value, updates for it, and numbers for its own choices.
#[derive(Debug)]
pub(crate) struct Case<S: Sample> {
    pub(crate) state: S,
    pub(crate) updates: Vec<S::Update>,
    pub(crate) dice: Vec<u16>,
}

/// What a law about deltas gets. There are three at least.
#[derive(Debug)]
pub(crate) struct Deltas<S: SampleDelta> {
    pub(crate) state: S,
    pub(crate) deltas: Vec<S::Delta>,
    pub(crate) dice: Vec<u16>,
}

/// Samples of a law's input.
pub(crate) trait Input: Debug + Sized {
    fn samples() -> BoxedStrategy<Self>;
}

impl<S: Sample> Input for Case<S> {
    fn samples() -> BoxedStrategy<Self> {
        (S::state(), vec(S::update(), 2..10), vec(any::<u16>(), 32))
            .prop_map(|(state, updates, dice)| Self { state, updates, dice })
            .boxed()
    }
}

impl<S: SampleDelta> Input for Deltas<S> {
    fn samples() -> BoxedStrategy<Self> {
        (S::state(), vec(S::delta(), 3..10), vec(any::<u16>(), 32))
            .prop_map(|(state, deltas, dice)| Self { state, deltas, dice })
            .boxed()
    }
}

/// Numbers that decide what happens; after the last one only zeros.
#[derive(Debug)]
pub(crate) struct Dice<'a>(std::slice::Iter<'a, u16>);

impl<'a> Dice<'a> {
    pub(crate) fn new(numbers: &'a [u16]) -> Self {
        Self(numbers.iter())
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % end
    }

    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) + 1 == many
    }
}

/// Whether the law holds in every case.
pub(crate) fn holds<I: Input>(law: fn(&I) -> TestCaseResult) {
    let default = Config::default();
    let is_asked = std::env::var_os("PROPTEST_CASES").is_some();
    let config = Config {
        cases: if is_asked { default.cases } else { CASES },
        source_file: Some(file!()),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..default
    };
    if let Err(failure) = TestRunner::new(config).run(&I::samples(), |input| law(&input)) {
        panic!("{failure}");
    }
}

/// So many samples, the same in each run.
pub(crate) fn samples<I: Input>(number: usize) -> impl Iterator<Item = I> {
    let (samples, mut runner) = (I::samples(), TestRunner::deterministic());
    (0..number).map(move |_| samples.new_tree(&mut runner).expect("no sample is refused").current())
}

/// Whether some case breaks the law. The cases are the same in each run.
pub(crate) fn is_caught<I: Input>(law: fn(&I) -> TestCaseResult) {
    let config = Config {
        cases: MUTANT_CASES,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &MUTANT_SEED);
    let run = TestRunner::new_with_rng(config, rng).run(&I::samples(), |input| law(&input));
    assert!(matches!(run, Err(TestError::Fail(..))), "the law holds for the mutant: {run:?}");
}
