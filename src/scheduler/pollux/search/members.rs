//! Which plans there are already. Only asked for membership, so that its order is nobody's
//! business.

/// An open-addressed table of slots by their hashes.
pub(super) struct Members {
    /// Slots, one more each; 0 is empty.
    table: Vec<u32>,
}

impl Members {
    /// For so many at most.
    pub(super) fn new(most: usize) -> Members {
        Members { table: vec![0; (4 * most).next_power_of_two()] }
    }

    pub(super) fn clear(&mut self) {
        self.table.fill(0);
    }

    /// Adds a slot unless one with this hash is there that is the `same`. Returns whether it was
    /// added.
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
