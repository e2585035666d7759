//! What people decided about earlier holds, as far as it is still wanted.

use std::collections::{HashMap, HashSet};

use super::known::Compared;
use super::row_changes::{approve, approve_as_joiner, changes_identity, is_renumbered};
use super::way_back::undone_by;
use super::{RunError, Stages};
use crate::journal::{HeldPerson, Hold, HoldId, Journal, RunId, RunRef};
use crate::mapping::FeedKind;
use crate::model::{ExternalId, HoldKind, HoldState, RowNumber};
use crate::plan::guards::{NONE, Waiting};
use crate::plan::{self, IdChange, LeftAlone, RowDetail, RowIndex, RowState, RowTable};

/// The earlier holds of a feed, and what this run finds of them.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    pub(super) holds: Vec<EarlierHold>,
    /// Leavers whose removal a person approved, with the hold.
    pub(super) approved_leavers: HashMap<ExternalId, HoldId>,
    /// Holds that `--allow` let pass.
    pub(super) let_pass: Vec<HoldId>,
    /// The external IDs that a hold said to be somebody known under another one, with
    /// that: until the person is known under it.
    renumbered: Vec<(ExternalId, String)>,
}

/// An earlier hold with its people.
#[derive(Debug)]
pub(super) struct EarlierHold {
    pub(super) hold: Hold,
    pub(super) people: Vec<HeldPerson>,
    /// Those of them who are in another row than before.
    pub(super) moved: Vec<(ExternalId, Option<RowNumber>)>,
    /// Those of them whose change is still wanted.
    pub(super) wanted: HashSet<ExternalId>,
    /// The run that is being resumed has begun to carry it out.
    pub(super) is_begun: bool,
    /// The feed, a delta, has no row of some of them, whom it says nothing of: the hold
    /// waits as it is.
    pub(super) is_silent: bool,
    /// So do those of them who are in a row: rows that came back are a part of a feed that
    /// somebody chose.
    pub(super) keeps: bool,
}

impl EarlierHold {
    /// Whether nobody has decided, and guards judge its people again.
    pub(super) fn is_open(&self) -> bool {
        self.hold.state == HoldState::Open && self.hold.remainder_of.is_none() && !self.is_silent
    }

    /// Whether it keeps somebody who is in a row that came back.
    pub(super) fn keeps(&self) -> bool {
        self.keeps && !self.wanted.is_empty()
    }

    /// Whether it is what was left of a decision, and of which hold: its people stay
    /// held.
    fn remainder(&self) -> Option<HoldId> {
        let is_open = self.hold.state == HoldState::Open;
        self.hold.remainder_of.filter(|_| is_open)
    }

    /// Finds the rows in which its people are now.
    fn find_rows(&mut self, rows: &RowTable) {
        for person in &mut self.people {
            let row = rows.named(person.external_id.as_str());
            let row = row.map(|row| rows.number(row));
            if person.row != row {
                person.row = row;
                self.moved.push((person.external_id.clone(), row));
            }
        }
    }
}

impl Earlier {
    /// Whether one is about people on the LMS whom the journal does not know: only
    /// its list shows whether that is so still.
    pub(super) fn name_strangers(&self, rows: &RowTable, compared: &Compared) -> bool {
        let renumbered = (self.holds.iter()).filter(|it| it.hold.kind == HoldKind::Renumbered);
        renumbered.flat_map(|it| &it.people).any(|person| {
            let row = rows.named(person.external_id.as_str());
            let is_known = |id: &String| compared.is_missing(id) || rows.named(id).is_some();
            row.is_some_and(|row| rows.state(row) == RowState::New)
                && !person.known_as.as_ref().is_some_and(is_known)
        })
    }

    /// The rows that a hold says to be somebody known under another external ID.
    pub(super) fn renumbered<'a>(
        &'a self,
        rows: &'a RowTable,
    ) -> impl Iterator<Item = (RowIndex, &'a str)> {
        (self.renumbered.iter())
            .filter_map(|(id, known_as)| Some((rows.named(id.as_str())?, known_as.as_str())))
    }

    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.holds.is_empty()
    }

    /// The holds of that kind which guards judge again.
    pub(super) fn open(&self, kind: HoldKind) -> impl Iterator<Item = &EarlierHold> {
        (self.holds.iter()).filter(move |it| it.is_open() && it.hold.kind == kind)
    }

    /// The holds of that kind which a person refused, and of which something is
    /// still wanted.
    pub(super) fn refused(&self, kind: HoldKind) -> impl Iterator<Item = &EarlierHold> {
        let refused = (self.holds.iter()).filter(|it| it.hold.state == HoldState::Refused);
        refused.filter(move |it| it.hold.kind == kind && !it.wanted.is_empty())
    }

    /// Holds of which a person decided about some people only, and of whose others
    /// something is still wanted.
    pub(super) fn remainders(&self) -> impl Iterator<Item = (&EarlierHold, HoldId)> {
        let wanted = self.holds.iter().filter(|it| !it.wanted.is_empty());
        wanted.filter_map(|it| Some((it, it.remainder()?)))
    }

    /// Holds of which the feed, a delta, does not name everybody.
    pub(super) fn silent(&self) -> impl Iterator<Item = &EarlierHold> {
        self.holds.iter().filter(|it| it.is_silent)
    }

    /// Those of them that keep people who are in a row.
    pub(super) fn keeping(&self) -> impl Iterator<Item = &EarlierHold> {
        (self.holds.iter()).filter(|it| it.keeps())
    }

    /// Whose removal waits or was decided upon: a delta names them once.
    pub(super) fn leavers(&self) -> impl Iterator<Item = &ExternalId> {
        let leavers = self
            .holds
            .iter()
            .filter(|it| it.hold.kind == HoldKind::Leavers);
        leavers.flat_map(|it| it.people.iter().map(|person| &person.external_id))
    }

    /// Whether the person is in a hold that stays as it is.
    pub(super) fn is_remaining(&self, kind: HoldKind, id: &ExternalId) -> bool {
        let remainders = self.remainders().map(|(it, _)| it);
        let mut staying = remainders.chain(self.keeping());
        staying.any(|it| it.hold.kind == kind && it.wanted.contains(id))
    }

    /// The open hold of creates that is not due to a number.
    pub(super) fn waiting(&self) -> Waiting {
        let holds = self.open(HoldKind::Creates);
        let waiting = holds.filter(|it| it.hold.bound == NONE);
        waiting.fold(Waiting::default(), |sum, it| Waiting {
            people: sum.people + it.people.len() as u64,
            new: sum.new + it.wanted.len() as u64,
        })
    }

    /// How many people one feed took for others, and the next ones still do although a
    /// person refused that or let only a part of it pass. Those of several feeds are
    /// not one mistake.
    pub(super) fn refused_identities(&self) -> u64 {
        let is_of = |it: &&EarlierHold| {
            let is_refused = it.hold.state == HoldState::Refused || it.remainder().is_some();
            let kinds = [HoldKind::Identities, HoldKind::Renumbered];
            is_refused && kinds.contains(&it.hold.kind)
        };
        let mut by_run: HashMap<RunId, u64> = HashMap::new();
        for it in self.holds.iter().filter(is_of) {
            *by_run.entry(it.hold.since_run).or_default() += it.wanted.len() as u64;
        }
        by_run.into_values().max().unwrap_or(0)
    }

    /// What was decided about people whom the LMS does not show: the hold that
    /// approved their creation, or that a person refused it.
    pub(super) fn lost(&self, id: &ExternalId) -> Option<(HoldState, HoldId)> {
        let lost = self
            .holds
            .iter()
            .filter(|it| it.hold.kind == HoldKind::Lost);
        let of_person = lost.filter(|it| it.wanted.contains(id));
        of_person
            .map(|it| (it.hold.state, it.hold.id))
            .find(|(state, _)| *state != HoldState::Open)
    }

    /// The holds that this run carries out: not those of which nothing can be sent,
    /// or of which something waits for the next run.
    pub(super) fn approved(&self, rows: &RowTable) -> Vec<HoldId> {
        let state = |id: &ExternalId| rows.named(id.as_str()).map(|row| rows.state(row));
        let is_done = |it: &&EarlierHold| {
            let mut wanted = it.wanted.iter().map(state);
            let waits = wanted.clone().any(|it| it == Some(RowState::Held));
            let is_sent = wanted.any(|it| it != Some(RowState::Rejected));
            let is_done = !waits && !it.is_silent && (is_sent || it.is_begun);
            it.hold.state == HoldState::Approved && is_done
        };
        let approved = self.holds.iter().filter(is_done).map(|it| it.hold.id);
        approved.chain(self.let_pass.iter().copied()).collect()
    }
}

impl Stages<'_> {
    /// Whether a hold is of a run that undoes another one, unless this run undoes the same; or
    /// of an import, if this run undoes one.
    fn is_of_other(&self, journal: &Journal, hold: &Hold) -> Result<bool, RunError> {
        let holder = journal.run(RunRef::Id(hold.last_run))?;
        let undone = holder.as_ref().and_then(undone_by);
        let way_back = self.way_back.as_ref().map(|it| it.of.to_string());
        Ok(undone != way_back.as_deref())
    }

    /// The earlier holds of this feed, without approvals that are too old or that
    /// somebody has just taken back.
    pub(super) fn earlier_holds(&self, rows: &RowTable) -> Result<Earlier, RunError> {
        let mut earlier = Earlier::default();
        let Some(journal) = &self.journal else {
            return Ok(earlier);
        };
        earlier.renumbered = journal.renumbered_in_holds(&self.scope, &self.mapping_path())?;
        let now = self.clock.now();
        let way_back = self.way_back.as_ref();
        let is_removed = |id: &ExternalId| way_back.is_some_and(|it| it.removes(id));
        let is_of_rows = |hold: &Hold, people: &[HeldPerson]| {
            let mut ids = people.iter().map(|person| &person.external_id);
            match hold.kind {
                HoldKind::Leavers => ids.any(is_removed),
                _ => ids.any(|id| rows.named(id.as_str()).is_some()),
            }
        };
        let are_corrections = self.bound.mapping().corrections_of().is_some();
        for (hold, people) in journal.holds_of(&self.scope, &self.mapping_path())? {
            // What waits for a way back, imports say nothing of, and the other way round.
            if self.is_of_other(journal, &hold)? {
                continue;
            }
            // Of others rows that came back say nothing.
            if are_corrections && !is_of_rows(&hold, &people) {
                continue;
            }
            let state = hold.state_at(now);
            if state != hold.state {
                self.notes.lapses(hold.id)?;
                continue;
            }
            if state == HoldState::Approved && !self.notes.claim(hold.id)? {
                continue;
            }
            let resumed = self.resumed.as_ref().map(|run| run.id);
            earlier.holds.push(EarlierHold {
                is_begun: resumed.is_some() && hold.carried_out_by == resumed,
                hold,
                people,
                moved: Vec::new(),
                wanted: HashSet::new(),
                is_silent: false,
                keeps: false,
            });
        }
        Ok(earlier)
    }

    /// Applies what people decided earlier, as far as exactly that is still
    /// wanted.
    pub(super) fn apply_decisions(
        &self,
        rows: &mut RowTable,
        compared: &mut Compared,
        earlier: &mut Earlier,
    ) -> Result<(), RunError> {
        let leaving = plan::digest_of_leaver(self.bound.mapping());
        let are_corrections = self.bound.mapping().corrections_of().is_some();
        let mut decided = HashSet::new();
        // Those whom joiners only resemble are judged as everybody who is missing.
        compared.keep_no_longer(&others_than_joiners(rows, earlier));
        for it in &mut earlier.holds {
            // Who leaves has no row.
            if it.hold.kind != HoldKind::Leavers {
                it.find_rows(rows);
                let is_of_delta = self.bound.mapping().kind == FeedKind::Delta;
                it.is_silent = is_of_delta && it.people.iter().any(|it| it.row.is_none());
                it.keeps = it.is_silent && are_corrections && it.hold.state == HoldState::Open;
            }
            let is_decided = !it.is_open();
            for person in &it.people {
                let id = &person.external_id;
                let is_wanted = if it.hold.kind == HoldKind::Leavers {
                    let is_wanted = person.digest == leaving
                        && compared.is_leaver(id.as_str())
                        && !decided.contains(id);
                    if is_wanted && is_decided {
                        decided.insert(id.clone());
                        if it.hold.state == HoldState::Approved {
                            let approved = &mut earlier.approved_leavers;
                            approved.insert(id.clone(), it.hold.id);
                        }
                    }
                    is_wanted
                } else {
                    let row = wanted_row(rows, it.hold.kind, person);
                    if let Some(row) = row {
                        if it.keeps {
                            rows.hold(row, it.hold.kind);
                        } else {
                            decide(rows, row, &it.hold);
                        }
                    }
                    row.is_some()
                };
                if is_wanted {
                    it.wanted.insert(id.clone());
                }
            }
            if it.is_silent || is_decided && !it.wanted.is_empty() {
                self.notes.hold_seen(it)?;
            }
        }
        compared.keep(decided.iter().map(ExternalId::as_str));
        Ok(())
    }
}

/// The external IDs of those whom a person said that new people are not.
fn others_than_joiners(rows: &RowTable, earlier: &Earlier) -> Vec<String> {
    let as_joiners = earlier.holds.iter().filter(|it| {
        let decided = it.hold.decided.as_ref();
        it.hold.state == HoldState::Approved && decided.is_some_and(|it| it.as_joiners)
    });
    let people = as_joiners.flat_map(|it| &it.people);
    let of_joiners = people.filter_map(|person| {
        let row = wanted_row(rows, HoldKind::Renumbered, person)?;
        (rows.state(row) == RowState::New).then(|| person.known_as.clone())?
    });
    of_joiners.collect()
}

/// The row of a person of an earlier hold, if exactly that change is wanted.
fn wanted_row(rows: &RowTable, kind: HoldKind, person: &HeldPerson) -> Option<RowIndex> {
    let row = rows.named(person.external_id.as_str())?;
    let state = rows.state(row);
    let none = RowDetail::default();
    let detail = rows.detail(row).unwrap_or(&none);
    let is_renumbered = is_renumbered(state, detail);
    let is_of_kind = match kind {
        // A killed run may have begun to carry it out.
        HoldKind::Creates => {
            matches!(state, RowState::New | RowState::UnknownCreate) && !is_renumbered
        }
        HoldKind::Updates => {
            matches!(state, RowState::Changed | RowState::Adopt | RowState::Rekey) && !is_renumbered
        }
        HoldKind::Identities => changes_identity(state, detail),
        HoldKind::Renumbered => {
            is_renumbered || detail.id_change == IdChange::Rekeyed && state == RowState::Rekey
        }
        // Who is lost shows only once the updates were sent.
        HoldKind::Lost => {
            let is_sent = matches!(
                state,
                RowState::Changed | RowState::Rekey | RowState::UnknownCreate
            );
            return is_sent.then_some(row);
        }
        HoldKind::Leavers => false,
    };
    let digest = || plan::digest_of_row(kind, rows.fingerprint(row), detail);
    (is_of_kind && digest() == person.digest).then_some(row)
}

/// Applies a decision to the row of one of its people.
fn decide(rows: &mut RowTable, row: RowIndex, hold: &Hold) {
    let is_other = hold.decided.as_ref().is_some_and(|it| it.as_joiners);
    match (hold.state, hold.kind) {
        (HoldState::Approved, HoldKind::Renumbered) if is_other => {
            approve_as_joiner(rows, row, hold.id);
        }
        (HoldState::Open, kind) if hold.remainder_of.is_some() => rows.hold(row, kind),
        // They are updates until the LMS does not find them.
        (_, HoldKind::Lost) => {}
        (HoldState::Approved, kind) => approve(rows, row, kind, Some(hold.id)),
        (HoldState::Refused, _) => {
            rows.leave_alone(row, LeftAlone::Refused);
            rows.detail_mut(row).hold = Some(hold.id.number());
        }
        _ => {}
    }
}
