// Package notify delivers numbered events to sinks: webhooks, commands and callbacks.
//
// Its place in the flow: it reads what ledger has published and touches nothing of it but its own cursors. Delivery is
// at least once, in order for each transaction; the event's id, seq and tx_seq make duplicates and gaps visible.
//
// # Webhooks
//
// A delivery is a POST that follows the Standard Webhooks specification:
//
//	webhook-id         the event's id, the same each time it is tried
//	webhook-timestamp  seconds since 1970 when it is tried
//	webhook-signature  "v1," and base64 of HMAC-SHA256 of ID.TIMESTAMP.BODY; one for each secret, separated by blanks
//
// It counts as delivered on 2xx alone: a redirect is a refusal, because the secret's owner is who was configured. While
// a secret is exchanged both are configured, and the receiver takes either.
//
// A URL's host that is a name must resolve to public addresses, unless private ones are allowed: else whoever rules a
// DNS zone could make the daemon post into the network it stands in. A literal address and localhost are what the
// operator wrote, and taken as they are.
package notify
