//! Rows of GPU counts: one byte per node, in blocks of sixteen nodes, which fit a vector register.

/// The nodes of a block.
pub(super) const LANES: usize = 16;

/// The jobs that share a word of bits.
pub(super) const WORD: usize = 64;

/// GPU counts on sixteen nodes, each below 128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(align(16))]
pub(super) struct Block(pub(super) [u8; LANES]);

impl Block {
    /// Returns the mask of the nodes that have any GPUs, the first node in the lowest bit. Eight
    /// bytes at a time: node by node, a round with 50 jobs on 16 nodes takes a tenth longer.
    pub(super) fn mask(&self) -> u16 {
        let half = |bytes: u64| {
            // The upper bit of each byte that is not zero, then one byte of those bits.
            let upper = (bytes + 0x7f7f_7f7f_7f7f_7f7f) & 0x8080_8080_8080_8080;
            ((upper >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u16
        };
        let bits = u128::from_le_bytes(self.0);
        half(bits as u64) | half((bits >> 64) as u64) << 8
    }

    /// Returns the nodes that have any GPUs, ascending.
    pub(super) fn occupied(&self) -> impl Iterator<Item = usize> {
        lanes(self.mask())
    }

    /// Returns the GPUs on all sixteen nodes.
    pub(super) fn sum(&self) -> u32 {
        u32::from(self.0.iter().map(|count| u16::from(*count)).sum::<u16>())
    }

    /// Returns the counts plus those of `other`. A sum beyond 255 becomes 255.
    pub(super) fn plus(&self, other: &Block) -> Block {
        Block(std::array::from_fn(|lane| self.0[lane].saturating_add(other.0[lane])))
    }
}

/// A set of jobs, one bit each.
#[derive(Clone, Debug)]
pub(super) struct JobSet(Vec<u64>);

impl JobSet {
    /// Creates a set of none of `jobs` jobs.
    pub(super) fn none(jobs: usize) -> JobSet {
        JobSet(vec![0; jobs.div_ceil(WORD)])
    }

    /// Adds a job.
    pub(super) fn add(&mut self, job: usize) {
        self.0[job / WORD] |= 1 << (job % WORD);
    }

    /// Returns how many words of 64 jobs there are.
    pub(super) fn words(&self) -> usize {
        self.0.len()
    }

    /// Returns the jobs of one word, ascending, as they are now.
    pub(super) fn word(&self, word: usize) -> impl Iterator<Item = usize> + use<> {
        jobs_of(word, self.0[word])
    }

    /// Removes the jobs of one word and returns them, ascending.
    pub(super) fn take_word(&mut self, word: usize) -> impl Iterator<Item = usize> + use<> {
        jobs_of(word, std::mem::take(&mut self.0[word]))
    }

    /// Removes all jobs.
    pub(super) fn clear(&mut self) {
        self.0.fill(0);
    }
}

/// Returns the jobs of a word of bits, ascending.
pub(super) fn jobs_of(word: usize, bits: u64) -> impl Iterator<Item = usize> {
    ones(bits).map(move |bit| WORD * word + bit)
}

/// Returns the mask of the nodes of which `holds` is true, the first node in the lowest bit.
pub(super) fn mask<T: Copy>(counts: &[T; LANES], holds: impl Fn(T) -> bool) -> u16 {
    counts.iter().enumerate().fold(0, |mask, (lane, count)| mask | u16::from(holds(*count)) << lane)
}

/// Returns the nodes of a mask, ascending.
pub(super) fn lanes(mask: u16) -> impl Iterator<Item = usize> {
    // Below sixteen in any case; saying so saves the bounds checks.
    ones(u64::from(mask)).map(|lane| lane % LANES)
}

/// Returns the places of the bits that are set, ascending.
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        if bits == 0 {
            return None;
        }
        let place = bits.trailing_zeros() as usize;
        bits &= bits - 1;
        Some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_count_in_parallel() {
        let some = Block([3, 0, 127, 1, 0, 0, 0, 127, 127, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!((some.sum(), some.mask().count_ones()), (3 + 127 + 1 + 127 + 127 + 2, 6));
        assert_eq!(some.occupied().collect::<Vec<_>>(), [0, 2, 3, 7, 8, 15]);
        assert_eq!((Block([127; 16]).sum(), Block([127; 16]).mask().count_ones()), (2032, 16));
        assert_eq!(Block::default().occupied().next(), None);
    }

    #[test]
    fn jobs_are_found_in_their_words() {
        let mut set = JobSet::none(130);
        [129, 0, 63, 64].into_iter().for_each(|job| set.add(job));
        let found: Vec<usize> = (0..set.words()).flat_map(|word| set.word(word)).collect();
        assert_eq!((found, set.words()), (vec![0, 63, 64, 129], 3));
        set.clear();
        assert!((0..3).all(|word| set.word(word).next().is_none()));
    }
}
