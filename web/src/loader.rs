//! Data of a page: loads when its inputs change, keeps what it has while it loads again, forgets answers that come too late,
//! and writes to no signal that is gone. Pages read `data`, `error` and `is_loading`; they spawn nothing themselves.

use crate::api::ApiError;
use leptos::prelude::*;
use std::future::Future;
use std::pin::Pin;

type Loading<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

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
        loader.run(Box::new(move || Box::pin(fetch())));
        loader
    }

    fn run(self, fetch: Box<dyn Fn() -> Loading<T>>) {
        let latest = StoredValue::new(0_u32);
        Effect::new(move |_| {
            self.turn.track();
            let answer = fetch();
            let number = latest.get_value().wrapping_add(1);
            latest.set_value(number);
            self.is_loading.set(true);
            leptos::task::spawn_local(async move {
                let answer = answer.await;
                // A later question is under way, or the page is gone.
                if latest.try_get_value() != Some(number) {
                    return;
                }
                match answer {
                    Ok(data) => {
                        self.data.try_set(Some(data));
                        self.error.try_set(None);
                    }
                    Err(error) => {
                        self.error.try_set(Some(error));
                    }
                }
                self.is_loading.try_set(false);
            });
        });
    }

    /// Asks again and keeps showing what is there.
    pub(crate) fn reload(self) {
        self.turn.try_update(|turn| *turn = turn.wrapping_add(1));
    }
}
