//! The design system: every piece that a page is made of, with its behaviour, its roles and its states. Pages put pieces
//! together and write no markup of their own for what stands here. Pieces know no operation and no agency; they take
//! signals and callbacks.

pub(crate) mod badge;
pub(crate) mod button;
pub(crate) mod chart;
pub(crate) mod copyable;
pub(crate) mod dialog;
pub(crate) mod empty_state;
pub(crate) mod error_notice;
pub(crate) mod field;
pub(crate) mod icons;
pub(crate) mod key_field;
pub(crate) mod mark;
pub(crate) mod notices;
pub(crate) mod page_head;
pub(crate) mod pager;
pub(crate) mod popover;
pub(crate) mod progress;
pub(crate) mod shown_once;
pub(crate) mod side_panel;
pub(crate) mod skeleton;
pub(crate) mod table;
pub(crate) mod tabs;
pub(crate) mod time;

use std::cell::Cell;

/// An element id that no other piece on the page has.
pub(crate) fn fresh_id(prefix: &str) -> String {
    thread_local! {
        static NEXT: Cell<u32> = const { Cell::new(0) };
    }
    let number = NEXT.get();
    NEXT.set(number.wrapping_add(1));
    format!("{prefix}-{number}")
}
