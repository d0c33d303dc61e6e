//! What holds for every card and every edit, tried with random ones. `tests/properties.rs` of the server
//! tries the same through REST, with the same cards.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy sees test functions, but not what they call"
)]

mod random;

use random::Random;
use std::collections::HashSet;
use vcard::*;

/// The unfolded lines of a card.
fn unfolded(card: &Card) -> Vec<String> {
    card.lines().map(|line| line.unfolded()).collect()
}

/// What holds for every card that was read.
fn check_card(card: &Card, seed: u64) {
    let text = card.text();
    assert!(!card.details().display_name.is_empty(), "{seed}");
    assert!(
        text.starts_with("BEGIN:VCARD\r\n") && text.ends_with("END:VCARD\r\n"),
        "{seed}\n{text}"
    );
    let mut whole = card.clone();
    if whole.uid().is_none() {
        whole.set_uid("u9");
    }
    let put = put_card(whole.text().as_bytes()).unwrap();
    assert!(put.as_sent, "{seed}\n{text}");
    let mut same = whole.clone();
    same.set(&whole.details());
    assert_eq!(same.text(), whole.text(), "{seed}");
    let again: Vec<_> = read_cards(text.as_bytes(), None).map(|it| it.card).collect();
    assert_eq!(again, [Ok(card.clone())], "{seed}\n{text}");
}

#[test]
fn whatever_is_read_is_a_valid_card_that_stays_the_same() {
    let mut read = 0;
    for seed in 0..3_000 {
        let file = Random(seed).file();
        for card in read_cards(&file, None) {
            if let Ok(card) = card.card {
                check_card(&card, seed);
                read += 1;
            }
        }
    }
    assert!(read > 2_500, "{read}");
}

#[test]
fn an_edit_gives_what_is_wanted_and_leaves_the_other_lines() {
    let shown: HashSet<&str> = "N FN NICKNAME ORG TITLE EMAIL TEL ADR URL BDAY X-ABDATE ANNIVERSARY X-ANNIVERSARY \
        X-ABRELATEDNAMES RELATED X-SPOUSE IMPP X-JABBER X-SOCIALPROFILE NOTE CATEGORIES X-ABLabel X-ABLABEL X-ABADR LABEL"
        .split_ascii_whitespace()
        .collect();
    for seed in 0..1_000 {
        let mut random = Random(seed);
        let file = random.file();
        let Some(Ok(mut card)) = read_cards(&file, None).next().map(|it| it.card) else { continue };
        for step in 0..3 {
            let before = card.clone();
            let mut wanted = card.details();
            random.edit(&mut wanted);
            let wanted = wanted.normal();
            card.set(&wanted);
            let now = card.details();
            let expected = Details { display_name: now.display_name.clone(), ..wanted.clone() };
            assert_eq!(now, expected, "{seed} {step}\n{}\n{}", before.text(), card.text());
            let lines: Vec<String> =
                card.text().split_inclusive("\r\n").map(str::to_owned).collect();
            for line in before.lines().filter(|line| !shown.contains(line.name())) {
                let mut raw = String::new();
                line.write(&mut raw);
                assert!(card.text().contains(&raw), "{seed} {step} lost {raw}\n{}", before.text());
            }
            assert!(!lines.is_empty());
            check_card(&card, seed);
        }
    }
}

#[test]
fn members_that_were_not_edited_keep_their_lines() {
    for seed in 0..1_000 {
        let mut random = Random(seed);
        let mut card = Card::new("u1");
        card.set(&random.details());
        let before = unfolded(&card);
        let mut wanted = card.details();
        wanted.job_title = Some("Edited".to_owned());
        wanted.labels.push("Edited".to_owned());
        card.set(&wanted);
        let after: HashSet<String> = unfolded(&card).into_iter().collect();
        for line in
            before.iter().filter(|it| !it.starts_with("TITLE") && !it.starts_with("CATEGORIES"))
        {
            assert!(after.contains(line), "{seed} lost {line}");
        }
    }
}

#[test]
fn a_new_card_says_what_is_wanted_and_is_folded() {
    for seed in 0..1_000 {
        let wanted = Random(seed).details();
        let mut card = Card::new("u1");
        card.set(&wanted);
        let now = card.details();
        assert!(!now.display_name.is_empty());
        assert_eq!(
            now,
            Details { display_name: now.display_name.clone(), ..wanted.normal() },
            "{seed}\n{}",
            card.text()
        );
        assert!(card.text().split("\r\n").all(|line| line.len() <= 75), "{seed}");
        check_card(&card, seed);
        assert!(card.says_all_of(&card.clone()), "{seed}");
    }
}

#[test]
fn a_merge_loses_nothing_and_adds_nothing_twice() {
    for seed in 0..3_000 {
        let mut random = Random(seed);
        let (one, two) = (random.file(), random.file());
        let first = |file: &[u8]| read_cards(file, None).next().and_then(|it| it.card.ok());
        let (Some(mut keep), Some(other)) = (first(&one), first(&two)) else { continue };
        let before: HashSet<String> = keep.statements().into_iter().collect();
        keep.merge(std::slice::from_ref(&other));
        let after: HashSet<String> = keep.statements().into_iter().collect();
        assert!(before.is_subset(&after), "{seed} {:?}", before.difference(&after));
        check_card(&keep, seed);
        let once = keep.clone();
        keep.merge(&[other]);
        assert_eq!(keep.text(), once.text(), "{seed}");
    }
}

#[test]
fn folding_text_twice_is_folding_it_once() {
    let mut random = Random(1);
    for _ in 0..20_000 {
        let text: String = (0..8)
            .filter_map(|_| char::from_u32(u32::try_from(random.below(0x1_1000)).unwrap()))
            .collect();
        assert_eq!(fold(&fold(&text)), fold(&text), "{text:?}");
    }
}
