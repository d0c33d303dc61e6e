//! A line in which work waits for its turn: a bounded queue in order of arrival, shared fairly
//! between clients. What waits takes no thread.
//!
//! As many runners as the line lets run at once take one thing after another. Which is next is
//! start-time fair queueing (Goyal, Vin and Cheng, 1996): each thing of a client counts as one turn
//! later than the one that was taken before it, or as of when it came where that is later. So clients
//! that always have something waiting take turns, however many things each of them has or was refused,
//! and who comes now and then comes in order of arrival.

use crate::limits::LineLimits;
use crate::panics::lock;
use crate::service::Client;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A line of `T`.
pub struct Line<T> {
    limits: LineLimits,
    state: Mutex<State<T>>,
}

struct State<T> {
    runners: usize,
    running: usize,
    waiting: usize,
    arrived: u64,
    /// The turn of what was taken last.
    turn: u64,
    clients: HashMap<Client, Share<T>>,
}

/// What one client has in the line and under way.
struct Share<T> {
    running: usize,
    /// One after that of what it had taken last.
    next_turn: u64,
    waiting: VecDeque<Waiting<T>>,
}

struct Waiting<T> {
    what: T,
    /// The line's turn when it came.
    turn: u64,
    number: u64,
    since: Instant,
    /// See [`Admission::most`](crate::Admission::most).
    most: usize,
}

/// Something is under way for a client, until this is dropped.
pub struct Running<T> {
    line: Arc<Line<T>>,
    client: Client,
}

impl<T> Line<T> {
    /// An empty line.
    pub fn new(limits: LineLimits) -> Arc<Line<T>> {
        let (clients, arrived, turn) = (HashMap::new(), 0, 0);
        let state = State { runners: 0, running: 0, waiting: 0, arrived, turn, clients };
        Arc::new(Line { limits, state: Mutex::new(state) })
    }

    /// Appends something. True: one more runner has to call [`Line::next`] until that gives nothing. In a full
    /// line the newest of the client with most waiting has no place, and is returned.
    pub fn push(&self, client: Client, most: usize, what: T) -> (bool, Option<T>) {
        let mut state = lock(&self.state);
        let mut refused = None;
        if state.waiting + state.running >= self.limits.places + self.limits.at_once {
            let own = state.clients.get(&client).map_or(0, |it| it.waiting.len());
            let greediest = state.clients.values_mut().max_by_key(|it| it.waiting.len());
            let greediest = greediest.filter(|it| it.waiting.len() > own + 1);
            match greediest.and_then(|it| it.waiting.pop_back()) {
                Some(newest) => refused = Some(newest.what),
                None => return (false, Some(what)),
            }
            state.waiting -= 1;
        }
        state.arrived += 1;
        state.waiting += 1;
        let (turn, number, since) = (state.turn, state.arrived, Instant::now());
        let share = state.clients.entry(client).or_default();
        share.waiting.push_back(Waiting { what, turn, number, since, most: most.max(1) });
        let needs_runner = state.runners < self.limits.at_once;
        state.runners += usize::from(needs_runner);
        (needs_runner, refused)
    }

    /// The next thing for a runner. After `None` it is a runner no more.
    pub fn next(self: &Arc<Line<T>>) -> Option<(T, Running<T>)> {
        let mut state = lock(&self.state);
        let startable = state.clients.iter().filter_map(|(client, share)| {
            let first = share.waiting.front()?;
            let turn = first.turn.max(share.next_turn);
            (share.running < first.most).then_some((turn, first.number, *client))
        });
        let Some((turn, _, client)) = startable.min_by_key(|it| (it.0, it.1)) else {
            state.runners -= 1;
            // Nothing waits, so the turns begin anew: no client's last one counts any more.
            if state.waiting == 0 {
                state.clients.retain(|_, share| !share.is_empty());
            }
            return None;
        };
        let share = state.clients.get_mut(&client)?;
        share.running += 1;
        share.next_turn = turn + 1;
        let first = share.waiting.pop_front()?;
        state.waiting -= 1;
        state.running += 1;
        if turn > state.turn {
            state.turn = turn;
            // Nobody's next turn is later than this one, so who has nothing here needs no entry.
            state.clients.retain(|_, share| !share.is_empty());
        }
        Some((first.what, Running { line: Arc::clone(self), client }))
    }

    /// A runner goes to do something else. True if another one has to take its place.
    pub fn leave(&self) -> bool {
        let mut state = lock(&self.state);
        let waits = state.waiting > 0;
        state.runners -= usize::from(!waits);
        waits
    }

    /// Takes out what has waited too long.
    pub fn overdue(&self, now: Instant) -> Vec<T> {
        let mut state = lock(&self.state);
        let mut overdue = Vec::new();
        for share in state.clients.values_mut() {
            let is_due =
                |it: &&Waiting<T>| now.saturating_duration_since(it.since) > self.limits.wait;
            while share.waiting.front().filter(is_due).is_some() {
                overdue.extend(share.waiting.pop_front().map(|it| it.what));
            }
        }
        state.waiting -= overdue.len();
        overdue
    }
}

impl<T> Default for Share<T> {
    fn default() -> Share<T> {
        Share { running: 0, next_turn: 0, waiting: VecDeque::new() }
    }
}

impl<T> Share<T> {
    fn is_empty(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }
}

impl<T> Drop for Running<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.line.state);
        state.running -= 1;
        if let Some(share) = state.clients.get_mut(&self.client) {
            share.running -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const ANN: Client = Client::Account(1);
    const BOB: Client = Client::Account(2);

    fn line(at_once: usize, places: usize) -> Arc<Line<u32>> {
        Line::new(LineLimits { at_once, places, wait: Duration::from_secs(2) })
    }

    /// Pushes this; what is refused.
    fn push(line: &Line<u32>, client: Client, what: u32) -> Option<u32> {
        line.push(client, 9, what).1
    }

    #[test]
    fn one_client_waits_in_order_of_arrival() {
        let line = line(1, 9);
        let runners = [1, 2, 3].map(|what| line.push(ANN, 9, what).0);
        assert_eq!(runners, [true, false, false]);
        for expected in 1..=3 {
            assert_eq!(line.next().map(|(what, _)| what), Some(expected));
        }
        assert!(line.next().is_none());
        assert!(line.push(BOB, 9, 4).0, "the runner is gone");
    }

    #[test]
    fn clients_take_turns_and_none_is_left_out() {
        let line = line(1, 99);
        let next = || line.next().map(|(what, _)| what);
        (1..5).for_each(|what| assert_eq!(push(&line, ANN, what), None));
        push(&line, BOB, 11);
        assert_eq!([next(), next()], [Some(1), Some(11)]);
        // Others who come one at a time do not keep Ann waiting for ever.
        let cyd = |number| {
            push(&line, Client::Account(number), 100);
            [next(), next()]
        };
        let taken: Vec<_> = (3..6).flat_map(cyd).flatten().collect();
        assert_eq!(taken.iter().filter(|what| **what < 9).count(), 3, "{taken:?}");
    }

    #[test]
    fn who_always_comes_back_alone_does_not_overtake_who_has_two_things_waiting() {
        let line = line(1, 99);
        (1..=2).for_each(|_| assert_eq!(push(&line, ANN, 1), None));
        (2..=4).for_each(|number| assert_eq!(push(&line, Client::Account(number), 2), None));
        let mut anns = 0;
        for _ in 0..100 {
            let (what, running) = line.next().unwrap();
            let client = running.client;
            drop(running);
            anns += usize::from(client == ANN);
            push(&line, client, what);
        }
        assert_eq!(anns, 25);
    }

    #[test]
    fn who_comes_late_has_no_turns_to_catch_up() {
        let line = line(1, 99);
        let push = |client, what| (0..9).for_each(|_| assert_eq!(push(&line, client, what), None));
        let taken = || {
            let mut six: Vec<_> = (0..6).filter_map(|_| Some(line.next()?.0)).collect();
            six.sort_unstable();
            six
        };
        push(ANN, 1);
        push(BOB, 2);
        assert_eq!(taken(), [1, 1, 1, 2, 2, 2]);
        push(Client::Account(3), 3);
        assert_eq!(taken(), [1, 1, 2, 2, 3, 3]);
    }

    #[test]
    fn a_client_with_most_of_its_own_under_way_leaves_the_rest_to_others() {
        let line = line(3, 9);
        line.push(ANN, 1, 1);
        line.push(ANN, 1, 2);
        line.push(BOB, 1, 3);
        let (what, running) = line.next().unwrap();
        assert_eq!(what, 1);
        let (what, _bobs) = line.next().unwrap();
        assert_eq!(what, 3);
        assert!(line.next().is_none());
        drop(running);
        assert_eq!(line.next().unwrap().0, 2);
    }

    #[test]
    fn who_is_held_up_by_its_own_work_is_not_forgotten_when_others_have_had_their_turns() {
        let line = line(9, 9);
        (1..=2).for_each(|what| assert_eq!(line.push(ANN, 1, what).1, None));
        let anns = line.next();
        (11..15).for_each(|what| assert_eq!(push(&line, BOB, what), None));
        let bobs: Vec<_> = std::iter::from_fn(|| line.next()).map(|(what, _)| what).collect();
        assert_eq!(bobs, [11, 12, 13, 14]);
        drop(anns);
        assert_eq!(line.next().map(|(what, _)| what), Some(2));
    }

    #[test]
    fn what_was_refused_counts_as_no_turn() {
        let line = line(1, 50);
        let _running = (push(&line, BOB, 0), line.next());
        (0..50).for_each(|_| assert_eq!(push(&line, ANN, 1), None));
        (0..20).for_each(|_| assert_eq!(push(&line, BOB, 2), Some(1), "the line is full"));
        assert_eq!(line.overdue(Instant::now() + Duration::from_secs(3)).len(), 50);
        (0..20).for_each(|_| assert_eq!(push(&line, BOB, 2), None));
        push(&line, ANN, 1);
        let taken: Vec<_> = (0..3).filter_map(|_| Some(line.next()?.0)).collect();
        assert!(taken.contains(&1), "{taken:?}");
    }

    #[test]
    fn in_a_full_line_the_newest_of_the_greediest_client_has_no_place() {
        let line = line(1, 3);
        let _running = (push(&line, BOB, 0), line.next().unwrap());
        for what in 1..=3 {
            assert_eq!(push(&line, ANN, what), None);
        }
        assert_eq!(push(&line, ANN, 4), Some(4), "its own");
        assert_eq!(push(&line, BOB, 5), Some(3));
        assert_eq!(lock(&line.state).waiting, 3);
        assert_eq!(push(&line, BOB, 6), Some(6), "or the two would only swap");
    }

    #[test]
    fn what_waits_too_long_is_taken_out() {
        let line = line(1, 9);
        push(&line, ANN, 1);
        let _running = line.next().unwrap();
        push(&line, ANN, 2);
        push(&line, BOB, 3);
        let now = Instant::now();
        assert!(line.overdue(now + Duration::from_secs(1)).is_empty());
        let mut overdue = line.overdue(now + Duration::from_secs(3));
        overdue.sort_unstable();
        assert_eq!(overdue, [2, 3]);
        assert!(line.next().is_none() && lock(&line.state).waiting == 0);
    }

    #[test]
    fn a_runner_that_leaves_is_replaced_if_something_waits() {
        let line = line(1, 9);
        assert!(line.push(ANN, 9, 1).0);
        let first = line.next().unwrap();
        line.push(ANN, 9, 2);
        assert!(line.leave());
        let second = line.next().unwrap();
        assert!(!line.leave());
        drop((first, second));
        let state = lock(&line.state);
        assert!(state.runners == 0 && state.waiting == 0);
        assert!(state.clients.values().all(Share::is_empty));
    }
}
