"""Agreements that Zoho Billing bills and charges: begun here, mirrored here, ended on both sides (source 0; R60, R76,
R106; requirements §2 rows 9, 10).

# Note [Zoho is read, not believed]
# A webhook only says which subscription to look at. Its whole truth is read back with nothing locked, and taken in in
# one transaction that does nothing the second time: an invoice, a payment and a refund of Zoho's are known by their id.
# Readings are numbered when they begin; one that began earlier and arrives later is left. So the order in which things
# are told, told twice or never told at all, makes no difference: the job reads whatever was not told.
"""
