//! What anyone may know of this installation.

use async_graphql::{Context, Enum, Object, SimpleObject};

use crate::{
    access::Role,
    error::Result,
    graphql::{context::ContextExt, provider::Provider},
    store, vault,
};

/// How stored keys are sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum Cipher {
    /// XChaCha20-Poly1305, the default.
    #[graphql(name = "XCHACHA20_POLY1305")]
    XChaCha20Poly1305,
    /// AES-256-GCM, where rules ask for it.
    #[graphql(name = "AES_256_GCM")]
    Aes256Gcm,
}

impl From<vault::Cipher> for Cipher {
    fn from(cipher: vault::Cipher) -> Self {
        match cipher {
            vault::Cipher::XChaCha20Poly1305 => Self::XChaCha20Poly1305,
            vault::Cipher::Aes256Gcm => Self::Aes256Gcm,
        }
    }
}

/// Somebody who can log in to the demo.
#[derive(SimpleObject)]
pub(crate) struct DemoLogIn {
    /// The email address to log in with.
    email: String,
    /// Password; the demo listens on this machine only.
    password: String,
    /// What this person is in the demo agency.
    role: Role,
}

/// A key that the provider sandbox knows.
#[derive(SimpleObject)]
pub(crate) struct SampleKey {
    /// The provider that the sandbox plays.
    provider: Provider,
    /// The key; it opens nothing but the sandbox.
    key: String,
    /// What the sandbox answers to it.
    outcome: String,
}

/// Only in `ringfence demo`: who can log in, and which sandbox keys there are.
#[derive(SimpleObject)]
pub(crate) struct Demo {
    /// Who can log in.
    log_ins: Vec<DemoLogIn>,
    /// Keys that the provider sandbox knows.
    sample_keys: Vec<SampleKey>,
}

/// This installation.
pub(crate) struct Instance;

/// What anyone may know of this installation.
#[Object]
impl Instance {
    /// True until the first owner has been made on the set-up page.
    async fn needs_set_up(&self, ctx: &Context<'_>) -> Result<bool> {
        let mut conn = ctx.app()?.db.read().await?;
        store::users::is_empty(&mut conn).await
    }

    /// Who can log in to the demo and which sandbox keys there are; null outside the demo.
    async fn demo(&self, ctx: &Context<'_>) -> Result<Option<Demo>> {
        Ok(ctx.app()?.demo.as_ref().map(|demo| Demo {
            log_ins: demo
                .log_ins
                .iter()
                .map(|log_in| DemoLogIn {
                    email: log_in.email.to_owned(),
                    password: log_in.password.to_owned(),
                    role: log_in.role,
                })
                .collect(),
            sample_keys: demo
                .sample_keys
                .iter()
                .map(|sample| SampleKey {
                    provider: sample.provider.into(),
                    key: sample.key.to_owned(),
                    outcome: sample.outcome.to_owned(),
                })
                .collect(),
        }))
    }

    /// Version of the server; null for nobody.
    async fn version(&self) -> Option<&'static str> {
        Some(env!("CARGO_PKG_VERSION"))
    }

    /// How new keys are sealed; needs `VIEW_KEY_DETAILS`.
    async fn cipher(&self, ctx: &Context<'_>) -> Result<Option<Cipher>> {
        Ok(Some(ctx.app()?.vault.cipher().into()))
    }

    /// Short public id of the master key in use, as the recovery kit shows it; needs `VIEW_KEY_DETAILS`.
    async fn master_key_id(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(Some(ctx.app()?.vault.master_key_id().to_owned()))
    }
}

#[derive(Default)]
pub(crate) struct InstanceQuery;

#[Object]
impl InstanceQuery {
    /// What anyone may know of this installation.
    async fn instance(&self) -> Instance {
        Instance
    }
}
