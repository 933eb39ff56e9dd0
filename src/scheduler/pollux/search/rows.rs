//! Rows of GPU counts: one byte per node, in blocks of sixteen nodes, which fit a vector register.
//!
//! A plan keeps its blocks column by column: the first block of every job, then the second block of
//! every job. A cluster of up to sixteen nodes has one column. Beside each block stands a mask of
//! the nodes on which it has GPUs, so that most questions about rows read two bytes instead of
//! sixteen.

/// The nodes of a block.
pub(super) const LANES: usize = 16;

/// The masks of a column are padded with empty ones to a multiple of this number, so that
/// [`rows_where`] reads whole groups.
pub(super) const GROUP: usize = 8;

/// The jobs whose bits share a word of [`Changed`].
pub(super) const WORD: usize = 64;

/// GPU counts on sixteen nodes, each below 128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(16))]
pub(super) struct Block(pub(super) [u8; LANES]);

impl Block {
    /// Returns the mask of the nodes that have any GPUs, the first node in the lowest bit.
    pub(super) fn occupied(&self) -> u16 {
        let bits: [u16; LANES] = std::array::from_fn(|lane| u16::from(self.0[lane] > 0) << lane);
        bits.iter().fold(0, |mask, bit| mask | bit)
    }

    /// Returns the GPUs on all sixteen nodes.
    pub(super) fn sum(&self) -> u32 {
        self.0.iter().map(|count| u32::from(*count)).sum()
    }

    /// Sets the counts of all nodes outside `mask` to zero.
    pub(super) fn keep(&mut self, mask: u16) {
        self.0 = std::array::from_fn(|lane| if mask >> lane & 1 > 0 { self.0[lane] } else { 0 });
    }

    /// Adds the counts of `other`. A sum beyond 255 becomes 255.
    pub(super) fn add(&mut self, other: &Block) {
        self.0 = std::array::from_fn(|lane| self.0[lane].saturating_add(other.0[lane]));
    }

    /// Returns the counts minus those of `other`, at least 0 each.
    pub(super) fn less(&self, other: &Block) -> Block {
        Block(std::array::from_fn(|lane| self.0[lane].saturating_sub(other.0[lane])))
    }

    /// Adds one for each node on which `other` has any GPUs. A sum beyond 255 becomes 255.
    pub(super) fn count(&mut self, other: &Block) {
        self.0 = std::array::from_fn(|lane| self.0[lane].saturating_add(other.0[lane].min(1)));
    }
}

/// The jobs whose rows changed since their worth was last looked up, one bit each.
#[derive(Clone, Debug)]
pub(super) struct Changed(Vec<u64>);

impl Changed {
    /// Creates a set of none of `jobs` jobs.
    pub(super) fn none(jobs: usize) -> Changed {
        Changed(vec![0; jobs.div_ceil(WORD)])
    }

    /// Adds a job.
    pub(super) fn add(&mut self, job: usize) {
        self.0[job / WORD] |= 1 << (job % WORD);
    }

    /// Returns the jobs of a word: 64·`word` in the lowest bit, and so on.
    pub(super) fn word(&self, word: usize) -> u64 {
        self.0[word]
    }

    /// Returns the jobs of a word and removes them.
    pub(super) fn take_word(&mut self, word: usize) -> u64 {
        std::mem::take(&mut self.0[word])
    }

    /// Returns how many words of 64 jobs there are.
    pub(super) fn words(&self) -> usize {
        self.0.len()
    }
}

/// Returns the places of the bits that are set, ascending.
pub(super) fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let place = bits.trailing_zeros() as usize;
        bits &= bits - 1;
        Some(place)
    })
}

/// Returns the nodes of a mask, ascending.
pub(super) fn lanes(mut mask: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if mask == 0 {
            return None;
        }
        // Below sixteen in any case; saying so saves the bounds checks.
        let lane = mask.trailing_zeros() as usize % LANES;
        mask &= mask - 1;
        Some(lane)
    })
}

/// Returns one bit for each of at most 64 masks: whether `holds` is true of it. The number of masks
/// is a multiple of [`GROUP`].
pub(super) fn rows_where(masks: &[u16], holds: impl Fn(u16) -> bool) -> u64 {
    let (groups, rest) = masks.as_chunks::<GROUP>();
    debug_assert!(rest.is_empty() && masks.len() <= WORD, "{} masks", masks.len());
    let mut rows = 0;
    for (group, masks) in groups.iter().enumerate() {
        let bits: [u16; GROUP] = std::array::from_fn(|row| u16::from(holds(masks[row])) << row);
        rows |= u64::from(bits.iter().fold(0, |all, bit| all | bit)) << (GROUP * group);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(counts: &[u8]) -> Block {
        let mut block = Block::default();
        block.0[..counts.len()].copy_from_slice(counts);
        block
    }

    #[test]
    fn blocks_count_in_parallel() {
        let some = block(&[3, 0, 127, 1, 0, 0, 0, 127, 127, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(some.sum(), 3 + 127 + 1 + 127 + 127 + 2);
        assert_eq!(some.occupied(), 0b1000_0001_1000_1101);
        assert_eq!(lanes(some.occupied()).collect::<Vec<_>>(), [0, 2, 3, 7, 8, 15]);
        assert_eq!((Block([127; 16]).sum(), Block::default().occupied()), (2032, 0));
    }

    #[test]
    fn nodes_are_kept_by_their_bits() {
        let mut some = block(&[3, 1, 127, 1, 4, 5, 6, 127, 127, 7, 0, 0, 0, 0, 9, 2]);
        some.keep(0b0111_1110_0111_0010);
        assert_eq!(some, block(&[0, 1, 0, 0, 4, 5, 6, 0, 0, 7, 0, 0, 0, 0, 9, 0]));
        some.keep(0);
        assert_eq!(some, Block::default());
    }

    #[test]
    fn rows_on_some_nodes_are_found() {
        for count in [8, 16, 56, 64] {
            let masks: Vec<u16> = (0..count).map(|row: u32| row.wrapping_mul(0x9E37_79B9) as u16).collect();
            for some in [0, 1, 0x8000, 0x00f0, u16::MAX] {
                let expected =
                    masks.iter().enumerate().map(|(place, mask)| u64::from(mask & some != 0) << place);
                let found = rows_where(&masks, |mask| mask & some != 0);
                assert_eq!(found, expected.sum::<u64>(), "{count} rows, {some:x}");
            }
        }
    }
}
