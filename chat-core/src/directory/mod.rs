//! People: set-up of the company, accounts, sign-in and sessions, members of the space, search.

pub mod account;
pub mod disabling;
pub mod editing;
pub mod guard;
pub mod operator;
pub mod person;
pub mod pinyin;
pub mod search;
pub mod session;
pub mod setup;
pub mod space;

use crate::api::Registry;
use crate::effect::Kind;

/// Adds the rows of this area to the table.
pub fn register(api: &mut Registry) {
    setup::register(api);
    session::register(api);
    account::register(api);
    space::register(api);
    disabling::register(api);
    editing::register(api);
    search::register(api);
}

/// The kinds of effects of this area.
pub fn effects() -> Vec<Kind> {
    vec![
        Kind {
            name: setup::FOUND,
            targets: |effect| {
                let founding = effect.payload::<setup::Founding>()?;
                Ok(vec![person::space_home(founding.person.space_id)])
            },
            run: |node, effect, _| {
                Box::pin(async move {
                    setup::found(&node.store, &effect.payload::<setup::Founding>()?).await
                })
            },
            takes_a_right: false,
        },
        Kind {
            name: person::COMPLETE,
            targets: |effect| {
                Ok(vec![person::account_home(
                    effect.payload::<person::NewPerson>()?.account_id,
                )])
            },
            run: |node, effect, _| {
                Box::pin(async move {
                    person::complete(&node.store, &effect.payload::<person::NewPerson>()?).await
                })
            },
            takes_a_right: false,
        },
        Kind {
            name: account::END_SESSIONS,
            targets: |effect| {
                Ok(vec![person::account_home(
                    effect.payload::<account::EndSessions>()?.account_id,
                )])
            },
            run: |node, effect, _| {
                Box::pin(async move {
                    let end: account::EndSessions = effect.payload()?;
                    // Run again after a crash, it must not end those who signed in since.
                    let until_ms = effect.time_ms;
                    session::end_others(&node.store, end.account_id, end.keep, until_ms).await
                })
            },
            takes_a_right: true,
        },
        Kind {
            name: disabling::ACCOUNT_STATE,
            targets: |effect| {
                Ok(vec![person::account_home(
                    effect.payload::<disabling::AccountState>()?.account_id,
                )])
            },
            run: |node, effect, _| {
                Box::pin(async move {
                    let state: disabling::AccountState = effect.payload()?;
                    disabling::tell_account(&node, state, effect.time_ms).await
                })
            },
            takes_a_right: true,
        },
    ]
}
