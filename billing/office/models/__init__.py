from billing.office.models.approval import ApprovalRequest
from billing.office.models.audit import AuditEntry, AuditSeal
from billing.office.models.document import KeptDocument
from billing.office.models.limit import AskedCount
from billing.office.models.machine import ApiClient, ApiRequest
from billing.office.models.notice import DeadAddress, Notice, NoticeEvent, Wording
from billing.office.models.number_series import NumberSeries
from billing.office.models.organization import Organization
from billing.office.models.policy import PolicySetting
from billing.office.models.signing_in import AccountLink, Authenticator, RecoveryCode, RecoverySet, SignIn
from billing.office.models.user import Grant, Membership, User

__all__ = [
    "AccountLink",
    "ApiClient",
    "ApiRequest",
    "ApprovalRequest",
    "AskedCount",
    "AuditEntry",
    "AuditSeal",
    "Authenticator",
    "DeadAddress",
    "Grant",
    "KeptDocument",
    "Membership",
    "Notice",
    "NoticeEvent",
    "NumberSeries",
    "Organization",
    "PolicySetting",
    "RecoveryCode",
    "RecoverySet",
    "SignIn",
    "User",
    "Wording",
]
