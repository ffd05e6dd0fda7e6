//! The table of methods: name → access, kind, sentence, handler, types. The WebSocket, HTTP, the
//! documents, the client's types and the loops in the tests are all derived from it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::codec::{Codec, Params};
use super::error::ApiError;
use super::schema::{self, SchemaOf};
use super::{Answer, strict};
use crate::ctx::Ctx;

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Anybody, over HTTP only.
    Public,
    /// A person signed in with a first password, who must change it.
    NewPassword,
    /// A member of the space.
    Member,
    /// An administrator of the space.
    Admin,
}

/// Whether a method changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effectful {
    /// Only reads.
    Read,
    /// Changes something: takes a client id, and runs in order with the connection's other writes.
    Write,
}

type Answering = Pin<Box<dyn Future<Output = Answer<Vec<u8>>> + Send>>;
type Handler = Box<dyn Fn(Ctx, Params, Codec) -> Answering + Send + Sync>;

/// A row of the table.
pub struct Method {
    /// `<section>.<verb>`.
    pub name: String,
    /// Who may call it.
    pub access: Access,
    /// Whether it changes something.
    pub effectful: Effectful,
    /// What it does is told in the audit.
    pub audited: bool,
    /// One English sentence.
    pub summary: &'static str,
    /// Parameters as a schema.
    pub params: SchemaOf,
    /// Result as a schema.
    pub result: SchemaOf,
    handler: Handler,
}

impl Method {
    /// Runs the method and writes its result with `codec`. Access was checked by the caller.
    ///
    /// # Errors
    /// What the method answers, or `invalid` for parameters of another form.
    pub async fn call(&self, mut ctx: Ctx, params: Params, codec: Codec) -> Answer<Vec<u8>> {
        ctx.audited = self.audited.then(|| self.name.as_str().into());
        (self.handler)(ctx, params, codec).await
    }
}

/// A row of the table of pushed events.
pub struct Event {
    /// `<section>.<past participle>`.
    pub name: &'static str,
    /// One English sentence.
    pub summary: &'static str,
    /// Its data as a schema.
    pub data: SchemaOf,
}

/// The table.
#[derive(Default)]
pub struct Registry {
    methods: BTreeMap<String, Method>,
    events: BTreeMap<&'static str, Event>,
}

impl Registry {
    /// Begins a section; its rows follow.
    pub fn section(&mut self, name: &'static str) -> Section<'_> {
        Section {
            registry: self,
            name,
            last: String::new(),
        }
    }

    /// Ends the building of the table and checks what no type can: names are addresses, so they are
    /// lower-case words joined by dots.
    ///
    /// # Panics
    /// At start, for a name of another form: a mistake in the code.
    #[must_use]
    pub fn seal(self) -> Self {
        let word = |word: &str| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let named = |name: &str| name.contains('.') && name.split('.').all(word);
        let names = self
            .methods
            .keys()
            .map(String::as_str)
            .chain(self.events.keys().copied());
        names.for_each(|name| assert!(named(name), "{name} is no name of a method or an event"));
        self
    }

    /// The method of that name.
    pub fn method(&self, name: &str) -> Option<&Method> {
        self.methods.get(name)
    }

    /// All methods by name.
    pub fn methods(&self) -> impl Iterator<Item = &Method> {
        self.methods.values()
    }

    /// All events by name.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.values()
    }
}

/// Adds rows of one section.
pub struct Section<'a> {
    registry: &'a mut Registry,
    name: &'static str,
    /// The method that was added last.
    last: String,
}

impl Section<'_> {
    /// A method that only reads.
    pub fn read<P, R, F, Fut>(
        self,
        verb: &str,
        access: Access,
        summary: &'static str,
        run: F,
    ) -> Self
    where
        P: DeserializeOwned + Serialize + JsonSchema + Send + 'static,
        R: Serialize + JsonSchema + Send,
        F: Fn(Ctx, P) -> Fut + Send + Sync + Clone + 'static,
        Fut: Future<Output = Answer<R>> + Send + 'static,
    {
        self.add(verb, access, Effectful::Read, summary, run)
    }

    /// A method that changes something.
    pub fn write<P, R, F, Fut>(
        self,
        verb: &str,
        access: Access,
        summary: &'static str,
        run: F,
    ) -> Self
    where
        P: DeserializeOwned + Serialize + JsonSchema + Send + 'static,
        R: Serialize + JsonSchema + Send,
        F: Fn(Ctx, P) -> Fut + Send + Sync + Clone + 'static,
        Fut: Future<Output = Answer<R>> + Send + 'static,
    {
        self.add(verb, access, Effectful::Write, summary, run)
    }

    /// Marks the method before: what it does is told in the audit ([`crate::audit`]), by a note in the commit that
    /// does it.
    ///
    /// # Panics
    /// At start, where no method stands before it, or one that only reads: a mistake in the code.
    pub fn audited(self) -> Self {
        let row = self.registry.methods.get_mut(&self.last);
        let row = row.filter(|row| row.effectful == Effectful::Write);
        assert!(row.is_some(), "nothing to audit in {}", self.name);
        row.into_iter().for_each(|row| row.audited = true);
        self
    }

    /// An event that is pushed.
    pub fn event<T: JsonSchema>(self, name: &'static str, summary: &'static str) -> Self {
        let twice = self.registry.events.insert(
            name,
            Event {
                name,
                summary,
                data: schema::of::<T>,
            },
        );
        assert!(twice.is_none(), "two events are called {name}");
        self
    }

    fn add<P, R, F, Fut>(
        mut self,
        verb: &str,
        access: Access,
        effectful: Effectful,
        summary: &'static str,
        run: F,
    ) -> Self
    where
        P: DeserializeOwned + Serialize + JsonSchema + Send + 'static,
        R: Serialize + JsonSchema + Send,
        F: Fn(Ctx, P) -> Fut + Send + Sync + Clone + 'static,
        Fut: Future<Output = Answer<R>> + Send + 'static,
    {
        let name = format!("{}.{verb}", self.name);
        let handler: Handler = Box::new(move |ctx, params, codec| {
            let run = run.clone();
            Box::pin(async move {
                let params: P = strict::read(params)?;
                let result = run(ctx, params).await?;
                codec.encode(&result)
            })
        });
        let method = Method {
            name: name.clone(),
            access,
            effectful,
            audited: false,
            summary,
            params: schema::of::<P>,
            result: schema::of::<R>,
            handler,
        };
        self.last.clone_from(&name);
        let twice = self.registry.methods.insert(name, method);
        assert!(
            twice.is_none(),
            "two methods are called {}.{verb}",
            self.name
        );
        self
    }
}

/// Parameters of a method that takes none, and the result of one that answers nothing.
#[derive(Clone, Copy, Debug, Default, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Answers nothing.
///
/// # Errors
/// Never; the shape fits a method's last line.
pub fn nothing() -> Result<Nothing, ApiError> {
    Ok(Nothing {})
}
