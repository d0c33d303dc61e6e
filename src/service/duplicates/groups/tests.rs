use super::*;
use Reason::{Email, Name, Phone};

/// Contacts 1, 2, 3, … with these keys.
fn finder(contacts: &[&[(Reason, u64)]]) -> Finder {
    let mut finder = Finder::default();
    for (id, keys) in (1..).zip(contacts) {
        finder.add(id, Hashes { keys: keys.to_vec(), ..Hashes::default() });
    }
    finder
}

fn found(mut finder: Finder) -> Vec<(Vec<i64>, Vec<Reason>, bool)> {
    finder.groups().into_iter().map(|it| (it.contacts, it.reasons, it.likely)).collect()
}

#[test]
fn all_that_hang_together_are_one_group_and_the_likeliest_comes_first() {
    let groups = found(finder(&[
        &[(Name, 1)],
        &[(Name, 1)],
        &[(Phone, 1), (Email, 1), (Email, 1)],
        &[(Email, 9)],
        &[(Email, 1)],
        &[(Phone, 1), (Phone, 2)],
        &[(Phone, 2), (Name, 7)],
        &[(Email, 1), (Name, 7)],
        &[(Phone, 5), (Name, 5)],
        &[(Phone, 5), (Name, 6)],
        &[(Name, 6)],
    ]));
    assert_eq!(
        groups,
        [
            (vec![3, 5, 6, 7, 8], vec![Email, Phone, Name], true),
            (vec![9, 10, 11], vec![Phone, Name], false),
            (vec![1, 2], vec![Name], false),
        ]
    );
}

#[test]
fn one_conflict_makes_the_whole_group_unlikely() {
    let alike = |values: &[[u64; 2]]| {
        let mut finder = Finder::default();
        for (id, value) in (1..).zip(values) {
            let mut hashes = Hashes { keys: vec![(Email, 1)], ..Hashes::default() };
            hashes.values[..2].copy_from_slice(value);
            finder.add(id, hashes);
        }
        finder.groups()[0].likely
    };
    assert!(alike(&[[0, 5], [7, 0], [7, 5]]));
    assert!(!alike(&[[0, 5], [7, 0], [8, 5]]));
    assert!(!alike(&[[7, 0], [0, 0], [0, 0], [8, 0]]));
}

#[test]
fn who_was_dismissed_together_never_stands_in_one_group() {
    let three: &[&[(Reason, u64)]] =
        &[&[(Email, 1)], &[(Email, 1)], &[(Email, 1), (Name, 1)], &[(Name, 1)]];
    let mut apart = finder(three);
    apart.dismiss(1, 70);
    apart.dismiss(2, 70);
    // The third goes with the first; the second stays alone.
    assert_eq!(found(apart), [(vec![1, 3, 4], vec![Email, Name], false)]);
    let mut apart = finder(three);
    for (contact, dismissal) in [(1, 70), (2, 70), (1, 71), (3, 71), (2, 72), (4, 72), (9, 72)] {
        apart.dismiss(contact, dismissal);
    }
    assert_eq!(found(apart), [(vec![2, 3], vec![Email], true)]);
    let mut apart = finder(three);
    (1..=4).for_each(|contact| apart.dismiss(contact, 70));
    assert_eq!(found(apart), []);
}

/// A book in which everything hangs together, as slow as it can be made: what is tried for a contact is
/// bounded, so it is linear.
#[test]
fn a_book_of_one_name_and_many_dismissals_is_through_soon() {
    let mut finder = Finder::default();
    for id in 0..20_000 {
        let keys = vec![(Name, 1), (Phone, id as u64 / 2)];
        finder.add(id, Hashes { keys, ..Hashes::default() });
        finder.dismiss(id, id / 1_000);
    }
    let began = std::time::Instant::now();
    let groups = finder.groups();
    let of_one = |ids: &[i64]| ids.iter().map(|id| id / 1_000).collect::<HashSet<_>>().len();
    assert!(groups.iter().all(|it| of_one(&it.contacts) == it.contacts.len()));
    assert_eq!(groups.len(), TRIES, "of each dismissal so many are in a group");
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[test]
fn many_keys_of_those_who_were_dismissed_cost_no_more_than_a_bound() {
    let mut finder = Finder::default();
    for id in 0..1_000 {
        finder.add(
            id,
            Hashes { keys: (1..=300).map(|key| (Email, key)).collect(), ..Hashes::default() },
        );
        finder.dismiss(id, 7);
    }
    let stranger = Hashes { keys: vec![(Email, 300)], ..Hashes::default() };
    finder.add(1_000, stranger);
    let groups = finder.groups();
    assert!(finder.looks < LOOKS_MAX + 300 * 1_000, "{} of 28 million", finder.looks);
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].contacts, [0, 1_000], "who was not dismissed hangs together with one");
}

/// Random books against the definition, pair by pair.
#[test]
fn groups_are_the_components_of_what_is_shared() {
    let mut state = 7_u64;
    let mut random = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for _ in 0..300 {
        let count = 2 + random(12) as usize;
        let mut contacts = vec![Hashes::default(); count];
        for contact in &mut contacts {
            for reason in [Email, Phone, Name] {
                let keys = (0..random(3)).map(|_| (reason, 1 + random(12))).collect::<Vec<_>>();
                contact.keys.extend(keys);
            }
            contact.values[0] = random(3);
        }
        let mut finder = Finder::default();
        (0..).zip(&contacts).for_each(|(id, traits)| finder.add(id, traits.clone()));
        // The definition: what is reached over shared keys.
        let reach = |strong: bool, from: usize| {
            let mut reached = vec![from];
            let mut at = 0;
            while let Some(here) = reached.get(at).copied() {
                for there in 0..count {
                    let counts = |key: &&(Reason, u64)| !strong || key.0 != Name;
                    let mut keys = contacts[here].keys.iter().filter(counts);
                    if !reached.contains(&there) && keys.any(|it| contacts[there].keys.contains(it))
                    {
                        reached.push(there);
                    }
                }
                at += 1;
            }
            reached.sort_unstable();
            reached
        };
        let mut wanted = Vec::new();
        for from in 0..count {
            let group = reach(false, from);
            if group.len() < 2 || group[0] != from {
                continue;
            }
            let values: HashSet<_> =
                group.iter().map(|it| contacts[*it].values[0]).filter(|it| *it != 0).collect();
            let shares = |reason| {
                let of = |it: usize| contacts[it].keys.iter().filter(move |key| key.0 == reason);
                group.iter().any(|a| {
                    group.iter().any(|b| a < b && of(*a).any(|key| of(*b).any(|it| it == key)))
                })
            };
            let reasons: Vec<_> =
                [Email, Phone, Name].into_iter().filter(|it| shares(*it)).collect();
            let likely = values.len() < 2 && reach(true, from) == group;
            let ids = group.iter().map(|it| *it as i64).collect::<Vec<_>>();
            wanted.push((ids, reasons, likely));
        }
        let mut groups = found(finder);
        groups.sort();
        wanted.sort();
        assert_eq!(groups, wanted);
    }
}
