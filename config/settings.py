"""Settings: a development machine by default, hardened when QUITTANCE_ENV=production.

Every choice an operator has is an environment variable, read here and nowhere else. Importing this module
touches neither disk nor database.
"""

import base64
import hashlib
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

from config import gateways, logs
from config.embedded.address import database
from config.look import UNFOLD as UNFOLD

django_stubs_ext.monkeypatch()  # before any model: DecimalField[...] and its kin

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

PRODUCTION = env.str("QUITTANCE_ENV", default="development") == "production"
TESTING = "pytest" in sys.modules
DEBUG = env.bool("DEBUG", default=False) and not PRODUCTION


def required(name: str, development: str) -> str:
    """A value that a development machine may invent and a production machine must be given."""
    value: str = env.str(name, default="")
    if PRODUCTION and not value:
        raise ImproperlyConfigured(f"{name} must be set when QUITTANCE_ENV=production")
    return value or development


def development_key(purpose: str) -> str:
    """Not a secret: it only keeps encrypted demo data readable between two starts."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"quittance {purpose}".encode()).digest()).decode()


# Places. Everything the program writes is below VAR_DIR; tests write beside, never into, the demo's files, and each
# of several test processes into its own.

VAR_DIR = (BASE_DIR / env.str("VAR_DIR", default="var")).resolve()
_worker = env.str("PYTEST_XDIST_WORKER", default="")
FILES_DIR = VAR_DIR / (f"test-{_worker}" if _worker else "test") if TESTING else VAR_DIR
MEDIA_ROOT = FILES_DIR / "media"
ARCHIVE_DIR = FILES_DIR / "archive"
DOCUMENTS_DIR = FILES_DIR / "documents"
SIGNING_DIR = FILES_DIR / "signing"
STATIC_ROOT = VAR_DIR / "static"
STATIC_URL = "/static/"
MEDIA_URL = "/media/"
STATICFILES_DIRS = [path for path in [BASE_DIR / "static"] if path.is_dir()]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
FILE_UPLOAD_PERMISSIONS = 0o640

# Secrets

SECRET_KEY = required("SECRET_KEY", development_key("development secret key") * 2)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# The first key encrypts, every key decrypts: put a new one in front and rewrite at leisure.
FIELD_KEYS = required("FIELD_KEYS", development_key("development field key")).split(",")
# PEM files whose owner answers for our papers; the certificate with its chain. Without them papers are signed by a
# key made in SIGNING_DIR, which proves that nothing was changed but not who signed.
SIGNING_KEY_FILE = env.str("SIGNING_KEY_FILE", default="")
SIGNING_KEY_PASSWORD = env.str("SIGNING_KEY_PASSWORD", default="")
SIGNING_CERTIFICATE_FILE = env.str("SIGNING_CERTIFICATE_FILE", default="")

# Applications

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.import_export",
    "config.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_q",
    "import_export",
    "axes",
    "django_otp",
    "csp",
    "django_structlog",
    "billing.office",
    "billing.ledger",
    "billing",
    "payments",
    "reconciliation",
    "receipts",
    "config",
]

MIDDLEWARE = [
    "config.middleware.AddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.HeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.SessionLimitsMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "billing.office.middleware.ActorMiddleware",
    "config.middleware.SecondFactorMiddleware",
    "config.middleware.PlaceMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Database

# A lock that does not come in 5 seconds is a clerk's open form elsewhere: fail, say so, let them try again.
_session = {
    "lock_timeout": env.str("LOCK_TIMEOUT", default="5s"),
    "idle_in_transaction_session_timeout": "60s",
    "statement_timeout": env.str("STATEMENT_TIMEOUT", default="0"),  # config.wsgi sets it for the web process
}
if TESTING:  # nobody misses a test database after a power cut
    _session["synchronous_commit"] = "off"
_database: dict[str, Any] = (
    env.db("DATABASE_URL")
    if env.str("DATABASE_URL", default="")
    else database(VAR_DIR / ("postgres-test" if TESTING else "postgres"))
)
_options = dict(_database.get("OPTIONS", {}))
_flags = [_options.pop("options", ""), *(f"-c {name}={value}" for name, value in _session.items())]
DATABASES = {
    "default": _database
    | {
        "ATOMIC_REQUESTS": False,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": _options | {"options": " ".join(_flags).strip()},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# People

AUTH_USER_MODEL = "office.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
if TESTING:  # a slow hash protects nobody there
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"

# Without a request for so long, or signed in for so long, and one signs in again.
STAFF_IDLE_SECONDS = env.int("STAFF_IDLE_SECONDS", default=15 * 60)
FAMILY_IDLE_SECONDS = env.int("FAMILY_IDLE_SECONDS", default=60 * 60)
STAFF_SESSION_SECONDS = env.int("STAFF_SESSION_SECONDS", default=12 * 60 * 60)
SESSION_COOKIE_AGE = env.int("SESSION_SECONDS", default=12 * 60 * 60)
# Who may do nothing in the console without a second factor: "approvers" (whoever may do or decide what others only ask
# for), "staff" or "nobody".
SECOND_FACTOR_FOR = env.str("SECOND_FACTOR_FOR", default="approvers" if PRODUCTION else "nobody")
if SECOND_FACTOR_FOR not in ("approvers", "staff", "nobody"):
    raise ImproperlyConfigured("SECOND_FACTOR_FOR is approvers, staff or nobody")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"

TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=30)
AXES_RESET_ON_SUCCESS = True
AXES_HTTP_RESPONSE_CODE = 429
AXES_LOCKOUT_CALLABLE = "billing.pages.accounts.signing_in.locked"
# By name and address together: a stranger must not be able to lock a clerk out of her own desk.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_IPWARE_META_PRECEDENCE_ORDER = ["REMOTE_ADDR"]  # as AddressMiddleware leaves it
OTP_TOTP_ISSUER = "Quittance"

# Language and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hant", "繁體中文")]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
FORMAT_MODULE_PATH = ["config.formats"]

# Browser

ALLOWED_HOSTS = required("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
# A console action over a long list posts one field a row.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

WHITENOISE_AUTOREFRESH = not PRODUCTION
WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}

if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # asked from inside, without TLS
    SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    if TRUSTED_PROXIES:
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Mail

DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Quittance <receivables@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
EMAIL_TIMEOUT = 20
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = str(FILES_DIR / "mail")
if _mail := required("EMAIL_URL", ""):
    _mail_settings = env.email_url_config(_mail)
    EMAIL_BACKEND = _mail_settings["EMAIL_BACKEND"]
    EMAIL_HOST = _mail_settings["EMAIL_HOST"]
    EMAIL_PORT = _mail_settings["EMAIL_PORT"]
    EMAIL_HOST_USER = _mail_settings["EMAIL_HOST_USER"]
    EMAIL_HOST_PASSWORD = _mail_settings["EMAIL_HOST_PASSWORD"]
    EMAIL_USE_TLS = _mail_settings.get("EMAIL_USE_TLS", False)
    EMAIL_USE_SSL = _mail_settings.get("EMAIL_USE_SSL", False)

# Processors: see config.gateways.

SANDBOX_PORT = env.int("SANDBOX_PORT", default=8100)
GATEWAYS = gateways.read(env.ENVIRON) or ({} if PRODUCTION or TESTING else gateways.of_sandbox(SANDBOX_PORT))
_no_carriers = {} if PRODUCTION or TESTING else gateways.messengers_of_sandbox(SANDBOX_PORT)
MESSENGERS = gateways.read(env.ENVIRON, "MESSENGER") or _no_carriers  # who carries SMS and WhatsApp
DEFAULT_GATEWAY = env.str("DEFAULT_GATEWAY", default="precisepay")  # of schools that have chosen none
QUALIFY_GATEWAYS = env.bool("QUALIFY_GATEWAYS", default=False)  # lets a command try credentials at the real processor
CHARGE_WORKERS = env.int("CHARGE_WORKERS", default=8)  # charges that one job has under way at once
# How payers reach us, for links in messages: https://pay.example.org
_here = "" if PRODUCTION or TESTING else f"http://127.0.0.1:{env.str('PORT', default='8000')}"
PUBLIC_URL = env.str("PUBLIC_URL", default=_here)
VERIFY_PER_MINUTE = env.int("VERIFY_PER_MINUTE", default=30)  # papers looked up from one address in a minute

# Jobs. The queue row is only a doorbell; checks.py proves that none rings again while the first is at work.

Q_CLUSTER = {
    "name": "quittance",
    "orm": "default",
    "workers": 2,
    "queue_limit": 2,
    "bulk": 1,
    "timeout": 120,
    "retry": 420,
    "max_attempts": 5,
    "ack_failures": False,
    "catch_up": False,
    "save_limit": 1000,
    "poll": 0.5,
    "recycle": 200,
    "guard_cycle": 1,
    "time_zone": "UTC",
    "label": "Jobs",
}

# Logs

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO" if PRODUCTION else "WARNING")
LOGGING = logs.configuration(json=PRODUCTION, level=LOG_LEVEL)
DJANGO_STRUCTLOG_CELERY_ENABLED = False

# Interfaces

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["billing.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["billing.api.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": ["billing.api.throttling.ClientThrottle"],
    "DEFAULT_THROTTLE_RATES": {"client": env.str("API_RATE", default="600/min")},
    "EXCEPTION_HANDLER": "billing.api.problems.handle",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Quittance",
    "DESCRIPTION": "Receivables: what is owed, what was paid, and the papers that prove both.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SORT_OPERATION_PARAMETERS": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "PaymentMethod": "payments.models.Method",
        "PaymentType": "payments.models.Purpose",
        "PaymentState": "payments.models.PaymentState",
        "PaymentStatus": "receipts.api.schema.STATUSES",
        "CreateStatus": "receipts.api.schema.CREATED",
        "ReceiptDelivery": "receipts.models.receipt.Delivery",
        "ChequeState": "payments.models.cheque.ChequeState",
        "ChequeNews": "receipts.api.changes.CHEQUE_WORDS",
        "WishedStatus": "receipts.api.changes.WISHED_WORDS",
        "RefundState": "payments.models.refund.RefundState",
        "RefundStatus": "receipts.api.schema.REFUND_STATUSES",
        "RefundsOfPaymentStatus": "receipts.api.schema.PAYMENT_REFUND_STATUSES",
        "PolicyStatus": "receipts.api.schema.POLICY_STATUSES",
        "InstallmentStatus": "receipts.api.policy_schema.SCHEDULE_STATUSES",
        "AttendanceStatus": "billing.models.lesson.AttendanceStatus",
    },
}
IMPORT_EXPORT_USE_TRANSACTIONS = True
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
