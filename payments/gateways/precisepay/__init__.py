"""PrecisePay: NMI's Direct Post API, Customer Vault, Query API and webhooks."""

from payments.gateways.precisepay.adapter import Gateway as Gateway
