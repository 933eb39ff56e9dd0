//! Rows of GPU counts, one byte a node, in blocks of sixteen nodes that fit a register.

/// The nodes of a block.
pub(super) const LANES: usize = 16;

/// Counts of sixteen nodes, each below 128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(16))]
pub(super) struct Block(pub(super) [u8; LANES]);

impl Block {
    /// Which nodes have any.
    pub(super) fn occupied(&self) -> u16 {
        let half = |bytes: u64| {
            // The upper bit of each byte that is not zero, then one byte of those bits.
            let upper = (bytes + 0x7f7f_7f7f_7f7f_7f7f) & 0x8080_8080_8080_8080;
            ((upper >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u16
        };
        let [low, high] = self.halves();
        half(low) | half(high) << 8
    }

    /// All together.
    pub(super) fn sum(&self) -> u32 {
        let pairs = |bytes: u64| (bytes & 0x00ff_00ff_00ff_00ff) + (bytes >> 8 & 0x00ff_00ff_00ff_00ff);
        let [low, high] = self.halves().map(pairs);
        (low.wrapping_mul(0x0001_0001_0001_0001) >> 48) as u32
            + (high.wrapping_mul(0x0001_0001_0001_0001) >> 48) as u32
    }

    /// Sets the nodes that are not in `mask` to none.
    pub(super) fn keep(&mut self, mask: u16) {
        let half = |bytes: u64, mask: u16| {
            // A bit of the mask in each byte, then whole bytes of those that are not zero.
            let bits = u64::from(mask).wrapping_mul(0x0101_0101_0101_0101) & 0x8040_2010_0804_0201;
            let ones = (bits + 0x7f7f_7f7f_7f7f_7f7f) >> 7 & 0x0101_0101_0101_0101;
            bytes & (ones * 0xff)
        };
        let [low, high] = self.halves();
        let bits = u128::from(half(low, mask & 0xff)) | u128::from(half(high, mask >> 8)) << 64;
        self.0 = bits.to_le_bytes();
    }

    /// Adds counts, at most 255 each.
    pub(super) fn add(&mut self, other: &Block) {
        self.0 = std::array::from_fn(|lane| self.0[lane].saturating_add(other.0[lane]));
    }

    /// What is left without `other`, at least 0.
    pub(super) fn less(&self, other: &Block) -> Block {
        Block(std::array::from_fn(|lane| self.0[lane].saturating_sub(other.0[lane])))
    }

    /// Counts the nodes that have any, at most 255 times each.
    pub(super) fn count(&mut self, other: &Block) {
        self.0 = std::array::from_fn(|lane| self.0[lane].saturating_add(other.0[lane].min(1)));
    }

    /// Takes from `free` what it has, or what is left. Returns whether something was not.
    pub(super) fn take(&mut self, free: &mut Block) -> bool {
        let beyond = self.less(free);
        // Whole blocks are written at once, and what was written is not read: either is slow.
        let taken: [u8; LANES] = std::array::from_fn(|lane| self.0[lane].min(free.0[lane]));
        free.0 = std::array::from_fn(|lane| free.0[lane] - taken[lane]);
        self.0 = taken;
        beyond.0 != [0; LANES]
    }

    pub(super) fn halves(&self) -> [u64; 2] {
        let bits = u128::from_le_bytes(self.0);
        [bits as u64, (bits >> 64) as u64]
    }
}

/// Which rows of a plan are not worth what they were, a bit each.
#[derive(Clone, Debug)]
pub(super) struct Changed(Vec<u64>);

impl Changed {
    /// None of so many.
    pub(super) fn none(jobs: usize) -> Changed {
        Changed(vec![0; jobs.div_ceil(64)])
    }

    pub(super) fn add(&mut self, job: usize) {
        self.0[job / 64] |= 1 << (job % 64);
    }

    /// Those of rows 64·`word` and after, the first one's the lowest bit.
    pub(super) fn word(&mut self, word: usize) -> &mut u64 {
        &mut self.0[word]
    }

    pub(super) fn words(&self) -> usize {
        self.0.len()
    }
}

/// The places of the bits that are set, ascending.
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

/// Which of at most 64 blocks are on one of some nodes, a bit each. `nodes` says on which they are,
/// `some` has a mask for each block of a row, and the first of them is the `first` of all rows'
/// blocks.
pub(super) fn on<const NARROW: bool>(nodes: &[u16], some: &[u16], first: usize) -> u64 {
    let mut on = 0;
    if !NARROW {
        for (place, nodes) in nodes.iter().enumerate() {
            on |= u64::from(nodes & some[(first + place) % some.len()] != 0) << place;
        }
        return on;
    }
    // Four at a time, sixteen bits each.
    let some = u64::from(some[0]) * 0x0001_0001_0001_0001;
    let (fours, rest) = nodes.as_chunks();
    let last: [u16; 4] = std::array::from_fn(|place| rest.get(place).copied().unwrap_or_default());
    for (four, [a, b, c, d]) in fours.iter().chain((!rest.is_empty()).then_some(&last)).enumerate() {
        let all = (u64::from(*a) | u64::from(*b) << 16 | u64::from(*c) << 32 | u64::from(*d) << 48) & some;
        // The upper bit of each of them that is not zero, then those bits alone.
        let upper = (((all & 0x7fff_7fff_7fff_7fff) + 0x7fff_7fff_7fff_7fff) | all) & 0x8000_8000_8000_8000;
        on |= ((upper >> 15).wrapping_mul(0x0001_0002_0004_0008) >> 48 & 0xf) << (4 * four);
    }
    on
}

/// The lanes of a mask, ascending.
pub(super) fn lanes(mut mask: u16) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if mask == 0 {
            return None;
        }
        // Below sixteen in any case, which spares checks.
        let lane = mask.trailing_zeros() as usize % LANES;
        mask &= mask - 1;
        Some(lane)
    })
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
    fn blocks_on_some_nodes_are_found() {
        // As many as end within four, with them and after them.
        for count in [1, 3, 4, 5, 16, 50, 63, 64] {
            let nodes: Vec<u16> =
                (0..count).map(|block: u32| block.wrapping_mul(0x9E37_79B9) as u16).collect();
            for some in [0, 1, 0x8000, 0x00f0, u16::MAX] {
                let expected =
                    nodes.iter().enumerate().map(|(place, nodes)| u64::from(nodes & some != 0) << place);
                assert_eq!(on::<true>(&nodes, &[some], 0), expected.sum::<u64>(), "{count} blocks, {some:x}");
            }
        }
        // Rows of two blocks; the first here is the second block of a row.
        assert_eq!(on::<false>(&[0b01, 0b10, 0b11, 0b01], &[0b10, 0b01], 1), 0b0111);
    }

    #[test]
    fn a_row_takes_what_is_left() {
        let (mut row, mut free) = (block(&[3, 1, 4]), block(&[2, 4, 4]));
        assert!(row.take(&mut free));
        assert_eq!((row, free), (block(&[2, 1, 4]), block(&[0, 3, 0])));
        assert!(!row.take(&mut block(&[2, 1, 4])));
    }
}
