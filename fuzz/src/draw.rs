//! Bytes as a source of choices: what a machine gets is drawn from them, from front to back.

/// Numbers at which something may change. None is beyond what a decoder lets in.
const EDGES: [u64; 10] = [
    255,
    256,
    1_000_000,
    u32::MAX as u64,
    u32::MAX as u64 + 1,
    protocol::limits::HP_MAX - 1,
    protocol::limits::HP_MAX,
    protocol::limits::HP_MAX + 1,
    ucore::INT_MAX - 1,
    ucore::INT_MAX,
];

/// What is left of the bytes. Behind their end all choices are the first one.
#[derive(Debug)]
pub(crate) struct Draw<'a>(&'a [u8]);

impl<'a> Draw<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Whether there is nothing left to choose by.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *byte
    }

    /// True for one byte of `many`.
    pub(crate) fn one_of(&mut self, many: u8) -> bool {
        self.byte() % many == many - 1
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.one_of(2)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    /// A small number, or one of the edges.
    pub(crate) fn number(&mut self) -> u64 {
        match self.byte() {
            small @ 0..=215 => small.into(),
            edge => EDGES[usize::from(edge - 216) % EDGES.len()],
        }
    }

    /// A small number, or one near the largest.
    pub(crate) fn word(&mut self) -> u32 {
        match self.byte() {
            small @ 0..=247 => small.into(),
            large => u32::MAX - u32::from(255 - large),
        }
    }

    /// At most `max` things.
    pub(crate) fn some<T>(&mut self, max: u8, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(max + 1)).map(|_| draw(self)).collect()
    }

    pub(crate) fn option<T>(&mut self, draw: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| draw(self))
    }

    /// Bytes behind a byte with their number; less if there are less.
    pub(crate) fn chunk(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte()).min(self.0.len());
        let (chunk, rest) = self.0.split_at(len);
        self.0 = rest;
        chunk
    }
}
