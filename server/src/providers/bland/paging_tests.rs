//! S3: where a walk goes on, where it ends, and when it is incomplete.

use super::{AgentCursor, AgentList, persona_step};
use crate::providers::cursor;

/// S3: the personas end with the first empty page, and the other lists follow.
#[test]
fn the_walk_goes_from_page_to_page_and_from_list_to_list() {
    let first = persona_step(&AgentCursor::start(), &["a", "b"], 0);
    assert!(first.is_new && first.is_complete);
    assert_eq!((first.next.list, first.next.page), (AgentList::Personas, 2));
    let second = persona_step(&first.next, &["c"], 0);
    assert_eq!(
        (second.next.list, second.next.page),
        (AgentList::Personas, 3)
    );
    let end = persona_step(&second.next, &[], 0);
    assert!(!end.is_new && end.is_complete);
    assert_eq!(end.next.list, AgentList::Agents);
    assert!(!end.next.enter(AgentList::Pathways, true).is_doubtful);
}

/// S3: a page that comes again proves that the page number is not honoured.
#[test]
fn a_repeated_page_ends_the_walk_in_doubt() {
    let first = persona_step(&AgentCursor::start(), &["a", "b"], 0);
    let again = persona_step(&first.next, &["a", "b"], 0);
    assert!(!again.is_new && !again.is_complete);
    assert_eq!(again.next.list, AgentList::Agents);
    assert!(again.next.is_doubtful);
}

/// S3: pages that come again in turn end the walk in doubt, and so does a list without an end, however many pages it has.
#[test]
fn a_walk_through_personas_ends() {
    let walk = |first: &dyn Fn(u64) -> String| {
        let mut cursor = AgentCursor::start();
        for requests in 1..20_000 {
            let step = persona_step(&cursor, &[first(cursor.page).as_str()], 0);
            cursor = step.next;
            if cursor.list != AgentList::Personas {
                assert!(!step.is_complete && cursor.is_doubtful);
                return requests;
            }
        }
        panic!("the walk does not end");
    };
    assert!(walk(&|page| (page % 2).to_string()) <= 5);
    assert!(walk(&|page| (page % 7).to_string()) <= 24);
    assert_eq!(walk(&|page| page.to_string()), 10_001);
}

/// S3: a doubt is never forgotten on the way.
#[test]
fn a_doubt_holds_to_the_end_of_the_walk() {
    let first = persona_step(&AgentCursor::start(), &["a"], 1);
    assert!(first.is_new && !first.is_complete);
    let end = persona_step(&first.next, &[], 0);
    assert!(!end.is_complete && end.next.is_doubtful);
    assert!(end.next.enter(AgentList::Pathways, true).is_doubtful);
    // A page of nothing but odd items is not the end, but it cannot go on forever either.
    let odd = persona_step(&AgentCursor::start(), &[], 3);
    assert_eq!(odd.next.list, AgentList::Personas);
    assert_eq!(persona_step(&odd.next, &[], 3).next.list, AgentList::Agents);
}

/// S5: the position survives a restart as text.
#[test]
fn a_position_is_text() {
    let cursor = persona_step(&AgentCursor::start(), &["a"], 0).next;
    let text = cursor::encode(&cursor).unwrap();
    assert_eq!(
        cursor::decode::<AgentCursor>(Some(&text)).unwrap(),
        Some(cursor)
    );
    assert!(cursor::decode::<AgentCursor>(Some("{}")).is_err());
}
