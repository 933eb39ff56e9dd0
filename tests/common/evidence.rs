//! The generated tables of `docs/evidence/`: tests check them, and write them when asked to.

/// Checks that `docs/evidence/NAME.md` holds these tables between its marks.
///
/// With `ELASTICFLOW_SIM_BLESS` set, writes them there instead. `test` is the module of the tests
/// of the artifact that makes the tables, for the message.
///
/// # Panics
///
/// If the page or its marks are missing, or the tables on the page are stale.
pub(crate) fn check_tables(name: &str, test: &str, tables: &str) {
    let page = format!("docs/evidence/{name}.md");
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    let made = format!("\n\n{tables}\n");
    let text = std::fs::read_to_string(&page).expect("the page of the tables");
    let (before, rest) = text.split_once(&begin).expect("a mark where the tables begin");
    let (shown, after) = rest.split_once(&end).expect("a mark where the tables end");
    if std::env::var_os("ELASTICFLOW_SIM_BLESS").is_some() {
        std::fs::write(&page, format!("{before}{begin}{made}{end}{after}")).expect("the page is written");
        return;
    }
    assert!(
        shown == made,
        "the tables of {page} are stale; look at what this changes:\n\
         ELASTICFLOW_SIM_BLESS=1 cargo test --test artifact {test}:: && git diff {page}\n{made}"
    );
}
