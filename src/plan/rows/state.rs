//! What is to be done for a row.

/// What is to be done for a row, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowState {
    /// Valid, and not known yet: the target must be asked, and if it does not know
    /// the person either, it is a joiner.
    New,
    /// The person is as the feed says.
    Unchanged,
    /// The person is there, and differs.
    Changed,
    /// A person without an external ID on the target is this one.
    Adopt,
    /// Somebody known under another external ID gets this one.
    Rekey,
    /// A guard holds it back: a person must approve.
    Held,
    /// An interrupted run may have created the person: the target must be asked.
    UnknownCreate,
    /// An interrupted run may have given a person without an external ID this one:
    /// the target must be asked.
    UnknownAdopt,
    /// An interrupted run may have updated the person: the target must be asked.
    UnknownUpdate,
    /// An interrupted run may have given somebody known this external ID: the target
    /// must be asked.
    UnknownRekey,
    /// The person differs, and is left alone: protected, or a person refused the
    /// change.
    LeftAlone,
    /// Another row of the person counts, as the mapping says: the row is left out.
    Superseded,
    /// The row is invalid.
    Rejected,
    /// Nothing is sent for the row, and it is recorded why: the LMS refused it, or gave
    /// no answer about the person.
    NotDone,
    /// The run that is being resumed has done what the row says.
    Settled,
}

impl RowState {
    /// Whether an interrupted run had begun to send the row.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        matches!(
            self,
            Self::UnknownCreate | Self::UnknownAdopt | Self::UnknownUpdate | Self::UnknownRekey
        )
    }

    /// Whether the row changes somebody who is there.
    #[must_use]
    pub const fn is_change(self) -> bool {
        matches!(
            self,
            Self::Changed
                | Self::Adopt
                | Self::Rekey
                | Self::UnknownAdopt
                | Self::UnknownUpdate
                | Self::UnknownRekey
        )
    }

    /// Whether somebody is created for the row.
    #[must_use]
    pub const fn is_joiner(self) -> bool {
        matches!(self, Self::New | Self::UnknownCreate)
    }

    /// Whether the groups of the row must be there: nothing is done for the others.
    #[must_use]
    pub const fn needs_groups(self) -> bool {
        !matches!(
            self,
            Self::Unchanged
                | Self::LeftAlone
                | Self::Held
                | Self::Superseded
                | Self::Rejected
                | Self::NotDone
                | Self::Settled
        )
    }
}
