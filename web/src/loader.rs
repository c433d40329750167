//! Data of a page: loads when its inputs change, keeps what it has while it loads again, forgets answers that come too late,
//! and writes to no signal that is gone. Pages read `data`, `error` and `is_loading`; they spawn nothing themselves.

use crate::api::ApiError;
use crate::erased::{effect, spawn};
use leptos::prelude::*;
use std::future::Future;
use std::pin::Pin;

/// A question under way; it ends in what puts the answer in its place.
type Asked = Pin<Box<dyn Future<Output = Box<dyn FnOnce()>>>>;

/// Asks at each turn and lets only the answer to the latest question take its place. Apart from `Loader`, so that it is
/// compiled once and not for each type of data.
fn keep_asking(ask: Box<dyn Fn() -> Asked>, turn: RwSignal<u32>, is_loading: RwSignal<bool>) {
    let latest = StoredValue::new(0_u32);
    effect(move || {
        turn.track();
        let asked = ask();
        let number = latest.get_value().wrapping_add(1);
        latest.set_value(number);
        is_loading.set(true);
        spawn(async move {
            let put = asked.await;
            // A later question is under way, or the page is gone.
            if latest.try_get_value() == Some(number) {
                put();
                is_loading.try_set(false);
            }
        });
    });
}

/// Data that was asked for, in signals.
#[derive(Debug)]
pub(crate) struct Loader<T: Send + Sync + 'static> {
    /// The last good answer.
    pub(crate) data: RwSignal<Option<T>>,
    /// Why the last try failed; `None` after a good answer.
    pub(crate) error: RwSignal<Option<ApiError>>,
    /// True while an answer is awaited.
    pub(crate) is_loading: RwSignal<bool>,
    turn: RwSignal<u32>,
}

impl<T: Send + Sync + 'static> Clone for Loader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Loader<T> {}

impl<T: Send + Sync + 'static> Loader<T> {
    /// Loads now, on [`Self::reload`], and whenever a signal changes that `fetch` reads before its first await.
    pub(crate) fn new<F, Fut>(fetch: F) -> Self
    where
        F: Fn() -> Fut + 'static,
        Fut: Future<Output = Result<T, ApiError>> + 'static,
    {
        let loader = Self {
            data: RwSignal::new(None),
            error: RwSignal::new(None),
            is_loading: RwSignal::new(true),
            turn: RwSignal::new(0),
        };
        let ask = move || -> Asked {
            let answer = fetch();
            Box::pin(async move {
                let answer = answer.await;
                Box::new(move || loader.put(answer)) as Box<dyn FnOnce()>
            })
        };
        keep_asking(Box::new(ask), loader.turn, loader.is_loading);
        loader
    }

    fn put(self, answer: Result<T, ApiError>) {
        match answer {
            Ok(data) => {
                self.data.try_set(Some(data));
                self.error.try_set(None);
            }
            Err(error) => {
                self.error.try_set(Some(error));
            }
        }
    }

    /// Asks again and keeps showing what is there.
    pub(crate) fn reload(self) {
        self.turn.try_update(|turn| *turn = turn.wrapping_add(1));
    }
}
