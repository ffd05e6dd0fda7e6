//! The rules of the journal that the model switches off, one at a time, to see that it would notice.

/// A rule; what happens without it stands in the model's mutants. Three stand in the text of statements, so
/// only the simulated database can be without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Rule 2: every attempt to own has a token that nobody had before.
    UniqueToken,
    /// Rule 3: a takeover raises the newest guard also when its bucket is full.
    RaiseFull,
    /// Rule 3: a raise compares the next position too.
    #[cfg(test)]
    RaiseComparesNext,
    /// Rule 4: a dropped bucket keeps its guard.
    #[cfg(test)]
    KeepGuard,
    /// Rule 4: a dropped bucket says so.
    #[cfg(test)]
    MarkDropped,
    /// Rule 5: after an unknown outcome the guard is raised before anything is believed.
    RaiseOnUnknown,
    /// Rule 6: a round without writes reads its guard before it answers.
    ConfirmRefusals,
    /// Rule 6: a refusal waits for the round it was decided in.
    RefuseInTurn,
    /// Rule 7: a commit runs only under the token it was sent to.
    RunUnderNamedToken,
    /// Rule 7: an older attempt than the newest seen never runs.
    NumberedAttempts,
    /// Rule 7: only the newest attempt's refusal counts.
    NewestRefusal,
    /// Rule 8: an attempt that may have run is not run again.
    KnownAttempts,
    /// Rule 10: nothing is answered before it is applied.
    ApplyBeforeAnswer,
    /// Rule 11: the rows of a durable round count before they are applied.
    UnappliedRows,
    /// Rule 11: they are remembered as long as a fetch begun before is outstanding.
    OutstandingFetches,
    /// Rule 16: the rows of a round are acknowledged before those of the next are sent.
    ApplyInOrder,
}

/// True unless a test of the model switched the rule off on this thread.
#[cfg(test)]
pub(crate) fn holds(rule: Rule) -> bool {
    OFF.get() != Some(rule)
}

/// True: outside of the model every rule holds.
#[cfg(not(test))]
pub(crate) const fn holds(_: Rule) -> bool {
    true
}

#[cfg(test)]
thread_local! {
    /// The rule that is off on this thread.
    pub(crate) static OFF: std::cell::Cell<Option<Rule>> = const { std::cell::Cell::new(None) };
}
