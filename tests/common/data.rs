//! Where the reference data set is. Stands alone, so that benches can include it by its path.

use std::path::PathBuf;

/// The folder of the reference data set; where there is none, says so and gives `None`.
pub(crate) fn data() -> Option<PathBuf> {
    let data =
        std::env::var_os("ELASTICFLOW_SIM_DATA").map_or(PathBuf::from("../shared/data"), PathBuf::from);
    let found = data.join("reference/index.csv").is_file();
    if !found {
        eprintln!(
            "skipped: no reference data in {}; set ELASTICFLOW_SIM_DATA to where it is",
            data.display()
        );
    }
    found.then_some(data)
}
