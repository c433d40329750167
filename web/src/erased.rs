//! Closures and futures behind one type each. The framework compiles its machinery anew for each closure and future that it is
//! given; these wrappers give it one type, and the app is a good part smaller. They add one allocation each and change nothing
//! else.

use leptos::prelude::*;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

/// Runs now and whenever a signal changes that it reads.
pub(crate) fn effect(run: impl FnMut() + 'static) {
    boxed_effect(Box::new(run));
}

fn boxed_effect(mut run: Box<dyn FnMut()>) {
    Effect::new(move |_| run());
}

/// Runs a future on this page.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    boxed_spawn(Box::pin(task));
}

fn boxed_spawn(task: Pin<Box<dyn Future<Output = ()>>>) {
    leptos::task::spawn_local(task);
}

/// A view that is built anew whenever a signal changes that it reads.
pub(crate) fn dynamic(build: impl FnMut() -> AnyView + Send + 'static) -> AnyView {
    shared_dynamic(Arc::new(Mutex::new(build)))
}

fn shared_dynamic(build: Arc<Mutex<dyn FnMut() -> AnyView + Send>>) -> AnyView {
    build.into_any()
}
