//! Takes the questions of threads that wait at the same time to Redis in one round trip. While
//! one thread is under way, the others queue; when it is back, it hands the answers out and one
//! of the queue goes, with everybody's questions. One thread alone goes at once.
//!
//! A question is sent after it was queued, so its answer is as fresh as if it had gone alone.

use super::protocol;
use redis::Value;
use std::borrow::Cow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// One thing to ask [`super::protocol::LOOK`].
#[derive(Debug)]
pub(super) enum Question {
    /// The user with this id; where nothing is, this lease is put there.
    User(i64, String),
    /// The counter under this key, prefix included, and what happens to it.
    Counter(String, String),
}

impl Question {
    /// The key that it is about and what to do there.
    pub(super) fn parts(&self, prefix: &str, run_id: &str) -> (Cow<'_, str>, &[u8]) {
        match self {
            Question::User(id, lease) => {
                (protocol::key(prefix, run_id, *id).into(), lease.as_bytes())
            }
            Question::Counter(key, change) => (key.into(), change.as_bytes()),
        }
    }
}

/// The answers to a thread's questions, in their order. `None`: Redis did not answer.
pub(super) type Answers = Option<Vec<Value>>;

/// Most threads whose questions go together. Bounds the time that Redis spends on one script.
const TOGETHER: usize = 128;
/// A thread in the queue, and its questions.
struct Ticket {
    questions: Vec<Question>,
    turn: Mutex<Turn>,
    changed: Condvar,
}

enum Turn {
    Waits,
    /// It is to go itself, and to take these with it.
    Leads(Vec<Arc<Ticket>>),
    Answered(Answers),
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Arc<Ticket>>,
    /// A thread is under way. One at a time proved quicker than two, four or eight: the fewer
    /// go, the more go together.
    under_way: bool,
}

/// The queue.
#[derive(Default)]
pub(super) struct Combiner(Mutex<Queue>);

/// A thread that panicked with one of these locks changed a list or a turn as a whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Combiner {
    /// Asks `questions`, perhaps together with those of other threads. `send` makes the round
    /// trip; its answers are in the order of the questions.
    pub(super) fn ask(
        &self,
        questions: Vec<Question>,
        send: impl FnOnce(&[&Question]) -> Answers,
    ) -> Answers {
        let own =
            Arc::new(Ticket { questions, turn: Mutex::new(Turn::Waits), changed: Condvar::new() });
        let mut queue = lock(&self.0);
        if queue.under_way {
            queue.waiting.push(own.clone());
            drop(queue);
            match own.wait() {
                Turn::Answered(answers) => answers,
                Turn::Leads(others) => self.lead(&own, others, send),
                Turn::Waits => None,
            }
        } else {
            queue.under_way = true;
            let others = queue.take();
            drop(queue);
            self.lead(&own, others, send)
        }
    }

    /// Goes to Redis for itself and for `others`, lets the next thread go, and hands out.
    fn lead(
        &self,
        own: &Ticket,
        others: Vec<Arc<Ticket>>,
        send: impl FnOnce(&[&Question]) -> Answers,
    ) -> Answers {
        let mut round = Round { combiner: self, others };
        let tickets = std::iter::once(own).chain(round.others.iter().map(Arc::as_ref));
        let questions: Vec<&Question> =
            tickets.flat_map(|ticket| ticket.questions.iter()).collect();
        let mut answers = send(&questions).filter(|all| all.len() == questions.len())?.into_iter();
        let others = std::mem::take(&mut round.others);
        drop(round);
        let mine = answers.by_ref().take(own.questions.len()).collect();
        for ticket in others {
            let theirs = answers.by_ref().take(ticket.questions.len()).collect();
            ticket.give(Turn::Answered(Some(theirs)));
        }
        Some(mine)
    }
}

impl Queue {
    fn take(&mut self) -> Vec<Arc<Ticket>> {
        let number = self.waiting.len().min(TOGETHER);
        self.waiting.drain(..number).collect()
    }
}

/// A round trip under way. However it ends, nobody is left waiting, and the next thread goes.
struct Round<'a> {
    combiner: &'a Combiner,
    /// Those that have no answers yet.
    others: Vec<Arc<Ticket>>,
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        for ticket in &self.others {
            ticket.give(Turn::Answered(None));
        }
        let mut queue = lock(&self.combiner.0);
        let mut next = queue.take();
        if next.is_empty() {
            queue.under_way = false;
        } else {
            drop(queue);
            let leader = next.swap_remove(0);
            leader.give(Turn::Leads(next));
        }
    }
}

impl Ticket {
    fn give(&self, new: Turn) {
        *lock(&self.turn) = new;
        self.changed.notify_one();
    }

    /// Waits for answers or for the lead. Without a bound of its own: a round trip has one, and
    /// its end, a panic too, gives everybody something.
    fn wait(&self) -> Turn {
        let mut turn = lock(&self.turn);
        while matches!(*turn, Turn::Waits) {
            turn = self.changed.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::replace(&mut *turn, Turn::Waits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Answers each question with its id.
    fn echo(questions: &[&Question]) -> Answers {
        let answer = |question: &&Question| match question {
            Question::User(id, _) => Value::Int(*id),
            Question::Counter(..) => Value::Nil,
        };
        Some(questions.iter().map(answer).collect())
    }

    #[test]
    fn everybody_gets_the_answers_to_their_own_questions_in_fewer_round_trips() {
        let (combiner, trips) = (Combiner::default(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for thread in 0..16 {
                let (combiner, trips) = (&combiner, &trips);
                scope.spawn(move || {
                    for round in 0..100 {
                        let ids: Vec<i64> = (0..round % 4).map(|n| thread * 1_000 + n).collect();
                        let questions = ids.iter().map(|id| Question::User(*id, String::new()));
                        let answers = combiner.ask(questions.collect(), |questions| {
                            trips.fetch_add(1, Ordering::Relaxed);
                            std::thread::sleep(std::time::Duration::from_micros(200));
                            echo(questions)
                        });
                        let expected: Vec<Value> = ids.into_iter().map(Value::Int).collect();
                        assert_eq!(answers, Some(expected));
                    }
                });
            }
        });
        assert!(trips.load(Ordering::Relaxed) < 800, "{trips:?} round trips for 1,600 questions");
    }

    #[test]
    fn a_thread_that_fails_or_panics_on_its_way_leaves_nobody_waiting() {
        let (combiner, number) = (Combiner::default(), AtomicUsize::new(0));
        let ask = || {
            combiner.ask(vec![Question::User(1, String::new())], |questions| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                match number.fetch_add(1, Ordering::Relaxed) % 4 {
                    0 => panic!("on purpose"),
                    1 => None,
                    2 => Some(Vec::new()), // too few
                    _ => echo(questions),
                }
            })
        };
        let once = || std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask));
        let rounds = || (0..50).filter(|_| matches!(once(), Ok(Some(_)))).count();
        let answered: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(rounds)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert!(answered > 0 && answered < 400);
        assert_eq!(combiner.ask(Vec::new(), echo), Some(Vec::new()));
    }
}
