"""The daily comparison with Zoho, and what people do about what differs (R149, R152; fault F55).

# Note [What is compared, and what is believed]
# Zoho's lists are read page by page with nothing locked, and each page is compared with our rows as they are then. A
# difference is only written down; nothing of ours is changed by it. Seen for the first time it may be on its way by a
# webhook, so it is looked at again a quarter of an hour later before anybody is told. What a list did not contain is
# missing only when the list was read to its end: a comparison that broke off judges what it saw and nothing else.
"""
