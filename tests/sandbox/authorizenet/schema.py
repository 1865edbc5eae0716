"""The order, need and shape of what requests may hold, after AnetApiSchema.xsd.

One line per type: the children in their order, each `name` or `name:kind`, with `!` where required and `*` where it may
be repeated. A kind is another type of this table or one of: a length `20` or `4-16`, words `none|testMode`, decimal,
numeric, integer, boolean, dateTime, code (of a card). Without one it is any text.
"""

import re
from dataclasses import dataclass

_ADDRESS = "firstName:50 lastName:50 company:50 address:60 city:40 state:40 zip:20 country:60"
_EXTENDED = "amount:decimal! name:31 description:255"
_PROFILE_BASE = "merchantCustomerId:20 description:255 email:255"
_STORED = (
    "customerType:individual|business billTo:customerAddress payment:payment driversLicense:driversLicense taxId:8-9"
    " defaultPaymentProfile:boolean subsequentAuthInformation:subsequentAuth excludeFromAccountUpdater:boolean"
)
_MODE = "validationMode:none|testMode|liveMode|oldLiveMode"
_SORTED = "sorting:sorting paging:paging"

_TYPES = {
    "merchantAuthentication": "name:25 transactionKey:16 sessionToken password:40 clientKey accessToken"
    " mobileDeviceId:60",
    "payment": "creditCard:creditCard bankAccount:bankAccount opaqueData:opaqueData dataSource",
    "creditCard": "cardNumber:4-16! expirationDate:4-7! cardCode:code isPaymentToken:boolean cryptogram"
    " tokenRequestorName tokenRequestorId tokenRequestorEci",
    "bankAccount": "accountType:checking|savings|businessChecking routingNumber:9! accountNumber:17!"
    " nameOnAccount:22! echeckType:PPD|WEB|CCD|TEL|ARC|BOC bankName:50 checkNumber:15",
    "opaqueData": "dataDescriptor! dataValue! dataKey expirationTimeStamp:dateTime",
    "transactionProfile": "createProfile:boolean customerProfileId:numeric paymentProfile:paymentProfileRef"
    " shippingProfileId:numeric",
    "paymentProfileRef": "paymentProfileId:numeric! cardCode:code",
    "solution": "id! name vendorName",
    "order": "invoiceNumber:20 description:255 discountAmount:decimal taxIsAfterDiscount:boolean totalTaxTypeCode:3"
    " purchaserVATRegistrationNumber:21 merchantVATRegistrationNumber:21 vatInvoiceReferenceNumber:15"
    " purchaserCode:17 summaryCommodityCode:4 purchaseOrderDateUTC supplierOrderReference:25"
    " authorizedContactName:36 cardAcceptorRefNumber:25 amexDataTAA1:40 amexDataTAA2:40 amexDataTAA3:40"
    " amexDataTAA4:40",
    "lineItems": "lineItem:lineItem*",
    "lineItem": "itemId:1-31! name:1-31! description:255 quantity:decimal! unitPrice:decimal! taxable:boolean",
    "extendedAmount": _EXTENDED,
    "customer": "type:individual|business id:20 email:255 driversLicense:driversLicense taxId:8-9",
    "driversLicense": "number:5-20! state:2-2! dateOfBirth:8-10!",
    "customerAddress": f"{_ADDRESS} phoneNumber:25 faxNumber:25 email",
    "address": _ADDRESS,
    "cardholderAuthentication": "authenticationIndicator cardholderAuthenticationValue",
    "retail": "marketType deviceType customerSignature terminalNumber",
    "settings": "setting:setting*",
    "setting": "settingName settingValue",
    "userFields": "userField:userField*",
    "userField": "name value",
    "subMerchant": "identifier:40! doingBusinessAs:50 paymentServiceProviderName:40 paymentServiceFacilitator:20"
    " streetAddress:40 phone:20 email:40 postalCode:20 city:30 regionCode:10 countryCode:10",
    "processingOptions": "isFirstRecurringPayment:boolean isFirstSubsequentAuth:boolean isSubsequentAuth:boolean"
    " isStoredCredentials:boolean",
    "subsequentAuth": "originalNetworkTransId:255 originalAuthAmount:decimal"
    " reason:resubmission|delayedCharge|reauthorization|noShow",
    "otherTax": "nationalTaxAmount:decimal localTaxAmount:decimal alternateTaxAmount:decimal alternateTaxId:15"
    " vatTaxRate:decimal vatTaxAmount:decimal",
    "authorizationIndicator": "authorizationIndicator:pre|final",
    "transaction": "transactionType! amount:decimal currencyCode payment:payment profile:transactionProfile"
    " solution:solution callId terminalNumber authCode refTransId splitTenderId order:order lineItems:lineItems"
    " tax:extendedAmount duty:extendedAmount shipping:extendedAmount taxExempt:boolean poNumber customer:customer"
    " billTo:customerAddress shipTo:address customerIP cardholderAuthentication:cardholderAuthentication"
    " retail:retail employeeId transactionSettings:settings userFields:userFields surcharge:extendedAmount"
    " merchantDescriptor subMerchant:subMerchant tip:extendedAmount processingOptions:processingOptions"
    " subsequentAuthInformation:subsequentAuth otherTax:otherTax shipFrom:address"
    " authorizationIndicatorType:authorizationIndicator",
    "profileBase": _PROFILE_BASE,
    "profile": f"{_PROFILE_BASE} paymentProfiles:storing* shipToList:customerAddress* profileType:regular|guest",
    "storing": _STORED,
    "changing": f"{_STORED} customerPaymentProfileId:numeric!",
    "sorting": "orderBy:id|submitTimeUTC! orderDescending:boolean!",
    "paging": "limit:integer! offset:integer!",
    "held": "action:approve|decline! refTransId!",
    "container": "type:TOKEN! id! token:token!",
    "token": "cardNumber:4-16 expirationDate:4-7 cardCode:code zip:20 fullName:64 accountNumber:17 routingNumber:9"
    " nameOnAccount:22 accountType:checking|savings|businessChecking",
}  # fmt: skip

_REQUESTS = {
    "authenticateTestRequest": "",
    "createTransactionRequest": "transactionRequest:transaction!",
    "updateHeldTransactionRequest": "heldTransactionRequest:held!",
    "createCustomerProfileRequest": f"profile:profile! {_MODE}",
    "createCustomerProfileFromTransactionRequest": "transId:numeric! customer:profileBase customerProfileId:numeric"
    " defaultPaymentProfile:boolean defaultShippingAddress:boolean profileType:regular|guest",
    "getCustomerProfileRequest": "customerProfileId:numeric merchantCustomerId:20 email unmaskExpirationDate:boolean"
    " includeIssuerInfo:boolean",
    "deleteCustomerProfileRequest": "customerProfileId:numeric!",
    "createCustomerPaymentProfileRequest": f"customerProfileId:numeric! paymentProfile:storing! {_MODE}",
    "getCustomerPaymentProfileRequest": "customerProfileId:numeric! customerPaymentProfileId:numeric"
    " unmaskExpirationDate:boolean includeIssuerInfo:boolean",
    "updateCustomerPaymentProfileRequest": f"customerProfileId:numeric! paymentProfile:changing! {_MODE}",
    "deleteCustomerPaymentProfileRequest": "customerProfileId:numeric! customerPaymentProfileId:numeric!",
    "validateCustomerPaymentProfileRequest": "customerProfileId:numeric! customerPaymentProfileId:numeric!"
    f" customerShippingAddressId:numeric cardCode:code {_MODE}!",
    "getTransactionDetailsRequest": "transId:numeric!",
    "getUnsettledTransactionListRequest": f"status:any|pendingApproval {_SORTED}",
    "getSettledBatchListRequest": "includeStatistics:boolean firstSettlementDate:dateTime lastSettlementDate:dateTime",
    "getTransactionListRequest": f"batchId:numeric! {_SORTED}",
    "getTransactionListForCustomerRequest": "customerProfileId:numeric! customerPaymentProfileId:numeric"
    f" {_SORTED}",
    "getBatchStatisticsRequest": "batchId:numeric!",
    "getAUJobSummaryRequest": "month:4-7!",
    "getAUJobDetailsRequest": "month:4-7! modifiedTypeFilter:all|updates|deletes paging:paging",
    "securePaymentContainerRequest": "data:container!",
}  # fmt: skip


@dataclass(frozen=True)
class Field:
    name: str
    kind: str
    is_required: bool
    is_many: bool


def _fields(line: str) -> list[Field]:
    found = []
    for word in line.split():
        match = re.fullmatch(r"(\w+)(?::([\w|-]+))?(!?)(\*?)", word)
        assert match, word
        name, kind, required, many = match.groups()
        found.append(Field(name, kind or "text", bool(required), bool(many)))
    return found


TYPES = {name: _fields(line) for name, line in _TYPES.items()}
REQUESTS = {
    name: _fields(f"merchantAuthentication:merchantAuthentication! clientId:30 refId:20 {line}")
    for name, line in _REQUESTS.items()
}
