//! The product of axes.

/// Iterates over every combination of one index below each of `sizes`, the last one changing
/// fastest. No sizes have one empty combination.
pub(super) fn product(sizes: &[usize]) -> impl Iterator<Item = Vec<usize>> + '_ {
    let count = sizes.iter().product::<usize>();
    (0..count).map(|mut n| {
        let mut indices: Vec<usize> = sizes
            .iter()
            .rev()
            .map(|size| {
                let index = n % size;
                n /= size;
                index
            })
            .collect();
        indices.reverse();
        indices
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::product;

    #[test]
    fn the_last_axis_changes_fastest() {
        let all: Vec<_> = product(&[2, 1, 3]).collect();
        assert_eq!(all, [[0, 0, 0], [0, 0, 1], [0, 0, 2], [1, 0, 0], [1, 0, 1], [1, 0, 2]]);
        assert_eq!(product(&[]).collect::<Vec<_>>(), [[0; 0]]);
        assert_eq!(product(&[3, 0]).count(), 0);
    }

    proptest! {
        /// The order of nested loops is that of the words: each combination once, ascending.
        #[test]
        fn it_is_the_order_of_nested_loops(sizes in prop::collection::vec(1_usize..5, 0..5)) {
            let all: Vec<_> = product(&sizes).collect();
            prop_assert_eq!(all.len(), sizes.iter().product::<usize>());
            prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(all.iter().all(|point| point.iter().zip(&sizes).all(|(index, size)| index < size)));
        }
    }
}
