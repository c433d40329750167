//! What an agency's clients see for themselves: their people (made here, with a link for the first log-in), and the keys that
//! they hand in. A person of a client never sees a key, whatever they may (P3): nothing here answers them with one.

pub(crate) mod hand_in;
pub(crate) mod people;
