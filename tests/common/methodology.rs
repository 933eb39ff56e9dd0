//! What tests write into METHODOLOGY.md, and check there.

/// Checks that METHODOLOGY.md has these tables between the marks of a name; writes them there if
/// `ELASTICFLOW_SIM_BLESS` is set. `test` is the test that makes them, for the message.
pub(crate) fn shows(name: &str, test: &str, tables: &str) {
    let (begin, end) = (format!("<!-- {name}:begin -->"), format!("<!-- {name}:end -->"));
    let made = format!("\n\n{tables}\n");
    let text = std::fs::read_to_string("METHODOLOGY.md").unwrap();
    let (before, rest) = text.split_once(&begin).expect("a mark where the tables begin");
    let (shown, after) = rest.split_once(&end).expect("a mark where the tables end");
    if std::env::var_os("ELASTICFLOW_SIM_BLESS").is_some() {
        std::fs::write("METHODOLOGY.md", format!("{before}{begin}{made}{end}{after}")).unwrap();
        return;
    }
    assert!(
        shown == made,
        "what METHODOLOGY.md has at {begin} is stale; look at what this changes:\n\
         ELASTICFLOW_SIM_BLESS=1 cargo test --test artifact {test}:: && git diff METHODOLOGY.md\n{made}"
    );
}
