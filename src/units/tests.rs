use super::*;

#[test]
fn work_is_rounded_up_to_the_microsecond() {
    // 1 iteration at 3 a second takes 333,333.33… µs.
    assert_eq!(Iterations::new(1.0).time_at(Rate::new(3.0)).as_micros(), 333_334);
    assert_eq!(Iterations::new(3.0).time_at(Rate::new(3.0)).as_micros(), 1_000_000);
    assert_eq!(Iterations::ZERO.time_at(Rate::ZERO), SimDuration::ZERO);
    assert_eq!(Iterations::new(1.0).time_at(Rate::ZERO), SimDuration::FOREVER);
}

#[test]
fn seconds_are_read_and_written_exactly() {
    for text in ["0", "60", "0.5", "12.000001", "9999999999.999999"] {
        assert_eq!(text.parse::<SimTime>().map(|t| t.to_string()).as_deref(), Ok(text));
    }
    assert_eq!("1.0000005".parse::<SimTime>(), Ok(SimTime(1_000_001)));
    assert_eq!("1e3".parse::<SimTime>(), Ok(SimTime::from_secs(1000)));
    assert_eq!("1.0".parse::<SimTime>(), Ok(SimTime::from_secs(1)));
}

#[test]
fn what_is_not_a_time_says_why() {
    let is = |text: &str, why| assert_eq!(text.parse::<SimTime>(), Err(why), "{text}");
    ["", "ten", "NaN", "."].into_iter().for_each(|text| is(text, TimeError::NotANumber));
    ["inf", "10000000001", "99999999999999999999999"]
        .into_iter()
        .for_each(|text| is(text, TimeError::TooLarge));
    is("-1", TimeError::Negative);
}
