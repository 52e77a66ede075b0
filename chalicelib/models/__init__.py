"""The nouns of the domain, as plain data. Credits are whole; times end in their unit; `_at` is epoch seconds, UTC."""

from .accounts import (
    Account as Account,
    Action as Action,
    Balance as Balance,
    Caller as Caller,
    Charge as Charge,
    DayTotal as DayTotal,
    Entry as Entry,
    Hold as Hold,
    HoldState as HoldState,
    ModelUse as ModelUse,
    Profile as Profile,
)
from .audits import (
    Audit as Audit,
    AuditFigures as AuditFigures,
    AuditState as AuditState,
    Books as Books,
    Finding as Finding,
    FindingKind as FindingKind,
    HeavyUse as HeavyUse,
    KnownAudits as KnownAudits,
)
from .catchups import (
    Job as Job,
    JobState as JobState,
    Moment as Moment,
    Order as Order,
    Question as Question,
    Recording as Recording,
    StoredFile as StoredFile,
    Summary as Summary,
    TextAnswer as TextAnswer,
    UploadTicket as UploadTicket,
)
from .live import (
    InFlight as InFlight,
    LiveOptions as LiveOptions,
    Recognition as Recognition,
    Reservation as Reservation,
    Segment as Segment,
    Session as Session,
    SessionState as SessionState,
    Ticket as Ticket,
    Transcript as Transcript,
    Word as Word,
)
from .sales import (
    CheckoutSession as CheckoutSession,
    PaymentNews as PaymentNews,
    Purchase as Purchase,
)
