//! The data of what people were told. Version 1.

use serde::{Deserialize, Serialize};

use crate::{Blank, IncidentId, Line, Name, PersonId, Timestamp, vocabulary::Notice};

data! {
    /// One person was told, or could not be.
    Delivery {
        /// `mail`, `webhook`, or `none` where no way to reach the person is known.
        channel: Name,
        /// Why not; empty where it was handed over. Never an address.
        detail: Line,
        /// Who.
        person: PersonId,
        /// Whether the next hand took it; whether it was read, nobody knows.
        sent: bool,
    }

    /// Data of `STAKEHOLDER_NOTIFIED`.
    StakeholderNotified {
        /// 1, 2, 3 …
        attempt: i64,
        /// Whom, and what came of it.
        deliveries: Vec<Delivery>,
        /// When the duty is due, for [`Notice::DutyDue`].
        due_at: Blank<Timestamp>,
        /// The incident; blank where it belongs to none.
        incident_id: Blank<IncidentId>,
        /// What they were told.
        notice: Notice,
        /// When those who could not be told are tried again; blank: not again.
        retry_at: Blank<Timestamp>,
        /// Which of several: the tier, the minutes before the end, the percentage of the time,
        /// or 100 and a day's number.
        stage: i64,
        /// What it is about: a reference, a duty with its account, an account, the event of
        /// a contact.
        subject: Line,
    }
}
