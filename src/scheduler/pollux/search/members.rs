//! The set of plans of a generation. It answers membership alone, so its order decides nothing.

/// An open-addressed table of slots by their hashes.
pub(super) struct Members {
    /// Each slot plus one; 0 is empty.
    table: Vec<u32>,
}

impl Members {
    /// Creates a table for at most so many plans.
    pub(super) fn new(most: usize) -> Members {
        Members { table: vec![0; (4 * most).next_power_of_two()] }
    }

    /// Removes all plans.
    pub(super) fn clear(&mut self) {
        self.table.fill(0);
    }

    /// Adds a slot unless there is one that is the `same` as it. Returns whether it was added.
    pub(super) fn insert(&mut self, slot: u32, hash: u64, same: impl Fn(u32) -> bool) -> bool {
        let mask = self.table.len() - 1;
        let mut at = (hash >> 40) as usize & mask;
        while self.table[at] != 0 {
            if same(self.table[at] - 1) {
                return false;
            }
            at = (at + 1) & mask;
        }
        self.table[at] = slot + 1;
        true
    }
}
